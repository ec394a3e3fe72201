/**
 * The work of a Restore of a Snapshot into a claim that is there, step by step: a new volume, nobody who uses the old one, the claim made
 * anew for the new one, and everybody back. A run that ends in the middle is begun anew; where a step fails, all goes back to what it was.
 */
import { messageOf } from '../../base/lifetime.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { ReplacementStatus, Workload } from '../../resources/replacement.ts';
import type { Restore } from '../../resources/restore.ts';
import type { ItemResult } from '../../resources/services.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { senderOf } from '../mover/mover.ts';
import { failureOf, RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { Steps } from '../runs/steps.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { fill, isMoved } from '../snapshot/fill.ts';
import { awaitIntermediate, createIntermediate, discardIntermediate, findIntermediate } from '../snapshot/intermediate.ts';
import { isElsewhere, lendToRestore, takeBack } from '../snapshot/lent.ts';
import { requireVolumeSnapshot } from '../snapshot/revive.ts';
import { until } from '../until.ts';
import { goBack, standing } from './go-back.ts';
import { inspect } from './inspection.ts';
import { isReplaced, liveClaim, placeOf, planOf } from './place.ts';
import type { Made, Place } from './place.ts';
import { keptVolume, release } from './previous-volume.ts';
import { replaceVolume } from './replace-volume.ts';
import { namesOf, podsUsing, scaleDown, scaleUp } from './workloads.ts';

/** Milliseconds that a driver may take to make the volume. */
const patience = 600_000;
/** Milliseconds that Pods may take to end, after which they are killed at the latest where nobody has set a longer grace period. */
const endTime = 300_000;
/** Milliseconds for the way back. */
const wayBack = 120_000;

type Outcome = Pick<ItemResult, 'outcome' | 'message'>;

export async function replaceInClaim(work: Work, snapshot: Snapshot, name: string): Promise<Outcome> {
  const place = placeOf(work.parts, work.object, work.signal);
  if ((work.object as Restore).spec.dryRun) return rehearsed(place, snapshot, name);
  const steps = new Steps(work);
  try {
    return await replace(work, place, steps, snapshot, name);
  } catch (error) {
    if (work.signal.aborted) throw error;
    const { reason, message } = failureOf(error);
    throw new RunFailed(reason, `${message}${await wentBack(work, steps)}`, error);
  }
}

async function rehearsed(place: Place, snapshot: Snapshot, name: string): Promise<Outcome> {
  const { workloads } = await inspect(place, snapshot, name);
  return { outcome: 'updated', message: `it would get a new volume${whileDown(workloads)}` };
}

async function replace(work: Work, place: Place, steps: Steps, snapshot: Snapshot, name: string): Promise<Outcome> {
  if (steps.get('GoBack')) throw new RunFailed('Interrupted', 'a step had failed, and was being undone when Kylon stopped');
  const newVolume = ({ volumeName }: Made) => `the volume ${quote(volumeName)}`;
  const made = await steps.within('MakeVolume', () => makeVolume(work, place, snapshot, name), newVolume);
  if (!(await isReplaced(place, made))) {
    await steps.within(
      'ScaleDown',
      () => empty(place, made),
      () => `nobody uses the claim any more${whileDown(made.workloads)}`,
    );
    await steps.within(
      'ReplaceVolume',
      () => replaceVolume(place, made),
      () => `instead of the volume ${quote(made.previousVolumeName)}`,
    );
  }
  await steps.within(
    'ScaleUp',
    () => comeBack(place, made),
    () => 'all is back',
  );
  return { outcome: 'updated', message: `its volume is ${quote(made.volumeName)} now` };
}

async function makeVolume(work: Work, place: Place, snapshot: Snapshot, name: string): Promise<Made> {
  const { parts, object, signal } = work;
  const plan = planOf(object) ?? (await begin(work, place, snapshot, name));
  if (plan.volumeName !== undefined) return { ...plan, volumeName: plan.volumeName };
  if (isMoved(snapshot)) await fillIt(work, snapshot);
  const { spec } = await awaitIntermediate(parts, object, patience, signal);
  const made = { ...plan, volumeName: textOf(fieldsOf(spec)['volumeName']) ?? '' };
  await work.save({ replacement: made });
  return made;
}

async function fillIt(work: Work, snapshot: Snapshot): Promise<void> {
  const { parts, object, signal } = work;
  const intermediate = await findIntermediate(parts, object, signal);
  if (!intermediate) throw new RunFailed('ClaimNotFound', 'the claim through which the new volume is filled was deleted');
  await fill(senderOf(work), object as Restore, intermediate, snapshot);
}

/** Looks before it changes anything. */
async function begin(work: Work, place: Place, snapshot: Snapshot, name: string): Promise<ReplacementStatus> {
  const { claim, intermediate, workloads } = await inspect(place, snapshot, name);
  if (!isMoved(snapshot))
    await (isElsewhere(snapshot, work.object) ? lendToRestore(work, snapshot) : requireVolumeSnapshot(work, snapshot));
  await createIntermediate(work.parts, place.creator, work.object, intermediate, work.signal);
  const previousVolumeName = textOf(fieldsOf(claim['spec'])['volumeName']) ?? '';
  const replacement = { claim: name, claimUid: claim.metadata.uid ?? '', previousVolumeName, workloads: [...workloads] };
  await work.save({ replacement });
  return replacement;
}

/** Resolves when no Pod uses the claim any more. */
async function empty(place: Place, { claim, claimUid, workloads }: Made): Promise<void> {
  await scaleDown(place, workloads);
  let using: readonly ClusterObject[] = [];
  const who = () =>
    `after ${endTime / 1_000} s the claim ${quote(claim)} is still used by ${using.map(({ metadata }) => metadata.name).join(', ')}`;
  await until(place, endTime, who, async () => {
    if ((await liveClaim(place, claim))?.metadata.uid !== claimUid) return true;
    using = await podsUsing(place, claim);
    return using.length === 0;
  });
}

/** Nothing is left of the work but the new volume. */
async function comeBack(place: Place, plan: Made): Promise<void> {
  const { parts, restore, signal } = place;
  await scaleUp(place, plan.workloads);
  const previous = await keptVolume(place, plan);
  if (previous) await release(place, previous);
  await discardIntermediate(parts, restore, signal);
  await takeBack(parts, restore, signal);
}

/** Undoes what was done; resolves to what that has come to, for people. */
async function wentBack({ parts, object, signal }: Work, steps: Steps): Promise<string> {
  const { namespace = '', name } = object.metadata;
  const stored = await parts.objects.get(parts.restores, namespace, name, signal);
  const plan = stored && planOf(stored);
  if (!plan) return '';
  const place = placeOf(parts, stored, signal);
  try {
    const done = await steps.within(
      'GoBack',
      () => goBackWholly(place, plan),
      (text) => text,
    );
    return `; ${done}`;
  } catch (error) {
    return `; it could not be undone: ${messageOf(error)}; the volume ${quote(plan.previousVolumeName)} is not deleted, and was scaled down: ${namesOf(plan.workloads)}`;
  }
}

/** Resolves to what has become of the claim, for people. */
async function goBackWholly(place: Place, plan: ReplacementStatus): Promise<string> {
  let left: string | undefined;
  await until(
    place,
    wayBack,
    () => `${left} after ${wayBack / 1_000} s`,
    async () => {
      left = await goBack(place);
      return left === undefined;
    },
  );
  await takeBack(place.parts, place.restore, place.signal);
  return standing(place, plan);
}

const whileDown = (workloads: readonly Workload[]) =>
  workloads.length > 0 ? `, with these scaled down meanwhile: ${namesOf(workloads)}` : '';
