/** The resources of a cluster by which volumes are used, taken and made, and what is behind a Service; and how what Kylon makes of them is named. */
import type { ApiResource } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { backupUid } from '../../resources/group.ts';
import type { Workload } from '../../resources/replacement.ts';
import { excludeLabel } from '../selection/exclusions.ts';

const snapshotGroup = 'snapshot.storage.k8s.io';
const groupSnapshotGroup = 'groupsnapshot.storage.k8s.io';

const known = (group: string, resource: string, kind: string, namespaced: boolean): ApiResource => ({
  group,
  version: 'v1',
  resource,
  kind,
  singular: kind.toLowerCase(),
  shortNames: [],
  namespaced,
  verbs: [],
});

export const namespaces = known('', 'namespaces', 'Namespace', false);
export const pods = known('', 'pods', 'Pod', true);
export const secrets = known('', 'secrets', 'Secret', true);
export const events = known('', 'events', 'Event', true);
export const services = known('', 'services', 'Service', true);
export const endpointSlices = known('discovery.k8s.io', 'endpointslices', 'EndpointSlice', true);
/** What can be scaled, by kind. */
export const workloads: Readonly<Record<Workload['kind'], ApiResource>> = {
  Deployment: known('apps', 'deployments', 'Deployment', true),
  ReplicaSet: known('apps', 'replicasets', 'ReplicaSet', true),
  StatefulSet: known('apps', 'statefulsets', 'StatefulSet', true),
};
export const claims = known('', 'persistentvolumeclaims', 'PersistentVolumeClaim', true);
export const volumes = known('', 'persistentvolumes', 'PersistentVolume', false);
export const storageClasses = known('storage.k8s.io', 'storageclasses', 'StorageClass', false);
export const volumeSnapshots = known(snapshotGroup, 'volumesnapshots', 'VolumeSnapshot', true);
export const volumeSnapshotClasses = known(snapshotGroup, 'volumesnapshotclasses', 'VolumeSnapshotClass', false);
export const volumeSnapshotContents = known(snapshotGroup, 'volumesnapshotcontents', 'VolumeSnapshotContent', false);
export const volumeGroupSnapshots = known(groupSnapshotGroup, 'volumegroupsnapshots', 'VolumeGroupSnapshot', true);
export const volumeGroupSnapshotClasses = known(groupSnapshotGroup, 'volumegroupsnapshotclasses', 'VolumeGroupSnapshotClass', false);
export const volumeGroupSnapshotContents = known(groupSnapshotGroup, 'volumegroupsnapshotcontents', 'VolumeGroupSnapshotContent', false);

/** Label of a VolumeSnapshot and its content: the uid of the Snapshot that they were made for. */
export const snapshotUid = 'backup.kylon.io/snapshot-uid';
/** Annotation of a content that Kylon retains: the deletion policy that it had, which holds when the Snapshot, or the Backup of a group, is deleted. */
export const deletionPolicy = 'backup.kylon.io/deletion-policy';
/**
 * The uid of a Restore. Annotation of the PersistentVolumeClaim that it made of a Snapshot, for people; and of the volume that it replaces and of the
 * workloads that it has scaled down.
 */
export const restoreUid = 'backup.kylon.io/restore-uid';
/** Label of a claim through which a volume is made for another one, and of a Pod that copies one: the uid of what it is made for. */
export const madeFor = 'backup.kylon.io/made-for';
/** Annotation of a claim: the namespace of the Snapshot that its dataSourceRef names, where that is another one. It counts with a proof alone. */
export const snapshotNamespace = 'backup.kylon.io/snapshot-namespace';
/** Annotation of a content that was lent for a claim of another namespace than that of its Snapshot: the name of the claim. */
export const lentTo = 'backup.kylon.io/lent-to';
/** Annotation of a volume that holds all that it is to hold: the uid of the claim through which it was filled. */
export const filledFor = 'backup.kylon.io/filled-for';
/** Annotation of a Pod through which a copy is brought into the volume of a claim: when the process that does it was last heard of. */
export const filledBy = 'backup.kylon.io/filled-by';
/**
 * Annotations of a Pod that prunes a repository: its namespace and store, the ids of the forgotten snapshots whose data goes with that, and the how many-eth check
 * of it this is, where it checks it.
 */
export const prunedNamespace = 'backup.kylon.io/pruned-namespace';
export const prunedStore = 'backup.kylon.io/pruned-store';
export const forgottenIds = 'backup.kylon.io/forgotten-snapshots';
export const checkNumber = 'backup.kylon.io/check';
/** Annotation of a workload that is scaled down: the number of replicas that it had. */
export const replicasBefore = 'backup.kylon.io/replicas';
/** Annotations of a PersistentVolume that is replaced: the reclaim policy that it had, and the claim that it belonged to, as JSON. */
export const reclaimPolicy = 'backup.kylon.io/reclaim-policy';
export const formerClaim = 'backup.kylon.io/former-claim';

/** In a backup it would come back as something that takes another snapshot, or copies another volume, under the same name. */
const ownLabels = { 'app.kubernetes.io/managed-by': 'kylon', [excludeLabel]: 'true' };

/** Of all that Kylon makes for a Snapshot. */
export const labelsOf = ({ metadata }: KubeObject): Readonly<Record<string, string>> => ({
  ...ownLabels,
  [snapshotUid]: metadata.uid ?? '',
});

/** Of what helps to make or to copy a volume for an object, and goes when that is done. */
export const helperLabelsOf = ({ metadata }: KubeObject): Readonly<Record<string, string>> => ({
  ...ownLabels,
  [madeFor]: metadata.uid ?? '',
});

/** Of what Kylon makes for a group of volumes of a Backup. */
export const groupLabelsOf = ({ metadata }: KubeObject): Readonly<Record<string, string>> => ({
  ...ownLabels,
  [backupUid]: metadata.uid ?? '',
});

/** With which an object of the same namespace goes, by the garbage collector. */
export const referenceTo = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject) => ({ apiVersion, kind, name, uid });

/** The sign by which the driver's sidecar knows that a content may go. The snapshot controller sets it, where it sees go what it is bound to. */
export const beingDeleted = 'snapshot.storage.kubernetes.io/volumesnapshot-being-deleted';
export const groupBeingDeleted = 'groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-being-deleted';

/** Of the VolumeSnapshot that is taken for a Snapshot: whoever goes on with the work finds it by this name. */
export const volumeSnapshotNameOf = ({ metadata }: KubeObject) => `kylon-${metadata.uid ?? ''}`;
