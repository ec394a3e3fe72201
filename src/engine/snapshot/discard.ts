/**
 * Takes out of the cluster what was made for a Snapshot: its VolumeSnapshot, and with it what the driver keeps, and what copies it. As Kylon itself: its creator may be gone
 * when it expires, and whoever may delete the Snapshot is asked for no more. Only what Kylon has marked as made for this Snapshot is touched.
 */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { discardMover } from '../mover/mover.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { repositoryOf } from '../stores/stores.ts';
import { findContent, findOwnContent, policyOf } from './content.ts';
import { isInRepository } from './fill.ts';
import { discardIntermediate } from './intermediate.ts';
import { beingDeleted, volumeSnapshotContents, volumeSnapshots } from './known.ts';
import { isOfGroup } from './member.ts';
import { remove, unlessGone } from './removal.ts';
import { findVolumeSnapshot } from './volume-snapshot.ts';

/** One step; resolves to what is still there, in words, and to undefined when nothing is. */
export async function discardSnapshot(parts: EngineParts, object: KubeObject, signal: AbortSignal): Promise<string | undefined> {
  const snapshot = object as Snapshot;
  const left = await discardMeans(parts, object, signal);
  if (left === undefined && isInRepository(snapshot))
    await parts.repositories.forget(repositoryOf(object), snapshot.status.handle ?? '', signal);
  return left;
}

/** The same, of all but what was copied into the repository. */
export async function discardMeans(parts: EngineParts, object: KubeObject, signal: AbortSignal): Promise<string | undefined> {
  const isMoverGone = await retried(parts.clock, signal, () => discardMover(parts, object, signal));
  await discardIntermediate(parts, object, signal);
  const left = await retried(parts.clock, signal, () => discardTaken(parts, object as Snapshot, signal));
  return isMoverGone ? left : 'the Pod that copies it is being deleted';
}

async function discardTaken(parts: EngineParts, snapshot: Snapshot, signal: AbortSignal): Promise<string | undefined> {
  if (snapshot.spec.source.volumeSnapshotName !== undefined) return undefined;
  const { cluster } = parts;
  const volumeSnapshot = await findVolumeSnapshot(parts, snapshot, signal);
  if (isOfGroup(snapshot)) return discardMember(cluster, snapshot, volumeSnapshot, signal);
  const content = await findContent(cluster, snapshot, volumeSnapshot, signal);
  if (volumeSnapshot) return discardBoth(cluster, volumeSnapshot, content, signal);
  return content && discardContent(cluster, content, signal);
}

/** A content that was never retained is of a Snapshot that was never finished: nothing of it is to stay, whatever its class says. */
const policyAtEnd = (content: ClusterObject) => policyOf(content) ?? 'Delete';

/** The content goes with the VolumeSnapshot, if its policy says so by then. */
async function discardBoth(
  cluster: Cluster,
  volumeSnapshot: ClusterObject,
  content: ClusterObject | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (content) await setPolicy(cluster, content, {}, signal);
  await remove(cluster, volumeSnapshots, volumeSnapshot, signal);
  return `the VolumeSnapshot ${quote(volumeSnapshot.metadata.name)} is being deleted${errorOf(content)}`;
}

/** A driver does not let go of one volume of a group alone: that goes with the group, so that its content is retained to the end. */
async function discardMember(
  cluster: Cluster,
  snapshot: Snapshot,
  volumeSnapshot: ClusterObject | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const content = await findOwnContent(cluster, snapshot, signal);
  if (volumeSnapshot) await remove(cluster, volumeSnapshots, volumeSnapshot, signal);
  if (content) await remove(cluster, volumeSnapshotContents, content, signal);
  const left = volumeSnapshot ?? content;
  return left && `the ${left.kind} ${quote(left.metadata.name)} is being deleted`;
}

async function discardContent(cluster: Cluster, content: ClusterObject, signal: AbortSignal): Promise<string | undefined> {
  if (policyAtEnd(content) === 'Retain') return undefined;
  await setPolicy(cluster, content, { annotations: { [beingDeleted]: 'yes' } }, signal);
  await remove(cluster, volumeSnapshotContents, content, signal);
  return `the VolumeSnapshotContent ${quote(content.metadata.name)} is being deleted${errorOf(content)}`;
}

async function setPolicy(cluster: Cluster, content: ClusterObject, metadata: object, signal: AbortSignal): Promise<void> {
  const deletionPolicy = policyAtEnd(content);
  if (fieldsOf(content['spec'])['deletionPolicy'] === deletionPolicy) return;
  const patch = { metadata, spec: { deletionPolicy } };
  await cluster.patch(volumeSnapshotContents, '', content.metadata.name, patch, {}, signal).catch(unlessGone);
}

function errorOf(content: ClusterObject | undefined): string {
  const message = textOf(fieldsOf(fieldsOf(content?.['status'])['error'])['message']);
  return message ? `: ${message}` : '';
}
