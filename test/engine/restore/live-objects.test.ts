import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/engine/restore/saved-items.ts';
import { withLive } from '../../../src/engine/restore/live-objects.ts';
import { targetIn } from '../../../src/engine/restore/target.ts';
import { MemoryCluster, builtin } from '../memory-cluster.ts';
import type { Request } from '../memory-cluster.ts';
import { refuse } from '../sample-cluster.ts';
import { play } from './scene.ts';

const name = (n: number) => `m${String(n).padStart(3, '0')}`;
const { signal } = new AbortController();

/** `count` ConfigMaps, numbered by `step`. */
function fill(cluster: MemoryCluster, namespace: string, count: number, step = 1): void {
  for (let n = 0; n < count; n++)
    cluster.seed('configmaps', { metadata: { name: name(n * step), namespace, labels: { app: 'web' } }, data: { n: String(n * step) } });
}

async function* entries(namespaces: readonly string[], count: number): AsyncIterable<Entry> {
  for (const namespace of namespaces)
    for (let n = 0; n < count; n++) {
      const item = { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', namespace, name: name(n), uid: '', labels: {} };
      yield { item: { ...item, bytes: 0 } as Entry['item'], manifest: Buffer.alloc(0), place: n };
    }
}

async function found(cluster: MemoryCluster, namespaces: readonly string[], count: number, mapping: Record<string, string> = {}) {
  const parts = {
    cluster,
    served: { find: (key: string) => builtin.find(({ resource }) => resource === key) },
    targetOf: (key: Parameters<typeof targetIn>[1]) => targetIn((namespace) => mapping[namespace] ?? namespace, key),
    work: { signal },
  } as unknown as Parameters<typeof withLive>[0];
  const live: string[] = [];
  for await (const entry of withLive(parts, 'configmaps', entries(namespaces, count)))
    if (entry.live) live.push(`${entry.live.kind} ${entry.live.metadata.namespace}/${entry.live.metadata.name}`);
  return live;
}

describe('withLive', () => {
  it('finds what is there, and not what is not, from the first few items on', async () => {
    const cluster = new MemoryCluster();
    fill(cluster, 'a', 20, 2);
    expect(await found(cluster, ['a'], 25)).toEqual([16, 18, 20, 22, 24].map((n) => `ConfigMap a/${name(n)}`));
  });

  it('looks where items go, in each namespace anew', async () => {
    const cluster = new MemoryCluster();
    fill(cluster, 'a', 18);
    fill(cluster, 'c', 17);
    const live = [`ConfigMap c/${name(16)}`, `ConfigMap a/${name(16)}`, `ConfigMap a/${name(17)}`];
    expect(await found(cluster, ['b', 'a'], 20, { b: 'c' })).toEqual(live);
  });

  it('asks for no list where items are few', async () => {
    const cluster = new MemoryCluster();
    fill(cluster, 'a', 100);
    refuse(cluster, () => expect.fail('a request'));
    expect(await found(cluster, ['a'], 16)).toEqual([]);
  });

  it('finds nothing for who may not list', async () => {
    const cluster = new MemoryCluster();
    fill(cluster, 'a', 100);
    refuse(cluster, ({ verb }) => verb === 'list');
    expect(await found(cluster, ['a'], 100)).toEqual([]);
  });
});

describe('a restore of what is there', () => {
  const watched = (requests: Request[]) => (cluster: MemoryCluster) => {
    cluster.check = (request) => void requests.push(request);
  };

  it('tries to make but the first few of it, and tells of each what it would have told', async () => {
    const requests: Request[] = [];
    const between = (cluster: MemoryCluster) => {
      cluster.seed('configmaps', { metadata: { name: name(30), namespace: 'shop', labels: { app: 'web' } }, data: { n: 'another' } });
      watched(requests)(cluster);
    };
    const { status, results } = await play({ before: (cluster) => fill(cluster, 'shop', 60), between });
    expect(status.phase).toBe('Completed');
    expect(requests.filter(({ verb, resource }) => verb === 'create' && resource === 'configmaps').length).toBeLessThanOrEqual(16);
    const outcomes = ['unchanged', 'unchanged', 'skipped: it exists already, and differs', 'unchanged'];
    expect(results).toEqual(expect.arrayContaining([0, 29, 30, 59].map((n, at) => `configmaps shop/${name(n)} ${outcomes[at]}`)));
  });

  it('still makes what went away between the list and its turn, and changes what differs by now', async () => {
    const before = (cluster: MemoryCluster) => fill(cluster, 'shop', 60);
    const between = (cluster: MemoryCluster) => {
      cluster.seed('configmaps', { metadata: { name: name(30), namespace: 'shop', labels: { app: 'web' } }, data: { n: 'another' } });
      cluster.check = ({ verb, name: asked }) => {
        if (verb === 'update' && asked === name(30)) cluster.drop('configmaps', 'shop', name(30));
      };
    };
    const { results, cluster } = await play({ before, between, restore: { existingResourcePolicy: 'Update' } });
    expect(results).toContain(`configmaps shop/${name(30)} created`);
    expect(cluster.read('configmaps', 'shop', name(30))).toMatchObject({ data: { n: '30' } });
  });
});
