/** What may turn away other objects waits for the Pods behind it. */
import { describe, expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { Backends } from '../../../src/engine/restore/backends.ts';
import { fastClock } from '../clocks.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { forever } from '../workbench.ts';

const [webhooks, apis] = ['validatingwebhookconfigurations.admissionregistration.k8s.io', 'apiservices.apiregistration.k8s.io'] as const;
const slices = 'endpointslices.discovery.k8s.io';

function scene() {
  const cluster = new MemoryCluster();
  cluster.seed('customresourcedefinitions.apiextensions.k8s.io', {
    metadata: { name: slices },
    spec: { group: 'discovery.k8s.io', names: { plural: 'endpointslices', kind: 'EndpointSlice' }, scope: 'Namespaced' },
  });
  const waits: string[] = [];
  const backends = new Backends({ cluster, clock: fastClock }, (text) => waits.push(text), forever);
  const service = (name: string, spec: object = {}) => cluster.seed('services', { metadata: { name, namespace: 'x' }, spec });
  const pods = (name: string, ...ready: readonly (boolean | undefined)[]) =>
    cluster.seed(slices, {
      metadata: { name: `${name}-1`, namespace: 'x', labels: { 'kubernetes.io/service-name': name } },
      endpoints: ready.map((one) => ({ addresses: ['10.0.0.1'], conditions: { ready: one } })),
    });
  return { waits, backends, service, pods };
}

const object = (fields: object) => ({ metadata: { name: 'a' }, ...fields }) as ClusterObject;
const hook = (name: string, more: object = {}) => ({ clientConfig: { service: { namespace: 'x', name } }, ...more });

describe('what may turn away other objects', () => {
  it('does not wait where a Pod is ready, nobody is asked, or nothing fails without an answer', async () => {
    const { backends, service, pods, waits } = scene();
    service('up');
    pods('up', false, true);
    service('told');
    pods('told', undefined);
    service('outside', { type: 'ExternalName' });
    const all = [
      hook('up'),
      hook('told'),
      hook('outside'),
      hook('down', { failurePolicy: 'Ignore' }),
      { clientConfig: { url: 'https://x' } },
    ];
    expect(await backends.await(webhooks, object({ webhooks: all }))).toEqual([]);
    expect(await backends.await(apis, object({ spec: {} }))).toEqual([]);
    expect(await backends.await('configmaps', object({ webhooks: [hook('none')] }))).toEqual([]);
    expect(waits).toEqual([]);
  });

  it('waits until one is', async () => {
    const { backends, service, pods, waits } = scene();
    service('late');
    pods('late', false);
    setTimeout(() => pods('late', true), 20);
    expect(await backends.await(apis, object({ spec: { service: { namespace: 'x', name: 'late' } } }))).toEqual([]);
    expect(waits).toEqual(['waits for a ready Pod of the Service x/late, 120 s at most']);
  });

  it('does not wait for ever, and for each Service once, and says what is missing', async () => {
    const { backends, service, waits } = scene();
    service('down');
    const late = 'the Service x/down has no ready Pod after 120 s';
    expect(await backends.await(webhooks, object({ webhooks: [hook('down'), hook('gone'), hook('down')] }))).toEqual([
      late,
      'the Service x/gone is not there',
    ]);
    expect(await backends.await(apis, object({ spec: { service: { namespace: 'x', name: 'down' } } }))).toEqual([late]);
    expect(waits).toHaveLength(1);
  });
});
