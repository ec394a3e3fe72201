/**
 * Kubernetes Events about our objects, for `kubectl describe`. Best effort: a run never fails or waits long for one. What comes again is one Event with
 * its count and what was said last, as Kubernetes has it: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
 */
import { createHash } from 'node:crypto';
import { rfc3339 } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { EngineParts } from '../parts.ts';
import { events } from '../snapshot/known.ts';

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, one word. */
  readonly reason: string;
  readonly message: string;
}

const patience = 5_000;
/** https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/events.go */
const longestMessage = 1024;
const longestPrefix = 230;

export async function recordEvent(parts: EngineParts, object: KubeObject, text: EventText, signal: AbortSignal): Promise<void> {
  const namespace = object.metadata.namespace ?? 'default';
  try {
    await withDeadline(parts.clock, patience, signal, lateness, (signal) =>
      createOrCount(parts, namespace, eventOf(parts, object, namespace, text), signal),
    );
  } catch (error) {
    parts.log.debug('an event was not recorded', { reason: text.reason, error: messageOf(error) });
  }
}

const lateness = () => new Error(`no answer within ${patience} ms`);

/** Of two replicas that count at the same moment, one is not counted. */
async function createOrCount({ cluster }: EngineParts, namespace: string, event: ClusterObject, signal: AbortSignal): Promise<void> {
  try {
    await cluster.create(events, namespace, event, {}, signal);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
    const { message, lastTimestamp, metadata } = event;
    const before = await cluster.get(events, namespace, metadata.name, signal);
    const count = Number(before?.['count'] ?? 0) + 1;
    await cluster.patch(events, namespace, metadata.name, { message, lastTimestamp, count }, {}, signal);
  }
}

/** The same for everything that happens to the same object for the same reason. */
function nameOf({ name, uid = '' }: KubeObject['metadata'], reason: string): string {
  const hash = createHash('sha256').update(`${uid}/${reason}`).digest('hex');
  return `${name.slice(0, longestPrefix)}.${hash.slice(0, 16)}`;
}

function eventOf(parts: EngineParts, { apiVersion, kind, metadata }: KubeObject, namespace: string, text: EventText): ClusterObject {
  const time = rfc3339(parts.clock.now());
  const { name, namespace: own, uid, resourceVersion } = metadata;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: nameOf(metadata, text.reason), namespace },
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
