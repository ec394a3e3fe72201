/** The VolumeSnapshot that is made for an object: one and no more however often the work begins anew; and how one is waited for. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { groupVersion } from '../../machinery/resource.ts';
import type { EngineParts } from '../parts.ts';
import { findProved, makeProved } from '../proved.ts';
import type { Maker } from '../proved.ts';
import type { Work } from '../runs/run.ts';
import { awaitReady } from './await-ready.ts';
import { contentNameOf } from './content.ts';
import { volumeSnapshotNameOf, volumeSnapshots } from './known.ts';

export interface Marks {
  readonly labels: Readonly<Record<string, string>>;
  /** With what it goes, by the garbage collector. */
  readonly ownerReferences?: readonly object[];
}

/** Rejects with RunFailed where one of its name was made by somebody else. */
export async function createVolumeSnapshot(maker: Maker, owner: KubeObject, marks: Marks, spec: object): Promise<void> {
  const { namespace = '' } = owner.metadata;
  const volumeSnapshot = {
    apiVersion: groupVersion(volumeSnapshots),
    kind: volumeSnapshots.kind,
    metadata: { name: volumeSnapshotNameOf(owner), namespace, ...marks },
    spec,
  };
  await makeProved(maker, volumeSnapshots, volumeSnapshot, owner);
}

/** The one that was made for `owner`, read as Kylon itself. */
export const findVolumeSnapshot = (
  parts: Pick<EngineParts, 'cluster' | 'proofs'>,
  owner: KubeObject,
  signal: AbortSignal,
): Promise<ClusterObject | undefined> =>
  findProved(parts, volumeSnapshots, { ...owner.metadata, name: volumeSnapshotNameOf(owner) }, owner, signal);

/** One that others have made, read as the creator of the Snapshot. */
export async function findAdopted(
  { parts, creator, object, signal }: Pick<Work, 'parts' | 'creator' | 'object' | 'signal'>,
  name: string,
): Promise<ClusterObject | undefined> {
  return parts.cluster.as(creator).get(volumeSnapshots, object.metadata.namespace ?? '', name, signal);
}

/** Resolves to it as soon as volumes can be made of it; rejects with RunFailed when that does not come, or not within `ms`. */
export const awaitVolumeSnapshot = (work: Work, name: string, look: () => Promise<ClusterObject | undefined>, ms: number) =>
  awaitReady(work, { resource: volumeSnapshots, name, look, contentNameOf }, ms);
