/**
 * Sees that the VolumeSnapshot of a Snapshot is there. It goes with its namespace, while the retained content stays; then both are made
 * anew around the handle by which the driver knows the data. https://kubernetes.io/docs/concepts/storage/volume-snapshots/#static
 */
import { notFound } from '../../machinery/errors.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { refOf, statusOf } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { findContent, policyOf, requireSameData } from './content.ts';
import { isOfGroup } from './member.ts';
import { deletionPolicy, labelsOf, volumeSnapshotContents, volumeSnapshotNameOf, volumeSnapshots } from './known.ts';
import { makeStatic, staticContent } from './static-content.ts';
import { awaitVolumeSnapshot, findAdopted, findVolumeSnapshot } from './volume-snapshot.ts';

/** Milliseconds: the driver only has to look for what it has. */
const patience = 120_000;

/** Rejects with RunFailed. What is made in the namespace is made as the creator of the Restore. */
export async function requireVolumeSnapshot(work: Work, snapshot: Snapshot): Promise<void> {
  if (snapshot.spec.source.volumeSnapshotName !== undefined) return void (await findKept(work, snapshot));
  const find = () => findVolumeSnapshot(work.parts, snapshot, work.signal);
  if (!(await find())) {
    work.run.log.info('its VolumeSnapshot is gone and is made anew around what the driver has kept');
    await makeAround(work, snapshot);
  }
  const ready = await awaitVolumeSnapshot(work, volumeSnapshotNameOf(snapshot), find, patience);
  const content = await requireSameData(work, snapshot, ready);
  await settle(work.parts, snapshot, content.metadata.name, work.signal);
}

/** The VolumeSnapshot of a Snapshot as it is, of which nothing is made anew. Rejects with RunFailed where it is gone, or stands for something else. */
export async function findKept(asker: Pick<Work, 'parts' | 'creator' | 'object' | 'signal'>, snapshot: Snapshot): Promise<ClusterObject> {
  const adopted = snapshot.spec.source.volumeSnapshotName;
  const name = adopted ?? volumeSnapshotNameOf(snapshot);
  const found = await (adopted === undefined ? findVolumeSnapshot(asker.parts, snapshot, asker.signal) : findAdopted(asker, adopted));
  const cure = adopted === undefined ? ': a Restore of the Snapshot makes it anew, around what the driver keeps' : '';
  if (!found) throw new RunFailed('VolumeSnapshotNotFound', `${notFound(volumeSnapshots, name).message}${cure}`);
  await requireSameData(asker, snapshot, found);
  return found;
}

/** The VolumeSnapshot and its content, of what the status of the Snapshot says that the driver has kept. */
export async function makeAround(work: Work, snapshot: Snapshot): Promise<void> {
  const { parts, creator, signal } = work;
  const old = await findContent(parts.cluster, snapshot, undefined, signal);
  const policy = (old && policyOf(old)) ?? (isOfGroup(snapshot) ? 'Retain' : 'Delete');
  const metadata = { labels: labelsOf(snapshot), annotations: { [deletionPolicy]: policy } };
  const content = staticContent(snapshot, snapshot, metadata, old);
  await makeStatic({ parts, cluster: parts.cluster.as(creator), signal }, snapshot, content, { labels: labelsOf(snapshot) });
}

/** Where another content stands for it now, that is written down, and the one before goes, which keeps the data. */
async function settle({ cluster, objects, snapshots }: EngineParts, snapshot: Snapshot, name: string, signal: AbortSignal): Promise<void> {
  if (name === snapshot.status.volumeSnapshotContentName) return;
  const old = await findContent(cluster, snapshot, undefined, signal);
  if (old) await cluster.delete(volumeSnapshotContents, '', old.metadata.name, {}, signal);
  const renamed = (object: KubeObject) => ({ ...object, status: { ...statusOf(object), volumeSnapshotContentName: name } });
  await objects.update(snapshots, refOf(snapshot), 'status', renamed, signal);
}
