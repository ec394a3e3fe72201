/** What stands in the cluster for a group of volumes of a Backup: how it is named, found and removed. */
import { createHash } from 'node:crypto';
import type { ApiResource, Cluster, ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { EngineParts } from '../parts.ts';
import { findProved } from '../proved.ts';
import { backupUid } from '../../resources/group.ts';
import { fieldsOf, listOf, textOf } from '../selection/fields.ts';
import { volumeGroupSnapshotContents, volumeGroupSnapshots, volumeSnapshotContents, volumeSnapshots } from './known.ts';
import { listed } from './listed.ts';
import { remove, unlessGone } from './removal.ts';

/** Annotation of the VolumeSnapshotContents of a group: by which the driver knows the group. */
const groupHandle = 'groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle';

/** Begins the names of all groups of a Backup. */
const groupPrefixOf = ({ metadata }: KubeObject) => `kylon-${metadata.uid ?? ''}-`;

/** Of a VolumeGroupSnapshot. It follows from the Backup and the value of the label, so that a run that begins anew makes no second one. */
export const groupNameOf = (backup: KubeObject, value: string) =>
  `${groupPrefixOf(backup)}${createHash('sha256').update(value).digest('hex').slice(0, 16)}`;

/** Name of the one that a VolumeGroupSnapshot is bound to. */
export const groupContentNameOf = ({ status }: ClusterObject) => textOf(fieldsOf(status)['boundVolumeGroupSnapshotContentName']);

/** The VolumeGroupSnapshot that a VolumeGroupSnapshotContent is bound to. */
export const groupRefOf = ({ spec }: ClusterObject) => fieldsOf(fieldsOf(spec)['volumeGroupSnapshotRef']);

/** Of a VolumeGroupSnapshot, if each points to the other. */
export async function findGroupContent(cluster: Cluster, group: ClusterObject, signal: AbortSignal): Promise<ClusterObject | undefined> {
  const name = groupContentNameOf(group);
  const content = name === undefined ? undefined : await cluster.get(volumeGroupSnapshotContents, '', name, signal);
  return content && groupRefOf(content)['uid'] === group.metadata.uid ? content : undefined;
}

/** The one that was made for this Backup, read as Kylon itself. */
export const findGroup = (
  parts: EngineParts,
  backup: KubeObject,
  group: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<ClusterObject | undefined> => findProved(parts, volumeGroupSnapshots, group, backup, signal);

/** Those that were made for a Backup. None where the cluster does not know them. */
export async function listGroups({ cluster, proofs }: EngineParts, backup: KubeObject, signal: AbortSignal): Promise<ClusterObject[]> {
  const labelled = await listedOrNone(cluster, volumeGroupSnapshots, ofBackup(backup), signal);
  const proved = await Promise.all(labelled.map((group) => proofs.proved(group, backup.metadata.uid ?? '', signal)));
  return proved.filter((group) => group !== undefined);
}

/** VolumeGroupSnapshotContents that are retained for a Backup: of no namespace, so that nobody else labels them. None where the cluster does not know them. */
export const listKept = ({ cluster }: EngineParts, backup: KubeObject, signal: AbortSignal): Promise<ClusterObject[]> =>
  listedOrNone(cluster, volumeGroupSnapshotContents, ofBackup(backup), signal);

const ofBackup = ({ metadata }: KubeObject) => `${backupUid} in (${metadata.uid})`;

/** VolumeGroupSnapshotContents that are, or were, bound to a VolumeGroupSnapshot of a Backup, retained or not. */
export async function listContentsOfBackup(cluster: Cluster, backup: KubeObject, signal: AbortSignal): Promise<ClusterObject[]> {
  const all = await listedOrNone(cluster, volumeGroupSnapshotContents, '', signal);
  return all.filter((content) => textOf(groupRefOf(content)['name'])?.startsWith(groupPrefixOf(backup)));
}

async function listedOrNone(cluster: Cluster, resource: ApiResource, labelSelector: string, signal: AbortSignal): Promise<ClusterObject[]> {
  try {
    return await listed(cluster, resource, { labelSelector }, signal);
  } catch (error) {
    unlessGone(error);
    return [];
  }
}

/** With its members. */
export async function removeGroup(cluster: Cluster, group: ClusterObject, signal: AbortSignal): Promise<void> {
  if (group.metadata['deletionTimestamp'] !== undefined) return;
  await releaseMembers(cluster, group, signal);
  await remove(cluster, volumeGroupSnapshots, group, signal);
}

/** Where their class retains, their contents would stay, which stand for nothing without the group. The snapshot controller has marked them as of the group. */
async function releaseMembers(cluster: Cluster, group: ClusterObject, signal: AbortSignal): Promise<void> {
  const { namespace = '', uid } = group.metadata;
  const content = await findGroupContent(cluster, group, signal);
  const handle = textOf(fieldsOf(content?.['status'])['volumeGroupSnapshotHandle']);
  if (handle === undefined) return;
  const all = await listed<ClusterObject>(cluster, volumeSnapshots, { namespace }, signal);
  for (const { metadata, status } of all) {
    if (!listOf(metadata['ownerReferences']).some((owner) => owner['uid'] === uid)) continue;
    const name = textOf(fieldsOf(status)['boundVolumeSnapshotContentName']);
    const member = name === undefined ? undefined : await cluster.get(volumeSnapshotContents, '', name, signal);
    if (member && fieldsOf(member.metadata['annotations'])[groupHandle] === handle) await release(cluster, member, signal);
  }
}

async function release(cluster: Cluster, { metadata, spec }: ClusterObject, signal: AbortSignal): Promise<void> {
  if (fieldsOf(spec)['deletionPolicy'] === 'Delete') return;
  await cluster.patch(volumeSnapshotContents, '', metadata.name, { spec: { deletionPolicy: 'Delete' } }, {}, signal).catch(unlessGone);
}
