/** The claims that get their volume from a Snapshot, by their own word: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#volume-populators-and-data-sources */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { snapshotNamespace } from '../snapshot/known.ts';
import { usableSnapshot } from '../snapshot/usable.ts';

export interface SnapshotSource {
  readonly namespace: string;
  readonly name: string;
}

/** The Snapshot that `spec.dataSourceRef` names: of the claim's own namespace, unless an annotation says another one; undefined where it names none. */
export function sourceOf({ metadata, spec }: ClusterObject, { group, kind }: ResourceDefinition): SnapshotSource | undefined {
  const { apiGroup, kind: named, name, namespace = metadata.namespace } = fieldsOf(fieldsOf(spec)['dataSourceRef']);
  const isSnapshot = apiGroup === group && named === kind && typeof name === 'string' && namespace === metadata.namespace;
  const annotated = textOf(fieldsOf(metadata['annotations'])[snapshotNamespace]);
  return isSnapshot ? { namespace: annotated ?? metadata.namespace ?? '', name } : undefined;
}

/**
 * The Snapshot, if it may be used for the claim: one of its own namespace by whoever may make a claim, another one with the proof alone that a Restore has made
 * the claim for it. Rejects with RunFailed, and without that proof says nothing of what is there.
 */
export async function snapshotFor(
  parts: EngineParts,
  claim: ClusterObject,
  source: SnapshotSource,
  signal: AbortSignal,
): Promise<Snapshot> {
  const { namespace, name } = source;
  if (namespace !== claim.metadata.namespace) await requireProof(parts, claim, source, signal);
  return usableSnapshot({ parts, signal }, namespace, name);
}

async function requireProof(
  parts: EngineParts,
  claim: ClusterObject,
  { namespace, name }: SnapshotSource,
  signal: AbortSignal,
): Promise<void> {
  const found = await parts.objects.get(parts.snapshots, namespace, name, signal);
  if (found && (await parts.proofs.proved(claim, found.metadata.uid ?? '', signal))) return;
  const which = `the snapshot ${quote(name)} of the namespace ${quote(namespace)}`;
  throw new RunFailed('SnapshotElsewhere', `no Restore has made this claim of ${which}, or that is gone`);
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
