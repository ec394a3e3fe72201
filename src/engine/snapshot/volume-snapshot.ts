/** The VolumeSnapshot of a Snapshot: made as its creator, one and no more however often the work begins anew, and waited for. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { groupVersion } from '../../machinery/resource.ts';
import { quote } from '../../machinery/errors.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { retried } from '../retry.ts';
import type { Work } from '../runs/run.ts';
import { awaitReady } from './await-ready.ts';
import { contentNameOf } from './content.ts';
import { labelsOf, volumeSnapshotNameOf, volumeSnapshots } from './known.ts';
import { unlessThere } from './removal.ts';

/** As the creator of what `work` carries out. */
export async function createVolumeSnapshot({ parts, creator, signal }: Work, snapshot: KubeObject, spec: object): Promise<void> {
  const { namespace = '', uid = '' } = snapshot.metadata;
  const volumeSnapshot = {
    apiVersion: groupVersion(volumeSnapshots),
    kind: volumeSnapshots.kind,
    metadata: { name: volumeSnapshotNameOf(snapshot), namespace, labels: labelsOf(snapshot) },
    spec,
  };
  // Once sent it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  const lasting = AbortSignal.any([]);
  const proved = await parts.proofs.give(volumeSnapshot, uid, signal);
  const create = () => parts.cluster.as(creator).create(volumeSnapshots, namespace, proved, {}, lasting);
  const isNew = await retried(parts.clock, signal, create).catch(unlessThere);
  if (isNew || (await findVolumeSnapshot(parts, snapshot, signal))) return;
  throw new RunFailed('VolumeSnapshotExists', `the VolumeSnapshot ${quote(volumeSnapshot.metadata.name)} was made by somebody else`);
}

/** The one that was made for this Snapshot, read as Kylon itself. */
export async function findVolumeSnapshot(
  { cluster, proofs }: EngineParts,
  snapshot: KubeObject,
  signal: AbortSignal,
): Promise<ClusterObject | undefined> {
  const { namespace = '', uid = '' } = snapshot.metadata;
  return proofs.proved(await cluster.get(volumeSnapshots, namespace, volumeSnapshotNameOf(snapshot), signal), uid, signal);
}

/** One that others have made, read as the creator of the Snapshot. */
export async function findAdopted({ parts, creator, object, signal }: Work, name: string): Promise<ClusterObject | undefined> {
  return parts.cluster.as(creator).get(volumeSnapshots, object.metadata.namespace ?? '', name, signal);
}

/** Resolves to it as soon as volumes can be made of it; rejects with RunFailed when that does not come, or not within `ms`. */
export const awaitVolumeSnapshot = (work: Work, name: string, look: () => Promise<ClusterObject | undefined>, ms: number) =>
  awaitReady(work, { resource: volumeSnapshots, name, look, contentNameOf }, ms);
