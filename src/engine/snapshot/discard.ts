/**
 * Takes the VolumeSnapshot of a Snapshot out of the cluster, and with it what the driver keeps. As Kylon itself: its creator may be gone
 * when it expires, and whoever may delete the Snapshot is asked for no more. Only what Kylon has marked as made for this Snapshot is touched.
 */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { findContent, policyOf } from './content.ts';
import { volumeSnapshotContents, volumeSnapshots } from './known.ts';
import { findVolumeSnapshot } from './volume-snapshot.ts';

/** The sign by which the driver's sidecar knows that a content may go. The snapshot controller sets it, where it sees the VolumeSnapshot go. */
const beingDeleted = 'snapshot.storage.kubernetes.io/volumesnapshot-being-deleted';

/** One step; resolves to what is still there, in words, and to undefined when nothing is. */
export async function discardSnapshot(
  { cluster, clock }: EngineParts,
  object: KubeObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const snapshot = object as Snapshot;
  if (snapshot.spec.source.volumeSnapshotName !== undefined) return undefined;
  return retried(clock, signal, async () => {
    const volumeSnapshot = await findVolumeSnapshot(cluster, snapshot, signal);
    const content = await findContent(cluster, snapshot, volumeSnapshot, signal);
    if (volumeSnapshot) return discardBoth(cluster, volumeSnapshot, content, signal);
    return content && discardContent(cluster, content, signal);
  });
}

/** A content that was never retained is of a Snapshot that was never finished: nothing of it is to stay, whatever its class says. */
const policyAtEnd = (content: ClusterObject) => policyOf(content) ?? 'Delete';

/** The content goes with the VolumeSnapshot, if its policy says so by then. */
async function discardBoth(
  cluster: Cluster,
  { metadata }: ClusterObject,
  content: ClusterObject | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { name, namespace = '', uid } = metadata;
  const isGoing = metadata['deletionTimestamp'] !== undefined;
  if (content) await setPolicy(cluster, content, {}, signal);
  if (!isGoing) await cluster.delete(volumeSnapshots, namespace, name, { ...(uid !== undefined && { uid }) }, signal).catch(unlessGone);
  return `the VolumeSnapshot ${quote(name)} is being deleted${errorOf(content)}`;
}

async function discardContent(cluster: Cluster, content: ClusterObject, signal: AbortSignal): Promise<string | undefined> {
  const { name, uid } = content.metadata;
  if (policyAtEnd(content) === 'Retain') return undefined;
  const isGoing = content.metadata['deletionTimestamp'] !== undefined;
  await setPolicy(cluster, content, { annotations: { [beingDeleted]: 'yes' } }, signal);
  if (!isGoing) await cluster.delete(volumeSnapshotContents, '', name, { ...(uid !== undefined && { uid }) }, signal).catch(unlessGone);
  return `the VolumeSnapshotContent ${quote(name)} is being deleted${errorOf(content)}`;
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

function unlessGone(error: unknown): void {
  if (!(error instanceof ClusterError) || error.code !== 404) throw error;
}
