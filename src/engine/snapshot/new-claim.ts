/** The claim that a Restore makes of a Snapshot: as the one that was taken, but for what the Restore says. */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import { groupVersion } from '../../machinery/resource.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Restore } from '../../resources/restore.ts';
import type { Snapshot, SnapshotStatus } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { isMoved } from './fill.ts';
import { claims, restoreUid, snapshotNamespace, storageClasses, volumeSnapshotNameOf, volumeSnapshots } from './known.ts';
import { isElsewhere } from './lent.ts';

/** Throws RunFailed where nobody says it. */
export function nameOfClaim({ spec }: Restore, { status }: Snapshot): string {
  const name = spec.claim?.name ?? status.claim?.name;
  if (name === undefined) throw new RunFailed('ClaimNameMissing', 'spec.claim.name must be given: the claim that was taken is not known');
  return name;
}

/** Throws RunFailed where the claim could not hold what the snapshot does. */
export function newClaim(restore: Restore, snapshot: Snapshot): ClusterObject {
  const { metadata, spec } = restore;
  const { status } = snapshot;
  const likeTaken: Partial<NonNullable<SnapshotStatus['claim']>> = status.claim ?? {};
  const { storageClassName, volumeMode, accessModes = ['ReadWriteOnce'] } = { ...likeTaken, ...spec.claim };
  const { namespace = '', uid = '' } = metadata;
  return {
    apiVersion: groupVersion(claims),
    kind: claims.kind,
    metadata: { name: nameOfClaim(restore, snapshot), namespace, annotations: { [restoreUid]: uid } },
    spec: {
      accessModes,
      ...(storageClassName && { storageClassName }),
      ...(volumeMode && { volumeMode }),
      resources: { requests: { storage: sizeOf(spec.claim?.size, status) } },
      ...(!isMoved(snapshot) && {
        dataSource: dataSourceOf(isElsewhere(snapshot, restore) ? volumeSnapshotNameOf(restore) : status.volumeSnapshotName),
      }),
    },
  };
}

function sizeOf(asked: string | undefined, { claim, restoreSize = '0' }: Snapshot['status']): string {
  const least = parseQuantity(restoreSize) ?? 0;
  const isEnough = (size: string) => (parseQuantity(size) ?? 0) >= least;
  if (asked !== undefined && !isEnough(asked))
    throw new RunFailed('ClaimTooSmall', `spec.claim.size is ${asked}, less than status.restoreSize of the snapshot, ${restoreSize}`);
  const sizes = [asked, claim?.capacity, restoreSize].filter((size) => size !== undefined);
  const size = sizes.find((size) => size !== '0' && isEnough(size));
  if (size === undefined)
    throw new RunFailed('ClaimSizeMissing', 'spec.claim.size must be given: the driver does not tell the size of the snapshot');
  return size;
}

/** Of a claim whose volume is made of a VolumeSnapshot. */
export const dataSourceOf = (volumeSnapshotName: string | undefined) => ({
  apiGroup: volumeSnapshots.group,
  kind: volumeSnapshots.kind,
  name: volumeSnapshotName,
});

/** Of a claim that the populator fills. */
export const dataSourceRefOf = ({ apiVersion, kind, metadata }: Snapshot) => ({
  apiGroup: apiVersion.split('/')[0],
  kind,
  name: metadata.name,
});

/** The claim as the populator fills it from a Snapshot of another namespace: with the proof by which it knows that this was allowed. */
export function claimFromElsewhere(
  { proofs }: EngineParts,
  { metadata, spec, ...claim }: ClusterObject,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<ClusterObject> {
  const { dataSource: _, ...others } = fieldsOf(spec);
  const annotations = { ...fieldsOf(metadata['annotations']), [snapshotNamespace]: snapshot.metadata.namespace };
  const wanted = { ...claim, metadata: { ...metadata, annotations }, spec: { ...others, dataSourceRef: dataSourceRefOf(snapshot) } };
  return proofs.give(wanted, snapshot.metadata.uid ?? '', signal);
}

/** Rejects with RunFailed where it names a class by which its volume would never come. */
export async function requireSameDriver(cluster: Cluster, claim: ClusterObject, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
  const name = classOf(claim);
  if (!name) return;
  const found = await cluster.get(storageClasses, '', name, signal);
  if (!found) throw new RunFailed('StorageClassNotFound', notFound(storageClasses, name).message);
  const provisioner = textOf(found['provisioner']) ?? '';
  const { driver = '' } = snapshot.status;
  if (isMoved(snapshot) || provisioner === driver) return;
  throw new RunFailed(
    'StorageClassMismatch',
    `the StorageClass ${quote(name)} is of the driver ${quote(provisioner)}, the snapshot of ${quote(driver)}`,
  );
}

/** Whether the volume of a claim that is there is made at once, and not for the first Pod. */
export async function isMadeAtOnce(cluster: Cluster, claim: ClusterObject, signal: AbortSignal): Promise<boolean> {
  const name = classOf(claim);
  const found = name ? await cluster.get(storageClasses, '', name, signal) : undefined;
  return found !== undefined && found['volumeBindingMode'] !== 'WaitForFirstConsumer';
}

const classOf = ({ spec }: ClusterObject) => textOf(fieldsOf(spec)['storageClassName']);
