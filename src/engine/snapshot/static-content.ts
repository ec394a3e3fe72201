/**
 * A VolumeSnapshot and its content, made around the handle by which a driver knows what it has kept, for whoever is to make volumes of that in
 * a namespace. https://kubernetes.io/docs/concepts/storage/volume-snapshots/#static
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { groupVersion } from '../../machinery/resource.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { retried } from '../retry.ts';
import { fieldsOf } from '../selection/fields.ts';
import { volumeSnapshotContents, volumeSnapshotNameOf } from './known.ts';
import { createVolumeSnapshot, findVolumeSnapshot } from './volume-snapshot.ts';
import type { Maker } from '../proved.ts';
import type { Marks } from './volume-snapshot.ts';

/** Retained, so that what becomes of it touches no data. `old`: another content of the same, where there is one. */
export function staticContent(
  owner: KubeObject,
  { status }: Snapshot,
  metadata: { readonly labels: object; readonly annotations?: object },
  old: ClusterObject | undefined,
): ClusterObject {
  const { namespace = '' } = owner.metadata;
  const name = volumeSnapshotNameOf(owner);
  const { driver, handle } = status;
  const { sourceVolumeMode = status.claim?.volumeMode } = fieldsOf(old?.['spec']);
  return {
    apiVersion: groupVersion(volumeSnapshotContents),
    kind: volumeSnapshotContents.kind,
    metadata: { name, ...metadata },
    spec: {
      deletionPolicy: 'Retain',
      driver,
      source: { snapshotHandle: handle },
      ...(sourceVolumeMode !== undefined && { sourceVolumeMode }),
      volumeSnapshotRef: { namespace, name },
    },
  };
}

/** The content as Kylon itself, since it lies in no namespace. */
export async function makeStatic(maker: Maker, owner: KubeObject, content: ClusterObject, marks: Marks): Promise<void> {
  await retried(maker.parts.clock, maker.signal, () => putContent(maker, owner, content));
  await createVolumeSnapshot(maker, owner, marks, { source: { volumeSnapshotContentName: content.metadata.name } });
}

/**
 * One that was there already has been bound to a VolumeSnapshot that is gone by now, and is set free; unless somebody else at the same work has just
 * made the new one.
 */
async function putContent({ parts, signal }: Maker, owner: KubeObject, content: ClusterObject): Promise<void> {
  const { cluster } = parts;
  // Once sent it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  const lasting = AbortSignal.any([]);
  try {
    await cluster.create(volumeSnapshotContents, '', content, {}, lasting);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
    if (await findVolumeSnapshot(parts, owner, signal)) return;
    const free = { spec: { volumeSnapshotRef: { uid: null, resourceVersion: null } } };
    await cluster.patch(volumeSnapshotContents, '', content.metadata.name, free, {}, signal);
  }
}
