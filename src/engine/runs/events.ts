/** Kubernetes Events about our objects, for `kubectl describe`. Best effort: a run never fails or waits long for one. */
import { rfc3339 } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import type { ApiResource } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { EngineParts } from '../parts.ts';

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, one word. */
  readonly reason: string;
  readonly message: string;
}

const events: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'events',
  kind: 'Event',
  singular: 'event',
  shortNames: [],
  namespaced: true,
  verbs: ['create'],
};

const patience = 5_000;
/** https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/events.go */
const longestMessage = 1024;
const longestPrefix = 230;

export async function recordEvent(parts: EngineParts, object: KubeObject, text: EventText, signal: AbortSignal): Promise<void> {
  const namespace = object.metadata.namespace ?? 'default';
  try {
    await withDeadline(parts.clock, patience, signal, lateness, (signal) =>
      parts.cluster.create(events, namespace, eventOf(parts, object, namespace, text), {}, signal),
    );
  } catch (error) {
    parts.log.debug('an event was not recorded', { reason: text.reason, error: messageOf(error) });
  }
}

const lateness = () => new Error(`no answer within ${patience} ms`);

function eventOf(parts: EngineParts, { apiVersion, kind, metadata }: KubeObject, namespace: string, text: EventText) {
  const time = rfc3339(parts.clock.now());
  const { name, namespace: own, uid, resourceVersion } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name.slice(0, longestPrefix)}.${parts.ids.hex(8)}`, namespace },
    involvedObject: { apiVersion, kind, name, ...(own !== undefined && { namespace: own }), uid, resourceVersion },
    type: text.type,
    reason: text.reason,
    message: text.message.slice(0, longestMessage),
    source: { component: 'kylon', host: parts.replica },
    reportingComponent: 'kylon',
    reportingInstance: parts.replica,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
