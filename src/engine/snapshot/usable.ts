/** The Snapshot that a restore needs. */
import { notFound, quote } from '../../machinery/errors.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { RunFailed } from '../runs/failure.ts';
import { isDeleted } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';

/** Rejects with RunFailed where it is not there, or of no use. */
export async function usableSnapshot(
  { parts, signal }: Pick<Work, 'parts' | 'signal'>,
  namespace: string,
  name: string,
): Promise<Snapshot> {
  const { group, plural: resource } = parts.snapshots;
  const found = await parts.objects.get(parts.snapshots, namespace, name, signal);
  if (!found) throw new RunFailed('SnapshotNotFound', notFound({ group, resource }, name).message);
  const snapshot = found as Snapshot;
  const phase = isDeleted(found) ? 'Deleting' : snapshot.status.phase;
  if (phase !== 'Completed') throw new RunFailed('SnapshotNotUsable', `the snapshot ${quote(name)} is ${phase}`);
  return snapshot;
}
