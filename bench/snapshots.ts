/** Many Snapshots at once, by CSI, against as many bare VolumeSnapshots of the same claims. */
import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { each, timed } from './load.ts';
import type { Client } from './load.ts';
import type { Rig } from './rig.ts';

export const snapshotNames = ['snapshots-20'] as const;

const count = 20;
const rounds = 3;
const namespace = 'kylon-bench-snapshots';
const names = Array.from({ length: count }, (_, n) => `data-${n}`);
const claims = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
const snapshotApi = '/apis/snapshot.storage.k8s.io/v1';
/** Seconds. */
const longest = 300;

/** One kind of snapshots of claims. */
interface Way {
  /** Of all of them. */
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly isReady: (status: Status) => boolean;
}

interface Status {
  readonly phase?: string;
  readonly readyToUse?: boolean;
}

interface List {
  readonly items: readonly { readonly spec?: { readonly volumeSnapshotRef?: { readonly namespace: string } }; readonly status?: Status }[];
}

const ours: Way = {
  path: `/apis/backup.kylon.io/v1alpha1/namespaces/${namespace}/snapshots`,
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Snapshot',
  isReady: ({ phase, readyToUse }) => phase === 'Completed' && readyToUse === true,
};
const bare: Way = {
  path: `${snapshotApi}/namespaces/${namespace}/volumesnapshots`,
  apiVersion: 'snapshot.storage.k8s.io/v1',
  kind: 'VolumeSnapshot',
  isReady: ({ readyToUse }) => readyToUse === true,
};

/** By the default classes of the cluster, of which that of volumes has to make them at once; left out where it takes no snapshots. */
export async function benchSnapshots({ cluster }: Rig): Promise<Figure[]> {
  if ((await cluster.send('GET', `${snapshotApi}/volumesnapshotclasses`)).status === 404) {
    console.log('snapshots-20 is left out: the cluster takes no snapshots of volumes');
    return [];
  }
  return withClaims(cluster, async () => {
    const [value, againstValue] = await alternate(
      rounds,
      () => takeAll(cluster, ours),
      () => takeAll(cluster, bare),
    );
    return [figure({ name: 'snapshots-20', value, unit: 's', against: 'bare VolumeSnapshots', againstValue, goal: 1.5, better: 'lower' })];
  });
}

async function withClaims<T>(cluster: Client, work: () => Promise<T>): Promise<T> {
  const place = `/api/v1/namespaces/${namespace}`;
  await cluster.send('DELETE', place);
  await until(async () => (await cluster.send('GET', place)).status === 404, `the namespace ${namespace} to go`);
  await cluster.ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  try {
    await each(count, names, (name) => cluster.ask('POST', claims, claim(name)));
    const areBound = async () => (await statuses(cluster, claims)).every(({ phase }) => phase === 'Bound');
    await until(areBound, 'the claims to be bound');
    return await work();
  } finally {
    await cluster.ask('DELETE', place);
  }
}

const claim = (name: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
});

/** Seconds until all are ready. They are deleted after that, for the next round to find what this one found. */
async function takeAll(cluster: Client, { path, apiVersion, kind, isReady }: Way): Promise<number> {
  const take = (name: string) =>
    cluster.ask('POST', path, { apiVersion, kind, metadata: { name }, spec: { source: { persistentVolumeClaimName: name } } });
  const areReady = async () => {
    const all = await statuses(cluster, path);
    if (all.some(({ phase }) => phase === 'Failed')) throw new Error(`${kind}: one of them has failed`);
    return all.length === count && all.every(isReady);
  };
  const seconds = await timed(async () => {
    await each(count, names, take);
    await until(areReady, `each ${kind} to be ready`);
  });
  await cluster.ask('DELETE', path);
  await until(async () => (await statuses(cluster, path)).length === 0 && !(await areContentsLeft(cluster)), `each ${kind} to be gone`);
  return seconds;
}

/** What the driver keeps goes last. */
async function areContentsLeft(cluster: Client): Promise<boolean> {
  const { items } = await cluster.json<List>('GET', `${snapshotApi}/volumesnapshotcontents`);
  return items.some(({ spec }) => spec?.volumeSnapshotRef?.namespace === namespace);
}

async function statuses(cluster: Client, path: string): Promise<readonly Status[]> {
  const { items } = await cluster.json<List>('GET', path);
  return items.map(({ status = {} }) => status);
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + longest * 1000; !(await isSo()); await sleep(50))
    if (Date.now() > end) throw new Error(`waited ${longest} s for ${what}`);
}
