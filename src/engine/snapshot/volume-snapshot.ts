/** The VolumeSnapshot of a Snapshot: made as its creator, one and no more however often the work begins anew, and waited for. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { groupVersion } from '../../machinery/resource.ts';
import type { EngineParts } from '../parts.ts';
import { findProved, makeProved } from '../proved.ts';
import type { Work } from '../runs/run.ts';
import { awaitReady } from './await-ready.ts';
import { contentNameOf } from './content.ts';
import { labelsOf, volumeSnapshotNameOf, volumeSnapshots } from './known.ts';

/** As the creator of what `work` carries out. */
export async function createVolumeSnapshot({ parts, creator, signal }: Work, snapshot: KubeObject, spec: object): Promise<void> {
  const { namespace = '' } = snapshot.metadata;
  const volumeSnapshot = {
    apiVersion: groupVersion(volumeSnapshots),
    kind: volumeSnapshots.kind,
    metadata: { name: volumeSnapshotNameOf(snapshot), namespace, labels: labelsOf(snapshot) },
    spec,
  };
  await makeProved({ parts, cluster: parts.cluster.as(creator), signal }, volumeSnapshots, volumeSnapshot, snapshot);
}

/** The one that was made for this Snapshot, read as Kylon itself. */
export const findVolumeSnapshot = (parts: EngineParts, snapshot: KubeObject, signal: AbortSignal): Promise<ClusterObject | undefined> =>
  findProved(parts, volumeSnapshots, { ...snapshot.metadata, name: volumeSnapshotNameOf(snapshot) }, snapshot, signal);

/** One that others have made, read as the creator of the Snapshot. */
export async function findAdopted({ parts, creator, object, signal }: Work, name: string): Promise<ClusterObject | undefined> {
  return parts.cluster.as(creator).get(volumeSnapshots, object.metadata.namespace ?? '', name, signal);
}

/** Resolves to it as soon as volumes can be made of it; rejects with RunFailed when that does not come, or not within `ms`. */
export const awaitVolumeSnapshot = (work: Work, name: string, look: () => Promise<ClusterObject | undefined>, ms: number) =>
  awaitReady(work, { resource: volumeSnapshots, name, look, contentNameOf }, ms);
