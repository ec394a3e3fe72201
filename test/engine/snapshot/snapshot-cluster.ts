/** A cluster in memory with a bound claim, and with what the snapshot controller and a driver would do, step by step. */
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { defaultClass } from '../../../src/engine/snapshot/snapshot-class.ts';
import { MemoryCluster } from '../memory-cluster.ts';

const group = 'snapshot.storage.k8s.io';
export const volumeSnapshots = `volumesnapshots.${group}`;
export const contents = `volumesnapshotcontents.${group}`;
const classes = `volumesnapshotclasses.${group}`;

const kinds = [
  { plural: 'volumesnapshots', kind: 'VolumeSnapshot', scope: 'Namespaced' },
  { plural: 'volumesnapshotcontents', kind: 'VolumeSnapshotContent', scope: 'Cluster' },
  { plural: 'volumesnapshotclasses', kind: 'VolumeSnapshotClass', scope: 'Cluster' },
];

export function snapshotCluster(deletionPolicy: 'Delete' | 'Retain' = 'Delete') {
  const cluster = new MemoryCluster();
  for (const { plural, kind, scope } of kinds)
    cluster.seed('customresourcedefinitions.apiextensions.k8s.io', {
      metadata: { name: `${plural}.${group}` },
      spec: { group, names: { plural, kind }, scope },
    });
  cluster.seed('namespaces', { metadata: { name: 'shop' } });
  cluster.seed('persistentvolumes', { metadata: { name: 'pv' }, spec: { csi: { driver: 'disk' } } });
  cluster.seed('persistentvolumeclaims', {
    metadata: { name: 'data', namespace: 'shop' },
    spec: { volumeName: 'pv', accessModes: ['ReadWriteOnce'] },
    status: { phase: 'Bound', capacity: { storage: '1Gi' } },
  });
  cluster.seed(classes, { metadata: { name: 'usual', annotations: { [defaultClass]: 'true' } }, driver: 'disk', deletionPolicy });
  return {
    cluster,
    names: () => [...cluster.names(volumeSnapshots, 'shop'), ...cluster.names(contents)],
    /** Makes every VolumeSnapshot ready, as the controller would in time. */
    makeReady: (): void => {
      for (const name of cluster.names(volumeSnapshots, 'shop'))
        bind(cluster, cluster.read(volumeSnapshots, 'shop', name)!, deletionPolicy);
    },
    /** Lets contents go whose VolumeSnapshot is gone, if they are to go with it. */
    collect: (): void => {
      for (const name of cluster.names(contents)) {
        const { spec } = cluster.read(contents, '', name) as unknown as Content;
        const isGone = cluster.read(volumeSnapshots, 'shop', spec.volumeSnapshotRef.name) === undefined;
        if (isGone && spec.deletionPolicy === 'Delete') cluster.drop(contents, '', name);
      }
    },
  };
}

interface Content {
  readonly spec: { readonly deletionPolicy: string; readonly volumeSnapshotRef: { readonly name: string } };
}

function bind(cluster: MemoryCluster, volumeSnapshot: ClusterObject, deletionPolicy: string): void {
  if (volumeSnapshot['status']) return;
  const { name, uid } = volumeSnapshot.metadata;
  cluster.seed(contents, {
    metadata: { name: `content-${name}` },
    spec: { driver: 'disk', deletionPolicy, volumeSnapshotRef: { namespace: 'shop', name, uid } },
    status: { snapshotHandle: `handle-${name}` },
  });
  const status = { readyToUse: true, restoreSize: '1Gi', boundVolumeSnapshotContentName: `content-${name}` };
  cluster.seed(volumeSnapshots, { ...volumeSnapshot, status });
}
