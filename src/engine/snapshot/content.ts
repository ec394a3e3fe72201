/**
 * The VolumeSnapshotContent behind a VolumeSnapshot: what the driver keeps. It lies in no namespace, so only Kylon itself may touch it.
 * Of a finished Snapshot it is retained, or else whoever deletes the namespace would delete the data with it.
 */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { deletionPolicy, labelsOf, snapshotUid, volumeSnapshotContents } from './known.ts';

/** Name of the one that a VolumeSnapshot is bound to. */
export const contentNameOf = ({ status }: ClusterObject) => textOf(fieldsOf(status)['boundVolumeSnapshotContentName']);

/** Of a VolumeSnapshot, if each points to the other; of one that is gone, the one that was retained. */
export async function findContent(
  cluster: Cluster,
  snapshot: Snapshot,
  volumeSnapshot: ClusterObject | undefined,
  signal: AbortSignal,
): Promise<ClusterObject | undefined> {
  const name = (volumeSnapshot && contentNameOf(volumeSnapshot)) ?? snapshot.status.volumeSnapshotContentName;
  const content = name ? await cluster.get(volumeSnapshotContents, '', name, signal) : undefined;
  if (!content) return undefined;
  const isOurs = volumeSnapshot
    ? fieldsOf(fieldsOf(content['spec'])['volumeSnapshotRef'])['uid'] === volumeSnapshot.metadata.uid
    : fieldsOf(content.metadata['labels'])[snapshotUid] === snapshot.metadata.uid;
  return isOurs ? content : undefined;
}

/** Keeps what it stands for, whatever becomes of the VolumeSnapshot, and writes down what the class had asked for. */
export async function retain(cluster: Cluster, snapshot: KubeObject, content: ClusterObject, signal: AbortSignal): Promise<void> {
  const { deletionPolicy: asked } = fieldsOf(content['spec']);
  const metadata = {
    labels: labelsOf(snapshot),
    annotations: { [deletionPolicy]: policyOf(content) ?? asked },
  };
  await cluster.patch(volumeSnapshotContents, '', content.metadata.name, { metadata, spec: { deletionPolicy: 'Retain' } }, {}, signal);
}

/** What its class had asked for when it was retained; undefined for one that was not. */
export const policyOf = ({ metadata }: ClusterObject) => textOf(fieldsOf(metadata['annotations'])[deletionPolicy]);

/** By which the driver knows what it has kept. */
export const handleOf = ({ status }: ClusterObject) => textOf(fieldsOf(status)['snapshotHandle']);
