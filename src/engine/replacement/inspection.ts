/** What is looked at before anything is changed: whether the volume of a claim can be replaced, and whether the creator of the Restore may do it. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { Workload } from '../../resources/replacement.ts';
import type { Restore } from '../../resources/restore.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { claimAsTaken, faultOf } from '../snapshot/claim.ts';
import { firstNodeFor } from '../snapshot/first-node.ts';
import { intermediateClaim } from '../snapshot/intermediate.ts';
import { claims } from '../snapshot/known.ts';
import { newClaim, requireSameDriver } from '../snapshot/new-claim.ts';
import { unlessThere } from '../snapshot/removal.ts';
import { liveClaim } from './place.ts';
import type { Place } from './place.ts';
import { controllerOf, podsUsing, scaleDown, workloadsOf } from './workloads.ts';

export interface Inspection {
  readonly claim: ClusterObject;
  /** Through which the new volume is made. */
  readonly intermediate: ClusterObject;
  readonly workloads: readonly Workload[];
}

/** Rejects with RunFailed, or with ClusterError where a right is missing. Every write is tried as a dry run. */
export async function inspect(place: Place, snapshot: Snapshot, name: string): Promise<Inspection> {
  const claim = await liveClaim(place, name);
  if (!claim) throw new RunFailed('ClaimNotFound', notFound(claims, name).message);
  requireReplaceable(claim, snapshot);
  const using = await podsUsing(place, name);
  const workloads = await workloadsOf(place, using);
  const intermediate = await intermediateFor(place, snapshot, claim, using);
  await rehearse(place, claim, intermediate, workloads);
  return { claim, intermediate, workloads };
}

function requireReplaceable(claim: ClusterObject, { status }: Snapshot): void {
  const fault = faultOf(claim);
  if (fault) throw new RunFailed(...fault);
  const what = `the claim ${quote(claim.metadata.name)}`;
  const owner = controllerOf(claim);
  if (owner) throw new RunFailed('ClaimInUse', `${what} goes with the ${textOf(owner['kind'])} ${quote(textOf(owner['name']) ?? '')}`);
  const { volumeMode } = fieldsOf(claim['spec']);
  const taken = status.claim?.volumeMode;
  if (taken !== undefined && taken !== volumeMode)
    throw new RunFailed('VolumeModeMismatch', `${what} is of volumeMode ${textOf(volumeMode)}, the snapshot is of ${taken}`);
}

/** As large as the volume that is there, and of the same class, unless the Restore says otherwise. */
async function intermediateFor(
  { parts, restore, signal }: Place,
  snapshot: Snapshot,
  claim: ClusterObject,
  using: readonly ClusterObject[],
): Promise<ClusterObject> {
  const asItIs = { ...snapshot, status: { ...snapshot.status, claim: claimAsTaken(claim) } };
  const wanted = newClaim(restore as Restore, asItIs);
  await requireSameDriver(parts.cluster, wanted, snapshot, signal);
  const { volumeAttributesClassName } = fieldsOf(claim['spec']);
  const spec = { ...fieldsOf(wanted['spec']), ...(volumeAttributesClassName !== undefined && { volumeAttributesClassName }) };
  return intermediateClaim(restore, spec, await firstNodeFor(parts.cluster, wanted, claim, using, signal));
}

async function rehearse(place: Place, claim: ClusterObject, intermediate: ClusterObject, workloads: readonly Workload[]): Promise<void> {
  const { creator, namespace, signal } = place;
  await scaleDown(place, workloads, { dryRun: true });
  await creator.delete(claims, namespace, claim.metadata.name, { dryRun: true, uid: claim.metadata.uid ?? '' }, signal);
  // A run before may have made it.
  await creator.create(claims, namespace, intermediate, { dryRun: true }, signal).catch(unlessThere);
}
