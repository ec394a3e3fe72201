/**
 * The VolumeSnapshotContent behind a VolumeSnapshot: what the driver keeps. It lies in no namespace, so only Kylon itself may touch it.
 * Of a finished Snapshot it is retained, or else whoever deletes the namespace would delete the data with it.
 */
import type { ApiResource, Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { deletionPolicy, snapshotUid, volumeSnapshotContents, volumeSnapshotNameOf } from './known.ts';

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
    : isMadeFor(snapshot, content);
  return isOurs ? content : undefined;
}

/** The one that was made for this Snapshot, under its own name. */
export async function findOwnContent(cluster: Cluster, snapshot: Snapshot, signal: AbortSignal): Promise<ClusterObject | undefined> {
  const found = await cluster.get(volumeSnapshotContents, '', volumeSnapshotNameOf(snapshot), signal);
  return found && isMadeFor(snapshot, found) ? found : undefined;
}

const isMadeFor = ({ metadata }: Snapshot, content: ClusterObject) => fieldsOf(content.metadata['labels'])[snapshotUid] === metadata.uid;

/** Keeps what it stands for, whatever becomes of what it is bound to, and writes down what the class had asked for. */
export async function retain(
  cluster: Cluster,
  resource: ApiResource,
  content: ClusterObject,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ClusterObject> {
  const { deletionPolicy: asked } = fieldsOf(content['spec']);
  const metadata = { labels, annotations: { [deletionPolicy]: policyOf(content) ?? asked } };
  return cluster.patch(resource, '', content.metadata.name, { metadata, spec: { deletionPolicy: 'Retain' } }, {}, signal);
}

/** What its class had asked for when it was retained; undefined for one that was not. */
export const policyOf = ({ metadata }: ClusterObject) => textOf(fieldsOf(metadata['annotations'])[deletionPolicy]);

/** By which the driver knows what it has kept. */
export const handleOf = ({ status }: ClusterObject) => textOf(fieldsOf(status)['snapshotHandle']);

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
