/**
 * A Snapshot of a volume that a Backup has taken together with others. The driver has all of a group, or nothing of it, so what it has
 * goes with the Backup; the Snapshot makes it usable.
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import { backupUid } from '../../resources/group.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf } from '../selection/fields.ts';
import type { Source } from './claim.ts';
import { volumeGroupSnapshotContents } from './known.ts';

export const isOfGroup = ({ spec }: Snapshot) => spec.source.volumeGroupSnapshotContentName !== undefined;

/** By which the driver knows what it has kept of the volume. Rejects with RunFailed. */
export async function findMember({ parts, object, signal }: Work, source: Source, contentName: string): Promise<string> {
  const { cluster, clock } = parts;
  const content = await retried(clock, signal, () => cluster.get(volumeGroupSnapshotContents, '', contentName, signal));
  if (!content || !isFor(object as Snapshot, content))
    throw new RunFailed('VolumeGroupSnapshotContentNotFound', notFound(volumeGroupSnapshotContents, contentName).message);
  const isOfDriver = fieldsOf(content['spec'])['driver'] === source.driver;
  const member = isOfDriver ? membersOf(content).find(({ volumeHandle }) => volumeHandle === source.volumeHandle) : undefined;
  if (member) return member.snapshotHandle;
  throw new RunFailed(
    'NotInGroup',
    `the volume of the claim ${quote(source.claim.name)} was not taken with the group ${quote(contentName)}`,
  );
}

/** Whether it is of the same namespace and Backup. The label of a content is written by Kylon, whoever has made the Snapshot. */
function isFor({ metadata }: Snapshot, content: ClusterObject): boolean {
  const uid = metadata.labels?.[backupUid];
  const isOfBackup = uid !== undefined && fieldsOf(content.metadata['labels'])[backupUid] === uid;
  return isOfBackup && fieldsOf(fieldsOf(content['spec'])['volumeGroupSnapshotRef'])['namespace'] === metadata.namespace;
}

interface Member {
  readonly volumeHandle: string;
  readonly snapshotHandle: string;
}

/** What the driver has taken of each volume. */
export const membersOf = ({ status }: ClusterObject) => (fieldsOf(status)['volumeSnapshotInfoList'] ?? []) as readonly Member[];
