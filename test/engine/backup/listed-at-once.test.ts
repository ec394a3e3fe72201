import { describe, expect, it } from 'vitest';
import { listedAtOnce } from '../../../src/engine/backup/listed-at-once.ts';
import { MemoryCluster, builtin } from '../memory-cluster.ts';
import { refuse } from '../sample-cluster.ts';

const { signal } = new AbortController();
const resources = builtin.filter(({ resource }) => resource === 'configmaps' || resource === 'secrets');

/** `count` ConfigMaps and one Secret, in the first of three namespaces. */
function clusterOf(count: number): MemoryCluster {
  const cluster = new MemoryCluster();
  for (const name of ['a', 'b', 'c']) cluster.seed('namespaces', { metadata: { name } });
  for (let n = 0; n < count; n++) cluster.seed('configmaps', { metadata: { name: `m${n}`, namespace: 'a' } });
  cluster.seed('secrets', { metadata: { name: 's', namespace: 'a' } });
  return cluster;
}

async function chosen(cluster: MemoryCluster, names: readonly string[], existing: readonly string[] = ['a', 'b', 'c']): Promise<string[]> {
  const found = await listedAtOnce(cluster, resources, { names, existing }, signal);
  return [...found].map(({ resource }) => resource).sort();
}

describe('listedAtOnce', () => {
  it('takes each resource of which the whole cluster has not much more than a list of each namespace would cost', async () => {
    expect(await chosen(clusterOf(100), ['b', 'c'])).toEqual(['configmaps', 'secrets']);
    expect(await chosen(clusterOf(101), ['b', 'c'])).toEqual(['secrets']);
  });

  it('takes all where all namespaces are wanted, whatever is in them, and asks nothing', async () => {
    const cluster = clusterOf(1000);
    refuse(cluster, () => true);
    expect(await chosen(cluster, ['a', 'b', 'c'])).toEqual(['configmaps', 'secrets']);
  });

  it('takes none for a single namespace', async () => {
    expect(await chosen(clusterOf(0), ['b'])).toEqual([]);
    expect(await chosen(clusterOf(0), ['b'], ['b'])).toEqual([]);
  });

  it('takes what cannot be listed, so that this is told once', async () => {
    const cluster = clusterOf(1000);
    refuse(cluster, ({ resource }) => resource === 'configmaps');
    expect(await chosen(cluster, ['b', 'c'])).toEqual(['configmaps', 'secrets']);
  });
});
