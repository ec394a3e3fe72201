import { describe, expect, it } from 'vitest';
import type { Received, Scripted } from './api-server.ts';
import { never, scriptedCluster } from './api-server.ts';

const maps = {
  group: '',
  version: 'v1',
  resource: 'configmaps',
  kind: 'ConfigMap',
  singular: '',
  shortNames: [],
  namespaced: true,
  verbs: [],
};

const named = (name: string) => ({ metadata: { name } });
const events = [
  { type: 'MODIFIED', object: named('a') },
  { type: 'BOOKMARK', object: {} },
  { type: 'DELETED', object: named('b') },
];

function serve({ query }: Received): Scripted {
  if (query.get('watch') === 'true') return { body: events.map((event) => JSON.stringify(event)).join('\n') + '\n' };
  return query.get('continue') === 'more'
    ? { body: { metadata: { resourceVersion: '7' }, items: [named('b')] } }
    : { body: { metadata: { resourceVersion: '7', continue: 'more' }, items: [named('a')] } };
}

describe('following a resource', () => {
  it('gives all there is, then every change since, until the server ends it', async () => {
    await using server = await scriptedCluster(serve);
    const seen: string[] = [];
    for await (const { type, object } of server.cluster.follow(maps, never)) seen.push(`${type} ${object.metadata.name}`);
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'MODIFIED a', 'DELETED b']);
    const { path, query } = server.received.at(-1)!;
    expect(path).toBe('/api/v1/configmaps');
    expect(query.get('resourceVersion')).toBe('7');
  });
});
