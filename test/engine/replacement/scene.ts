/** A cluster in memory with a Deployment on a bound claim, a finished Snapshot of it, and what the controllers of Kubernetes would do. */
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { fastClock } from '../clocks.ts';
import type { MemoryCluster, Request } from '../memory-cluster.ts';
import { snapshotCluster } from '../snapshot/snapshot-cluster.ts';
import { contents, volumeSnapshots } from '../snapshot/snapshot-kinds.ts';
import { createWorkbench, forever } from '../workbench.ts';

export const claims = 'persistentvolumeclaims';
export const volumes = 'persistentvolumes';
export const deployments = 'deployments.apps';

interface Fields {
  readonly volumeName?: string;
  readonly dataSource?: object;
  readonly replicas?: number;
  readonly claimRef?: { readonly uid?: string };
  readonly persistentVolumeReclaimPolicy?: string;
}
const specOf = (object: ClusterObject) => object['spec'] as Fields;

export async function replacementScene() {
  const { cluster, makeReady } = snapshotCluster();
  const shared = { cluster, storage: new MemoryStorage(), files: new Map<string, Uint8Array>(), clock: fastClock };
  const [one, two] = [createWorkbench({ ...shared, replica: 'one' }), createWorkbench({ ...shared, replica: 'one' })] as const;
  const uid = seed(cluster);
  await giveSnapshot(one, cluster);
  return { cluster, one, two, claimUid: uid, makeReady, settle: () => settle(cluster) };
}

function seed(cluster: MemoryCluster): string {
  const claim = cluster.seed(claims, {
    metadata: { name: 'data', namespace: 'shop', labels: { app: 'shop' }, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { volumeName: 'pv', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'fast' },
    status: { phase: 'Bound', capacity: { storage: '1Gi' } },
  });
  const { uid = '' } = claim.metadata;
  cluster.seed(volumes, {
    metadata: { name: 'pv' },
    spec: { csi: { driver: 'disk' }, persistentVolumeReclaimPolicy: 'Delete', claimRef: { name: 'data', namespace: 'shop', uid } },
  });
  const kinds = [
    { group: 'storage.k8s.io', plural: 'storageclasses', kind: 'StorageClass', scope: 'Cluster' },
    { group: 'apps', plural: 'statefulsets', kind: 'StatefulSet', scope: 'Namespaced' },
  ];
  for (const { group, plural, kind, scope } of kinds)
    cluster.seed('customresourcedefinitions.apiextensions.k8s.io', {
      metadata: { name: `${plural}.${group}` },
      spec: { group, names: { plural, kind }, scope },
    });
  cluster.seed('storageclasses.storage.k8s.io', { metadata: { name: 'fast' }, provisioner: 'disk' });
  cluster.seed(deployments, { metadata: { name: 'web', namespace: 'shop' }, spec: { replicas: 2 } });
  settle(cluster);
  return uid;
}

async function giveSnapshot({ parts, create }: ReturnType<typeof createWorkbench>, cluster: MemoryCluster): Promise<void> {
  const { metadata } = await create(snapshots, 'shop', 's', { source: { persistentVolumeClaimName: 'data' } });
  const name = `kylon-${metadata.uid}`;
  const taken = {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshot',
    metadata: { name, namespace: 'shop' },
    spec: {},
    status: { readyToUse: true, restoreSize: '1Gi', boundVolumeSnapshotContentName: 'content' },
  };
  const made = cluster.seed(volumeSnapshots, await parts.proofs.give(taken, metadata.uid ?? '', forever));
  cluster.seed(contents, {
    metadata: { name: 'content' },
    spec: { volumeSnapshotRef: { uid: made.metadata.uid } },
    status: { snapshotHandle: 'handle' },
  });
  const status = { phase: 'Completed', driver: 'disk', handle: 'handle', volumeSnapshotName: name, volumeSnapshotContentName: 'content' };
  const target = { namespace: 'shop', name: 's', uid: metadata.uid ?? '' };
  const finished = (object: object) => ({
    ...(object as ClusterObject),
    status: { ...status, restoreSize: '1Gi', claim: { name: 'data', uid: 'c' } },
  });
  await parts.objects.update(snapshots, target, 'status', (object) => finished(object), forever);
}

/** What provisioner, binder, reclaimer, garbage collector and the controllers of workloads would do about all that is there. */
function settle(cluster: MemoryCluster): void {
  for (const namespace of cluster.names('namespaces')) {
    for (const resource of [claims, volumeSnapshots]) collect(cluster, resource, namespace);
    for (const name of cluster.names(claims, namespace)) bind(cluster, cluster.read(claims, namespace, name)!);
  }
  for (const name of cluster.names(volumes)) reclaim(cluster, cluster.read(volumes, '', name)!);
  for (const name of cluster.names(deployments, 'shop')) run(cluster, cluster.read(deployments, 'shop', name)!);
}

function bind(cluster: MemoryCluster, claim: ClusterObject): void {
  const { dataSource } = specOf(claim);
  const { uid = '', name, namespace } = claim.metadata;
  const volumeName = specOf(claim).volumeName ?? promisedTo(cluster, uid);
  if (volumeName === undefined && dataSource !== undefined) {
    const claimRef = { name, namespace, uid };
    cluster.seed(volumes, { metadata: { name: `pv-${uid}` }, spec: { persistentVolumeReclaimPolicy: 'Delete', claimRef } });
    cluster.seed(claims, { ...claim, spec: { ...specOf(claim), volumeName: `pv-${uid}` }, status: { phase: 'Bound' } });
  } else if (volumeName !== undefined) {
    const volume = cluster.read(volumes, '', volumeName);
    const isOurs = volume !== undefined && specOf(volume).claimRef?.uid === uid;
    const { phase: before } = (claim['status'] ?? {}) as { phase?: string };
    const phase = isOurs ? 'Bound' : before === 'Bound' ? 'Lost' : 'Pending';
    if (before !== phase)
      cluster.seed(claims, { ...claim, spec: { ...specOf(claim), volumeName }, status: { phase, capacity: { storage: '1Gi' } } });
  }
}

const promisedTo = (cluster: MemoryCluster, uid: string) =>
  cluster.names(volumes).find((name) => specOf(cluster.read(volumes, '', name)!).claimRef?.uid === uid);

/** What is owned by claims that are gone. */
function collect(cluster: MemoryCluster, resource: string, namespace: string): void {
  const uids = new Set(cluster.names(claims, namespace).map((name) => cluster.read(claims, namespace, name)?.metadata.uid));
  for (const name of cluster.names(resource, namespace)) {
    const [owner] = (cluster.read(resource, namespace, name)?.metadata['ownerReferences'] ?? []) as { kind: string; uid: string }[];
    if (owner?.kind === 'PersistentVolumeClaim' && !uids.has(owner.uid)) cluster.drop(resource, namespace, name);
  }
}

function reclaim(cluster: MemoryCluster, volume: ClusterObject): void {
  const { claimRef, persistentVolumeReclaimPolicy: policy } = specOf(volume);
  const all = cluster.names('namespaces').flatMap((namespace) => cluster.names(claims, namespace).map((name) => ({ namespace, name })));
  const isClaimed = all.some(({ namespace, name }) => cluster.read(claims, namespace, name)?.metadata.uid === claimRef?.uid);
  if (!isClaimed && policy === 'Delete') cluster.drop(volumes, '', volume.metadata.name);
}

function run(cluster: MemoryCluster, { metadata, spec }: ClusterObject): void {
  const { replicas = 0 } = spec as Fields;
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name, uid: metadata.uid, controller: true }];
  const data = { name: 'data', persistentVolumeClaim: { claimName: 'data' } };
  for (const index of [0, 1]) {
    const name = `${metadata.name}-${index}`;
    const isThere = cluster.read('pods', 'shop', name) !== undefined;
    if (index >= replicas) cluster.drop('pods', 'shop', name);
    else if (!isThere) cluster.seed('pods', { metadata: { name, namespace: 'shop', ownerReferences }, spec: { volumes: [data] } });
  }
}

export const isWrite = ({ verb, resource }: Request) => /^(create|update|patch|delete)$/.test(verb) && resource !== 'events';
