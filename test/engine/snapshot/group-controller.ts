/** What the snapshot controller does about groups. Seen of external-snapshotter 8.6. */
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { contents, groupContents, groups, volumeSnapshots } from './snapshot-kinds.ts';

interface GroupContent {
  readonly spec: { readonly volumeGroupSnapshotRef: { readonly name: string } };
  readonly status: { readonly volumeSnapshotInfoList: readonly { readonly volumeHandle: string; readonly snapshotHandle: string }[] };
}

interface Group {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly source: { readonly selector: { readonly matchLabels: Readonly<Record<string, string>> } } };
}

/** Takes every claim with the labels, whoever wants it, and makes a VolumeSnapshot of each. */
export function bindGroups(cluster: MemoryCluster, deletionPolicy: string): void {
  for (const name of cluster.names(groups, 'shop')) {
    const object = cluster.read(groups, 'shop', name)!;
    if (object['status']) continue;
    const { metadata, spec } = object as unknown as Group;
    const volumeSnapshotInfoList = cluster
      .names('persistentvolumeclaims', 'shop')
      .map((claim) => cluster.read('persistentvolumeclaims', 'shop', claim)!)
      .filter((claim) => Object.entries(spec.source.selector.matchLabels).every(([key, value]) => labelsOf(claim)[key] === value))
      .map((claim) => addMember(cluster, metadata, claim, deletionPolicy));
    const boundVolumeGroupSnapshotContentName = `groupsnapcontent-${metadata.uid}`;
    cluster.seed(groupContents, {
      metadata: { name: boundVolumeGroupSnapshotContentName },
      spec: { driver: 'disk', deletionPolicy, volumeGroupSnapshotRef: { namespace: 'shop', name, uid: metadata.uid } },
      status: { readyToUse: true, volumeGroupSnapshotHandle: `handle-${name}`, volumeSnapshotInfoList },
    });
    cluster.seed(groups, { ...object, status: { readyToUse: true, boundVolumeGroupSnapshotContentName } });
  }
}

const labelsOf = ({ metadata }: ClusterObject) => (metadata['labels'] ?? {}) as Record<string, string>;

function addMember(cluster: MemoryCluster, group: Group['metadata'], claim: ClusterObject, deletionPolicy: string) {
  const { volumeName } = claim['spec'] as { volumeName: string };
  const name = `member-${claim.metadata.name}`;
  const snapshotHandle = `handle-${name}`;
  const { uid } = cluster.seed(volumeSnapshots, {
    metadata: { name, namespace: 'shop', ownerReferences: [{ kind: 'VolumeGroupSnapshot', name: group.name, uid: group.uid }] },
    spec: { source: { persistentVolumeClaimName: claim.metadata.name } },
    status: { readyToUse: true, boundVolumeSnapshotContentName: `content-${name}`, volumeGroupSnapshotName: group.name },
  }).metadata;
  cluster.seed(contents, {
    metadata: {
      name: `content-${name}`,
      annotations: { 'groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle': `handle-${group.name}` },
    },
    spec: { driver: 'disk', deletionPolicy, volumeSnapshotRef: { namespace: 'shop', name, uid } },
    status: { snapshotHandle },
  });
  return { volumeHandle: `of-${volumeName}`, snapshotHandle };
}

/** The VolumeGroupSnapshot, if it is still there, with which the driver has kept this. */
export function groupOf(cluster: MemoryCluster, handle: string): ClusterObject | undefined {
  const found = cluster
    .names(groupContents)
    .map((name) => cluster.read(groupContents, '', name) as unknown as GroupContent)
    .find(({ status }) => status.volumeSnapshotInfoList.some(({ snapshotHandle }) => snapshotHandle === handle));
  return found && cluster.read(groups, 'shop', found.spec.volumeGroupSnapshotRef.name);
}

/** The VolumeSnapshots of a group go with it; and so does one that was made of its content while it was there. */
export function collectMembers(cluster: MemoryCluster): void {
  for (const name of cluster.names(volumeSnapshots, 'shop')) {
    const { ownerReferences = [] } = cluster.read(volumeSnapshots, 'shop', name)!.metadata as { ownerReferences?: { name: string }[] };
    if (ownerReferences.some((owner) => !cluster.read(groups, 'shop', owner.name))) cluster.drop(volumeSnapshots, 'shop', name);
  }
}
