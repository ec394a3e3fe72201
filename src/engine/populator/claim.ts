/** The claims that get their volume from a Snapshot, by their own word: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#volume-populators-and-data-sources */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';

/** Name of the Snapshot that `spec.dataSourceRef` names; undefined where it names none of the claim's own namespace. */
export function sourceOf({ metadata, spec }: ClusterObject, { group, kind }: ResourceDefinition): string | undefined {
  const { apiGroup, kind: named, name, namespace = metadata.namespace } = fieldsOf(fieldsOf(spec)['dataSourceRef']);
  return apiGroup === group && named === kind && namespace === metadata.namespace ? textOf(name) : undefined;
}

/** Whether it waits for a volume that nobody has promised to it. */
export const isWaiting = ({ metadata, spec }: ClusterObject) =>
  metadata['deletionTimestamp'] === undefined && !fieldsOf(spec)['volumeName'] && textOf(fieldsOf(spec)['storageClassName']) !== undefined;

/** Throws RunFailed where its volume could not hold what the Snapshot does. */
export function requireRoom({ spec }: ClusterObject, { status }: Snapshot): void {
  const { volumeMode, resources } = fieldsOf(spec);
  const size = textOf(fieldsOf(fieldsOf(resources)['requests'])['storage']) ?? '0';
  const { restoreSize = '0', claim } = status;
  if ((parseQuantity(size) ?? 0) < (parseQuantity(restoreSize) ?? 0))
    throw new RunFailed('ClaimTooSmall', `spec.resources.requests.storage is ${size}, less than the snapshot needs, ${restoreSize}`);
  if (claim?.volumeMode !== undefined && claim.volumeMode !== volumeMode)
    throw new RunFailed(
      'VolumeModeMismatch',
      `spec.volumeMode is ${textOf(volumeMode)}, the snapshot ${quote(status.volumeSnapshotName ?? '')} is of ${claim.volumeMode}`,
    );
}
