/**
 * The volume that a claim had before: kept, whatever its reclaim policy, until the claim has the new one or has the old one back. What
 * the claim was is written on it, where users write nothing. As Kylon itself: users have no rights to volumes.
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { ReplacementStatus } from '../../resources/replacement.ts';
import { claimNotes } from '../restore/cleaning-rules.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { dropKeys, fieldsOf, textOf } from '../selection/fields.ts';
import { formerClaim, reclaimPolicy, restoreUid, volumes } from '../snapshot/known.ts';
import { isOf } from '../snapshot/rebind.ts';
import { isMarked } from './place.ts';
import type { Place } from './place.ts';

/** What of a claim comes back with it. */
export interface FormerClaim {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>>; readonly [field: string]: unknown };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The volume, if it is still kept for this Restore. */
export async function keptVolume(place: Place, { previousVolumeName }: ReplacementStatus): Promise<ClusterObject | undefined> {
  const { parts, signal } = place;
  const found = await retried(parts.clock, signal, () => parts.cluster.get(volumes, '', previousVolumeName, signal));
  return isMarked(place, found) ? found : undefined;
}

/** Begins to keep the volume of the claim that is about to be deleted. Rejects with RunFailed where it is not the one of that claim. */
export async function keep(place: Place, claim: ClusterObject): Promise<void> {
  const { parts, restore, signal } = place;
  const { cluster, clock } = parts;
  const name = textOf(fieldsOf(claim['spec'])['volumeName']) ?? '';
  await retried(clock, signal, async () => {
    const volume = await cluster.get(volumes, '', name, signal);
    if (!volume) throw new RunFailed('VolumeNotFound', notFound(volumes, name).message);
    if (!isOf(volume, claim.metadata.uid)) throw new RunFailed('VolumeTaken', `the volume ${quote(name)} is not that of the claim`);
    if (policyOf(volume) !== undefined && !isMarked(place, volume))
      throw new RunFailed('ClaimInUse', `another Restore keeps the volume ${quote(name)}: its annotation ${restoreUid} says which one`);
    const { resourceVersion } = volume.metadata;
    const policy = policyOf(volume) ?? textOf(fieldsOf(volume['spec'])['persistentVolumeReclaimPolicy']) ?? 'Retain';
    const annotations = {
      [restoreUid]: restore.metadata.uid,
      [reclaimPolicy]: policy,
      [formerClaim]: JSON.stringify(formerOf(claim)),
    };
    const patch = { metadata: { resourceVersion, annotations }, spec: { persistentVolumeReclaimPolicy: 'Retain' } };
    await cluster.patch(volumes, '', name, patch, {}, signal);
  });
}

/** What it was when it was deleted. */
export const formerClaimOf = (volume: ClusterObject) =>
  JSON.parse(textOf(fieldsOf(volume.metadata['annotations'])[formerClaim]) ?? '{"metadata":{},"spec":{}}') as FormerClaim;

/** Ends to keep it: it fares by its own policy again. Nothing is left to wait for. */
export async function release({ parts, signal }: Place, volume: ClusterObject): Promise<undefined> {
  const annotations = { [restoreUid]: null, [reclaimPolicy]: null, [formerClaim]: null };
  const patch = { metadata: { annotations }, spec: { persistentVolumeReclaimPolicy: policyOf(volume) ?? 'Retain' } };
  await retried(parts.clock, signal, () => parts.cluster.patch(volumes, '', volume.metadata.name, patch, {}, signal));
  return undefined;
}

const policyOf = ({ metadata }: ClusterObject) => textOf(fieldsOf(metadata['annotations'])[reclaimPolicy]);

/** As it was written by people and controllers, but for what binds it to its volume. */
function formerOf(claim: ClusterObject): FormerClaim {
  const { metadata, spec } = structuredClone(claim);
  dropKeys(metadata, 'annotations', claimNotes);
  const { labels, annotations, ownerReferences } = metadata;
  const { volumeName: _, ...kept } = fieldsOf(spec);
  return { metadata: { labels, annotations: annotations as Record<string, string>, ownerReferences }, spec: kept };
}
