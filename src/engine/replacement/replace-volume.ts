/** The step that cannot be taken by a single write: the claim goes, comes back under its name, and gets the new volume. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { Restore } from '../../resources/restore.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf } from '../selection/fields.ts';
import { findIntermediate } from '../snapshot/intermediate.ts';
import { volumes } from '../snapshot/known.ts';
import { isOf, rebind } from '../snapshot/rebind.ts';
import { awaitBound, awaitDeletion, deleteClaim, remakeClaim } from './claim.ts';
import { liveClaim } from './place.ts';
import type { Made, Place } from './place.ts';
import { formerClaimOf, keep, keptVolume } from './previous-volume.ts';
import type { FormerClaim } from './previous-volume.ts';

/** Milliseconds until a claim that nobody uses is gone. */
const deletionTime = 120_000;

/** Goes on from wherever a run before has stopped. Rejects with RunFailed. */
export async function replaceVolume(place: Place, plan: Made): Promise<void> {
  const { parts, restore, signal } = place;
  const intermediate = await retried(parts.clock, signal, () => findIntermediate(parts, restore, signal));
  const live = await liveClaim(place, plan.claim);
  if (live?.metadata.uid === plan.claimUid) await remove(place, plan, live, intermediate);
  const previous = await keptVolume(place, plan);
  if (!previous)
    throw new RunFailed('VolumeNotFound', `the volume ${quote(plan.previousVolumeName)}, which the claim had, is not kept any more`);
  const wanted = withChanges(formerClaimOf(previous), restore as Restore, intermediate);
  const claim = await remakeClaim(place, plan.claim, wanted, plan.volumeName);
  await rebind(parts, plan.volumeName, intermediate?.metadata.uid ?? '', claim, signal);
  await awaitBound(place, plan.claim, plan.volumeName);
}

/** Nothing goes before what is to take its place is there. */
async function remove(place: Place, plan: Made, claim: ClusterObject, intermediate: ClusterObject | undefined): Promise<void> {
  const { parts, signal } = place;
  const volume = await retried(parts.clock, signal, () => parts.cluster.get(volumes, '', plan.volumeName, signal));
  if (!volume || !isOf(volume, intermediate?.metadata.uid))
    throw new RunFailed('VolumeNotFound', notFound(volumes, plan.volumeName).message);
  await keep(place, claim);
  await deleteClaim(place, plan.claim, plan.claimUid);
  await awaitDeletion(place, plan.claim, plan.claimUid, deletionTime);
}

/** The class is that of the new volume; what else the Restore does not name stays as it was. */
function withChanges({ metadata, spec }: FormerClaim, { spec: asked }: Restore, intermediate: ClusterObject | undefined): FormerClaim {
  const { storageClassName, accessModes, resources } = fieldsOf(intermediate?.['spec']);
  const { size } = asked.claim ?? {};
  return {
    metadata,
    spec: { ...spec, storageClassName, accessModes, ...(size !== undefined && { resources }) },
  };
}
