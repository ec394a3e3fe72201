/**
 * Undoes what was begun and is not to go on, from wherever it stands: the claim gets its former volume again, what was scaled down comes back, the
 * new volume goes. A claim that has the new volume already is left with it: then only the rest is brought to its end.
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { ReplacementStatus } from '../../resources/replacement.ts';
import { retried } from '../retry.ts';
import { fieldsOf } from '../selection/fields.ts';
import { discardIntermediate } from '../snapshot/intermediate.ts';
import { namespaces } from '../snapshot/known.ts';
import { isBoundTo, rebind } from '../snapshot/rebind.ts';
import { deleteClaim, remakeClaim } from './claim.ts';
import { isReplaced, liveClaim, ownClaim, planOf } from './place.ts';
import type { Place } from './place.ts';
import { formerClaimOf, keptVolume, release } from './previous-volume.ts';
import { scaleUp } from './workloads.ts';

/** One step; resolves to what it waits for, in words, and to undefined when nothing is left. */
export async function goBack(place: Place): Promise<string | undefined> {
  const { parts, restore, signal } = place;
  const plan = planOf(restore);
  if (plan) {
    const left = await giveBack(place, plan);
    if (left !== undefined) return left;
    await scaleUp(place, plan.workloads);
  }
  await discardIntermediate(parts, restore, signal);
  return undefined;
}

/** What has become of the claim, for people. */
export async function standing(place: Place, plan: ReplacementStatus): Promise<string> {
  if (await keptVolume(place, plan)) return `the volume ${quote(plan.previousVolumeName)}, which the claim had before, is kept`;
  return (await isReplaced(place, plan)) ? 'the claim has its new volume all the same' : 'all is as it was before';
}

async function giveBack(place: Place, plan: ReplacementStatus): Promise<string | undefined> {
  const volume = await keptVolume(place, plan);
  if (!volume) return undefined;
  const live = await liveClaim(place, plan.claim);
  if (!live && (await isGoing(place))) return await release(place, volume);
  if (live?.metadata.uid === plan.claimUid) return keepsIt(place, live, volume);
  // Whoever made another claim of that name decides what becomes of the volume: it is kept.
  if (live && !(await ownClaim(place, live))) return undefined;
  const hasNew = live !== undefined && fieldsOf(live['spec'])['volumeName'] === plan.volumeName;
  return hasNew ? withNewVolume(place, live, plan, volume) : withFormerVolume(place, plan, volume);
}

/** It was not deleted yet, or not to the end. */
async function keepsIt(place: Place, { metadata }: ClusterObject, volume: ClusterObject): Promise<string | undefined> {
  if (metadata['deletionTimestamp'] !== undefined) return `the claim ${quote(metadata.name)} is being deleted`;
  return await release(place, volume);
}

async function withNewVolume(
  place: Place,
  live: ClusterObject,
  plan: ReplacementStatus,
  volume: ClusterObject,
): Promise<string | undefined> {
  if (isBoundTo(live, plan.volumeName ?? '')) return await release(place, volume);
  await deleteClaim(place, plan.claim, live.metadata.uid ?? '');
  return `the claim ${quote(plan.claim)} is being deleted`;
}

async function withFormerVolume(place: Place, plan: ReplacementStatus, volume: ClusterObject): Promise<string | undefined> {
  const { name } = volume.metadata;
  const claim = await remakeClaim(place, plan.claim, formerClaimOf(volume), name);
  await rebind(place.parts, name, plan.claimUid, claim, place.signal);
  if (!isBoundTo(claim, name)) return `the claim ${quote(plan.claim)} is not bound to the volume ${quote(name)} yet`;
  return await release(place, volume);
}

/** Nothing comes back into a namespace that is being deleted. */
async function isGoing({ parts, namespace, signal }: Place): Promise<boolean> {
  const found = await retried(parts.clock, signal, () => parts.cluster.get(namespaces, '', namespace, signal));
  return found?.metadata['deletionTimestamp'] !== undefined;
}
