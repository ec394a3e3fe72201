/** Writes through kube-apiserver: creates and patches of the status, 32 at a time, against those of the CustomResourceDefinition. */
import { alternate, figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { rate } from './load.ts';
import type { Client } from './load.ts';
import { connections, ours, theirs } from './read.ts';
import type { Rig } from './rig.ts';

export const changeNames = ['create', 'patch-status'] as const;

const merge = { 'content-type': 'application/merge-patch+json' };

/** `names` are of objects that both sides have. Kylon's store is a folder with fsync; etcd runs as the cluster has it. */
export async function benchChanges(
  { cluster }: Rig,
  only: ReadonlySet<string>,
  names: readonly string[],
  quick: boolean,
): Promise<Figure[]> {
  const [rounds, seconds] = quick ? [3, 1] : [5, 3];
  const against = 'CRD of the same schema';
  const plans = [
    { name: 'create', one: creates(cluster, seconds), goal: 2 },
    { name: 'patch-status', one: patches(cluster, names, seconds), goal: 3 },
  ].filter(({ name }) => only.has(name));
  const figures: Figure[] = [];
  for (const { name, one, goal } of plans) {
    const [value, againstValue] = await alternate(
      rounds,
      () => one(ours),
      () => one(theirs),
    );
    figures.push(figure({ name, value, unit: 'writes/s', against, againstValue, goal }));
  }
  return figures;
}

/** Of all that is made, whoever measures: no name is taken twice. */
let round = 0;

/** How many a second, of Backups in the group of the path. */
export function creates(cluster: Client, seconds: number): (path: string) => Promise<number> {
  return (path) => {
    const prefix = `made-${round++}`;
    const [, , group, version] = path.split('/');
    return rate(seconds, connections, (n) => create(cluster, path, `${group}/${version}`, `${prefix}-${n}`));
  };
}

export const patches = (cluster: Client, names: readonly string[], seconds: number) => (path: string) =>
  rate(seconds, connections, (n) => patch(cluster, path, names[n % names.length] ?? '', n));

function create(cluster: Client, path: string, apiVersion: string, name: string): Promise<Buffer> {
  const spec = { includedResources: ['configmaps'], labelSelector: { matchLabels: { app: 'web' } }, ttl: '720h' };
  return cluster.ask('POST', path, { apiVersion, kind: 'Backup', metadata: { name, labels: { app: 'web' } }, spec });
}

/** Each changes something, or it would be no write. */
function patch(cluster: Client, path: string, name: string, n: number): Promise<Buffer> {
  return cluster.ask('PATCH', `${path}/${name}/status`, { status: { progress: { totalItems: n, itemsBackedUp: n } } }, merge);
}
