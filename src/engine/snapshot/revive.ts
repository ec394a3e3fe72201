/**
 * Sees that the VolumeSnapshot of a Snapshot is there. It goes with its namespace, while the retained content stays; then both are made
 * anew around the handle by which the driver knows the data. https://kubernetes.io/docs/concepts/storage/volume-snapshots/#static
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { groupVersion } from '../../machinery/resource.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { refOf, statusOf } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf } from '../selection/fields.ts';
import { findContent, handleOf, policyOf } from './content.ts';
import { isOfGroup } from './member.ts';
import { deletionPolicy, labelsOf, volumeSnapshotContents, volumeSnapshotNameOf, volumeSnapshots } from './known.ts';
import { awaitVolumeSnapshot, createVolumeSnapshot, findAdopted, findVolumeSnapshot } from './volume-snapshot.ts';

/** Milliseconds: the driver only has to look for what it has. */
const patience = 120_000;

/** Rejects with RunFailed. What is made in the namespace is made as the creator of the Restore. */
export async function requireVolumeSnapshot(work: Work, snapshot: Snapshot): Promise<void> {
  const adopted = snapshot.spec.source.volumeSnapshotName;
  if (adopted !== undefined) return requireAdopted(work, snapshot, adopted);
  const find = () => findVolumeSnapshot(work.parts, snapshot, work.signal);
  if (!(await find())) {
    work.run.log.info('its VolumeSnapshot is gone and is made anew around what the driver has kept');
    await makeAround(work, snapshot);
  }
  const ready = await awaitVolumeSnapshot(work, volumeSnapshotNameOf(snapshot), find, patience);
  const content = await requireSameData(work, snapshot, ready);
  await settle(work.parts, snapshot, content.metadata.name, work.signal);
}

async function requireAdopted(work: Work, snapshot: Snapshot, name: string): Promise<void> {
  const found = await findAdopted(work, name);
  if (!found) throw new RunFailed('VolumeSnapshotNotFound', notFound(volumeSnapshots, name).message);
  await requireSameData(work, snapshot, found);
}

/** Rejects with RunFailed: somebody may have made another one under its name, which stands for something else. */
export async function requireSameData(
  { parts, signal }: Pick<Work, 'parts' | 'signal'>,
  snapshot: Snapshot,
  volumeSnapshot: ClusterObject,
): Promise<ClusterObject> {
  const content = await findContent(parts.cluster, snapshot, volumeSnapshot, signal);
  const { handle } = snapshot.status;
  if (content && handleOf(content) === handle) return content;
  throw new RunFailed(
    'VolumeSnapshotReplaced',
    `the VolumeSnapshot ${quote(volumeSnapshot.metadata.name)} does not stand for ${quote(handle ?? '')} any more`,
  );
}

/** The VolumeSnapshot and its content, of what the status of the Snapshot says that the driver has kept. */
export async function makeAround(work: Work, snapshot: Snapshot): Promise<void> {
  const { cluster, clock } = work.parts;
  const old = await findContent(cluster, snapshot, undefined, work.signal);
  const content = staticContent(snapshot, old);
  await retried(clock, work.signal, () => putContent(work.parts, snapshot, content, work.signal));
  await createVolumeSnapshot(work, snapshot, { source: { volumeSnapshotContentName: content.metadata.name } });
}

/**
 * One that was there already has been bound to a VolumeSnapshot that is gone by now, and is set free; unless another Restore has just
 * made the new one.
 */
async function putContent(parts: EngineParts, snapshot: Snapshot, content: ClusterObject, signal: AbortSignal): Promise<void> {
  const { cluster } = parts;
  // Once sent it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  const lasting = AbortSignal.any([]);
  try {
    await cluster.create(volumeSnapshotContents, '', content, {}, lasting);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
    if (await findVolumeSnapshot(parts, snapshot, signal)) return;
    const free = { spec: { volumeSnapshotRef: { uid: null, resourceVersion: null } } };
    await cluster.patch(volumeSnapshotContents, '', content.metadata.name, free, {}, signal);
  }
}

function staticContent(snapshot: Snapshot, old: ClusterObject | undefined): ClusterObject {
  const { namespace = '' } = snapshot.metadata;
  const { driver, handle } = snapshot.status;
  const { sourceVolumeMode = snapshot.status.claim?.volumeMode } = fieldsOf(old?.['spec']);
  return {
    apiVersion: groupVersion(volumeSnapshotContents),
    kind: volumeSnapshotContents.kind,
    metadata: {
      name: volumeSnapshotNameOf(snapshot),
      labels: labelsOf(snapshot),
      annotations: { [deletionPolicy]: (old && policyOf(old)) ?? (isOfGroup(snapshot) ? 'Retain' : 'Delete') },
    },
    spec: {
      deletionPolicy: 'Retain',
      driver,
      source: { snapshotHandle: handle },
      ...(sourceVolumeMode !== undefined && { sourceVolumeMode }),
      volumeSnapshotRef: { namespace, name: volumeSnapshotNameOf(snapshot) },
    },
  };
}

/** Where another content stands for it now, that is written down, and the one before goes, which keeps the data. */
async function settle({ cluster, objects, snapshots }: EngineParts, snapshot: Snapshot, name: string, signal: AbortSignal): Promise<void> {
  if (name === snapshot.status.volumeSnapshotContentName) return;
  const old = await findContent(cluster, snapshot, undefined, signal);
  if (old) await cluster.delete(volumeSnapshotContents, '', old.metadata.name, {}, signal);
  const renamed = (object: KubeObject) => ({ ...object, status: { ...statusOf(object), volumeSnapshotContentName: name } });
  await objects.update(snapshots, refOf(snapshot), 'status', renamed, signal);
}
