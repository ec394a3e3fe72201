/** A cluster in memory with a bound claim, and with what the snapshot controller and a driver would do, step by step. */
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { groupSnapshotClasses, snapshotClasses } from '../../../src/engine/snapshot/snapshot-class.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { bindGroups, collectMembers, groupOf } from './group-controller.ts';
import { contents, groupClasses, groupContents, groups, volumeSnapshots } from './snapshot-kinds.ts';

const classes = 'volumesnapshotclasses.snapshot.storage.k8s.io';

const kinds = [
  ['volumesnapshots', 'VolumeSnapshot', 'Namespaced'],
  ['volumesnapshotcontents', 'VolumeSnapshotContent', 'Cluster'],
  ['volumesnapshotclasses', 'VolumeSnapshotClass', 'Cluster'],
  ['volumegroupsnapshots', 'VolumeGroupSnapshot', 'Namespaced'],
  ['volumegroupsnapshotcontents', 'VolumeGroupSnapshotContent', 'Cluster'],
  ['volumegroupsnapshotclasses', 'VolumeGroupSnapshotClass', 'Cluster'],
] as const;

export function snapshotCluster(deletionPolicy: 'Delete' | 'Retain' = 'Delete') {
  const cluster = new MemoryCluster();
  for (const [plural, kind, scope] of kinds) {
    const group = `${plural.includes('group') ? 'group' : ''}snapshot.storage.k8s.io`;
    cluster.seed('customresourcedefinitions.apiextensions.k8s.io', {
      metadata: { name: `${plural}.${group}` },
      spec: { group, names: { plural, kind }, scope },
    });
  }
  cluster.seed('namespaces', { metadata: { name: 'shop' } });
  cluster.seed('persistentvolumes', { metadata: { name: 'pv' }, spec: { csi: { driver: 'disk', volumeHandle: 'of-pv' } } });
  cluster.seed('persistentvolumeclaims', {
    metadata: { name: 'data', namespace: 'shop' },
    spec: { volumeName: 'pv', accessModes: ['ReadWriteOnce'] },
    status: { phase: 'Bound', capacity: { storage: '1Gi' } },
  });
  const usual = (annotation: string) => ({
    metadata: { name: 'usual', annotations: { [annotation]: 'true' } },
    driver: 'disk',
    deletionPolicy,
  });
  cluster.seed(classes, usual(snapshotClasses.defaultClass));
  cluster.seed(groupClasses, usual(groupSnapshotClasses.defaultClass));
  return {
    cluster,
    names: () => [
      ...cluster.names(volumeSnapshots, 'shop'),
      ...cluster.names(contents),
      ...cluster.names(groups, 'shop'),
      ...cluster.names(groupContents),
    ],
    /** Makes every VolumeSnapshot and VolumeGroupSnapshot ready, as the controller would in time. */
    makeReady: (): void => {
      bindGroups(cluster, deletionPolicy);
      for (const namespace of cluster.names('namespaces'))
        for (const name of cluster.names(volumeSnapshots, namespace))
          bind(cluster, cluster.read(volumeSnapshots, namespace, name)!, deletionPolicy);
    },
    /** Lets contents go whose VolumeSnapshot is gone, if they are to go with it; and so those of groups, with their members. */
    collect: (): void => {
      letGo(cluster, groupContents, groups, 'volumeGroupSnapshotRef');
      collectMembers(cluster);
      letGo(cluster, contents, volumeSnapshots, 'volumeSnapshotRef');
    },
  };
}

interface Content {
  readonly spec: {
    readonly deletionPolicy: string;
    readonly volumeSnapshotRef: { readonly name: string };
    readonly volumeGroupSnapshotRef: { readonly name: string };
  };
}

function letGo(cluster: MemoryCluster, resource: string, bound: string, field: 'volumeSnapshotRef' | 'volumeGroupSnapshotRef'): void {
  for (const name of cluster.names(resource)) {
    const { spec } = cluster.read(resource, '', name) as unknown as Content;
    if (!cluster.read(bound, 'shop', spec[field].name) && spec.deletionPolicy === 'Delete') cluster.drop(resource, '', name);
  }
}

function bind(cluster: MemoryCluster, volumeSnapshot: ClusterObject, deletionPolicy: string): void {
  if (volumeSnapshot['status']) return;
  const { namespace, name, uid } = volumeSnapshot.metadata;
  const { volumeSnapshotContentName: own } = (volumeSnapshot['spec'] as { source?: { volumeSnapshotContentName?: string } }).source ?? {};
  const volumeSnapshotRef = { namespace, name, uid };
  const ready = { readyToUse: true, restoreSize: '1Gi' };
  if (own === undefined) {
    cluster.seed(contents, {
      metadata: { name: `content-${name}` },
      spec: { driver: 'disk', deletionPolicy, volumeSnapshotRef },
      status: { snapshotHandle: `handle-${name}` },
    });
    cluster.seed(volumeSnapshots, { ...volumeSnapshot, status: { ...ready, boundVolumeSnapshotContentName: `content-${name}` } });
    return;
  }
  const content = cluster.read(contents, '', own);
  if (!content) return;
  const spec = content['spec'] as { source: { snapshotHandle: string } };
  const { snapshotHandle } = spec.source;
  cluster.seed(contents, { ...content, spec: { ...spec, volumeSnapshotRef }, status: { snapshotHandle } });
  const group = groupOf(cluster, snapshotHandle);
  const owners = group && { ownerReferences: [{ kind: 'VolumeGroupSnapshot', name: group.metadata.name, uid: group.metadata.uid }] };
  cluster.seed(volumeSnapshots, {
    ...volumeSnapshot,
    metadata: { ...volumeSnapshot.metadata, ...owners },
    status: { ...ready, boundVolumeSnapshotContentName: own },
  });
}
