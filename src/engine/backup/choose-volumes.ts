/** Decides about the volume of each claim of a backup, and reads what that takes: Pods as the creator, PersistentVolumes as Kylon itself. */
import { ClusterError } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { Backup } from '../../resources/backup.ts';
import { mostVolumes } from '../../resources/backup.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import { volumeActions } from '../../resources/volume-rules.ts';
import { inParallel } from '../parallel.ts';
import { retried } from '../retry.ts';
import type { RunLog } from '../runs/run-log.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { driverOf } from '../snapshot/claim.ts';
import { volumes } from '../snapshot/known.ts';
import { readPodChoices } from './pod-choices.ts';
import { choiceOfClaim, choiceOfRules, needsVolume, volumeAnnotation } from './volume-choice.ts';
import type { Choice, Claim, Volume } from './volume-choice.ts';

export interface Chosen {
  readonly claim: Claim;
  /** Undefined where nobody can say; that is an error of the backup. */
  readonly choice: Choice | undefined;
}

const readsAtOnce = 16;

/** In order of the claims. */
export async function chooseVolumes(work: Work, claims: readonly Claim[]): Promise<Chosen[]> {
  const { log } = work.run;
  const silent = claims.filter((claim) => !choiceOfClaim(claim));
  for (const claim of silent) if (claim.asked !== undefined) warnOfAnnotation(log, claim, claim.asked);
  const pods = await readPodChoices(work, new Set(silent.map(({ namespace }) => namespace)));
  const chosen: Chosen[] = [];
  await inParallel(claims.entries(), readsAtOnce, async ([index, claim]) => {
    const choice = choiceOfClaim(claim) ?? pods.of(claim) ?? (await chooseByRules(work, claim));
    chosen[index] = { claim, choice: choice && withVolume(claim, choice) };
  });
  for (const { claim, choice } of chosen)
    if (choice === unbound) log.warn(`the claim ${nameOf(claim)} has no volume yet: there is nothing to be taken`);
  for (const { claim, choice } of chosen)
    if (choice) log.info(`the volume of the claim ${nameOf(claim)}: ${choice.action}, by ${choice.by}`);
  return withinBound(log, chosen);
}

const unbound: Choice = { action: 'Skip', by: 'the claim itself, which has no volume yet' };

const withVolume = ({ volumeName }: Claim, choice: Choice) => (volumeName === undefined && choice.action !== 'Skip' ? unbound : choice);

/** For messages. */
export const nameOf = ({ namespace, name }: Claim) => `${namespace}/${name}`;

function warnOfAnnotation(log: RunLog, claim: Claim, value: string): void {
  const known = volumeActions.join(' or ');
  log.warn(`the annotation ${volumeAnnotation} of the claim ${nameOf(claim)} is ignored: ${quote(value)} is not ${known}`);
}

async function chooseByRules(work: Work, claim: Claim): Promise<Choice | undefined> {
  const { spec } = work.object as Backup;
  const isNeeded = spec.volumes?.rules?.some(needsVolume) ?? false;
  try {
    return choiceOfRules(spec, claim, isNeeded ? await readVolume(work, claim) : undefined);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    const why = `its PersistentVolume ${claim.volumeName} could not be read: ${error.message}`;
    work.run.log.error(`the volume of the claim ${nameOf(claim)} is not in the backup: ${why}`);
    return undefined;
  }
}

/** As Kylon itself; undefined for one that is gone, or has never been. */
export async function readVolume({ parts, signal }: Work, { volumeName }: Claim): Promise<Volume | undefined> {
  const { cluster, clock } = parts;
  if (volumeName === undefined) return undefined;
  const volume = await retried(clock, signal, () => cluster.get(volumes, '', volumeName, signal));
  if (!volume) return undefined;
  const capacity = textOf(fieldsOf(fieldsOf(volume['spec'])['capacity'])['storage']) ?? '';
  return { driver: driverOf(volume), capacity: parseQuantity(capacity) };
}

/** Those that a status has room for: first what is taken, then what is skipped, which the log names too. */
function withinBound(log: RunLog, chosen: readonly Chosen[]): Chosen[] {
  const isSkipped = ({ choice }: Chosen) => choice?.action === 'Skip';
  const taken = chosen.filter((one) => !isSkipped(one));
  if (taken.length > mostVolumes) log.error(`of ${taken.length} volumes only the first ${mostVolumes} are taken`);
  const kept = new Set([...taken, ...chosen.filter(isSkipped)].slice(0, mostVolumes));
  return chosen.filter((one) => kept.has(one));
}
