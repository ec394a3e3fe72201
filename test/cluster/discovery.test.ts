import { describe, expect, it } from 'vitest';
import type { Received, Scripted } from './api-server.ts';
import { never, scriptedCluster, status } from './api-server.ts';

const resource = (name: string, kind: string, scope = 'Namespaced') => ({
  resource: name,
  responseKind: { group: '', version: '', kind },
  scope,
  singularResource: kind.toLowerCase(),
  verbs: ['get', 'list'],
  subresources: [{ subresource: 'status' }],
});
const aggregated = (items: readonly object[]) => ({ body: { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items } });

function serveAggregated({ path }: Received): Scripted {
  if (path === '/api') return aggregated([{ metadata: {}, versions: [{ version: 'v1', resources: [resource('pods', 'Pod')] }] }]);
  if (path !== '/apis') return status(404, 'NotFound', 'no');
  return aggregated([
    {
      metadata: { name: 'example.com' },
      versions: [
        { version: 'v2', freshness: 'Current', resources: [resource('things', 'Thing')] },
        { version: 'v1', freshness: 'Current', resources: [resource('things', 'Thing'), resource('olds', 'Old', 'Cluster')] },
      ],
    },
    { metadata: { name: 'broken.io' }, versions: [{ version: 'v1', freshness: 'Stale', resources: [resource('xs', 'X')] }] },
  ]);
}

const legacy: Record<string, unknown> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': {
    kind: 'APIGroupList',
    groups: [
      { name: 'example.com', versions: [{ version: 'v1' }, { version: 'v2' }], preferredVersion: { version: 'v2' } },
      { name: 'broken.io', versions: [{ version: 'v1' }] },
    ],
  },
  '/api/v1': {
    resources: [{ name: 'pods', namespaced: true, kind: 'Pod', singularName: 'pod', verbs: ['get', 'list'] }, { name: 'pods/status' }],
  },
  '/apis/example.com/v2': {
    resources: [{ name: 'things', namespaced: true, kind: 'Thing', singularName: 'thing', verbs: ['get', 'list'] }],
  },
  '/apis/example.com/v1': {
    resources: [
      { name: 'things', namespaced: true, kind: 'Thing' },
      { name: 'olds', namespaced: false, kind: 'Old', singularName: 'old', verbs: ['get', 'list'] },
    ],
  },
};
const serveLegacy = ({ path }: Received): Scripted =>
  legacy[path] ? { body: legacy[path] } : status(503, 'ServiceUnavailable', 'service unavailable');

describe.each([
  ['aggregated', serveAggregated],
  ['legacy', serveLegacy],
] as const)('%s discovery', (_, script) => {
  it('finds every resource once, in the preferred version of its group', async () => {
    await using server = await scriptedCluster(script);
    const { resources } = await server.cluster.discover(never);
    const common = { shortNames: [], verbs: ['get', 'list'] };
    expect(resources).toEqual([
      { group: '', version: 'v1', resource: 'pods', kind: 'Pod', singular: 'pod', namespaced: true, ...common },
      { group: 'example.com', version: 'v2', resource: 'things', kind: 'Thing', singular: 'thing', namespaced: true, ...common },
      { group: 'example.com', version: 'v1', resource: 'olds', kind: 'Old', singular: 'old', namespaced: false, ...common },
    ]);
  });

  it('names the group that does not answer', async () => {
    await using server = await scriptedCluster(script);
    const { failures } = await server.cluster.discover(never);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ groupVersion: 'broken.io/v1', message: expect.stringMatching(/Stale|service unavailable/) });
  });
});

it('asks twice in all where discovery is aggregated', async () => {
  await using server = await scriptedCluster(serveAggregated);
  await server.cluster.discover(never);
  expect(server.received.map(({ path }) => path).sort()).toEqual(['/api', '/apis']);
});

it('rejects when the server itself does not answer', async () => {
  await using server = await scriptedCluster(() => status(403, 'Forbidden', 'no'));
  await expect(server.cluster.discover(never)).rejects.toMatchObject({ code: 403 });
});
