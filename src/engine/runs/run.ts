/**
 * One run of a Backup, a Restore or a Snapshot, whatever its work: claim it, say how far it is, end it in time, record how it ended.
 * A run that a shutdown interrupts gives its claim back; one that is deleted or taken over writes nothing more.
 */
import { rfc3339 } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectRef } from '../../machinery/objects.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { User } from '../../machinery/user.ts';
import { isLivePiece } from '../archive/files.ts';
import type { Claims } from './claim.ts';
import { recordEvent } from './events.ts';
import { failureOf, RunAbandoned, RunFailed } from './failure.ts';
import type { RunWord } from './files.ts';
import { objectFolder, removeFiles, runFolder } from './files.ts';
import type { EngineParts } from '../parts.ts';
import { LiveLog } from './live-log.ts';
import { persistent } from './persist.ts';
import { Progress } from './progress.ts';
import type { Aside } from './queue.ts';
import type { RunStatus } from './run-status.ts';
import { storeRefusal } from '../stores/store-refusal.ts';
import { storeOf } from '../stores/stores.ts';
import { creatorOf, isUnfinished, statusOf, withStatus } from './run-status.ts';
import type { Run, Runs } from './runs.ts';

/** The work of one kind. */
export interface Task {
  readonly word: RunWord;
  readonly definition: ResourceDefinition;
  /** How many runs may go on at once, beside those that stand aside. */
  readonly atOnce: number;
  /** Whether objects go when their status.expiration has passed. */
  readonly expires: boolean;
  /** Whether users can read the log of a run. */
  readonly hasLog: boolean;
  /** Milliseconds that a run may take, where its object says so. */
  readonly timeout: (object: KubeObject) => number | undefined;
  /** Does the work and resolves to what it adds to the status. Leaves no files when it rejects. */
  readonly execute: (work: Work) => Promise<Partial<RunStatus>>;
  /** Completes the last status. */
  readonly finish: (object: KubeObject) => KubeObject;
  /**
   * Begins to take out of the cluster what belongs to an object that was deleted or has failed. Resolves to what is not gone yet, in
   * words, and to undefined when nothing is left.
   */
  readonly discard?: (parts: EngineParts, object: KubeObject, signal: AbortSignal) => Promise<string | undefined>;
}

export interface Work {
  readonly parts: EngineParts;
  readonly object: KubeObject;
  readonly creator: User;
  readonly run: Run;
  /** In the store, of this run alone. */
  readonly folder: string;
  /** The one that the object names. */
  readonly store: ObjectStore;
  /** Tells how far it is; the last report counts. */
  readonly report: (report: Partial<RunStatus>) => void;
  /** Writes it into the status now, for a run that begins anew to find. Rejects when this one has to stop. */
  readonly save: (found: Partial<RunStatus>) => Promise<void>;
  readonly aside: Aside;
  readonly signal: AbortSignal;
}

export interface RunParts {
  readonly parts: EngineParts;
  readonly task: Task;
  readonly claims: Claims;
  readonly runs: Runs;
}

/** Milliseconds until a claim of somebody else is looked at again. */
const lookAgain = 10_000;
/** For the last words of a run whose own signal has aborted. */
const farewell = 5_000;

/**
 * Carries the object out if it waits for that. Resolves to the milliseconds after which to look again, if that is needed. Its store is looked at first,
 * and what cannot lie there fails without having begun: then everybody knows that nothing of it does.
 */
export async function perform(given: RunParts, target: ObjectRef, signal: AbortSignal, aside: Aside): Promise<number | undefined> {
  const { parts, task, claims, runs } = given;
  const object = await parts.objects.get(task.definition, target.namespace, target.name, signal);
  if (!object || object.metadata.uid !== target.uid || !isUnfinished(object)) return undefined;
  if (!claims.isFree(object)) return lookAgain;
  const refusal = await storeRefusal(parts, object, signal);
  const id = parts.ids.hex(8);
  const claimed = await claim({ ...given, target, id, refusal }, object, signal);
  if (!claimed) return lookAgain;
  await runs.within(target.uid, signal, (run) => carryOut({ ...given, target, id, refusal, run, aside }, claimed));
  return undefined;
}

interface Wanted extends RunParts {
  readonly target: ObjectRef;
  /** Of the run. */
  readonly id: string;
  /** Why it ends before it begins. */
  readonly refusal: RunFailed | undefined;
}

interface Attempt extends Wanted {
  readonly run: Run;
  readonly aside: Aside;
}

/** Writes the claim; undefined where somebody was faster. */
async function claim(wanted: Wanted, seen: KubeObject, signal: AbortSignal): Promise<KubeObject | undefined> {
  const { parts, task, target, id } = wanted;
  const before = statusOf(seen).run?.id;
  const written = await parts.objects.update(
    task.definition,
    target,
    'status',
    (object) => (isUnfinished(object) && statusOf(object).run?.id === before ? claimedBy(wanted, object) : object),
    signal,
  );
  return written && statusOf(written).run?.id === id ? written : undefined;
}

function claimedBy({ parts: { clock, replica }, id, refusal }: Wanted, object: KubeObject): KubeObject {
  const now = clock.now();
  const { progress: _, ...status } = statusOf(object);
  const begun = refusal ? {} : { startTimestamp: status.startTimestamp ?? rfc3339(now) };
  return withStatus({ ...object, status }, { phase: 'InProgress', ...begun, run: { id, replica } }, now);
}

async function carryOut(attempt: Attempt, object: KubeObject): Promise<void> {
  const { parts, task, refusal, run } = attempt;
  try {
    if (refusal) throw refusal;
    void recordEvent(parts, object, { type: 'Normal', reason: 'Started', message: `The ${task.word} has begun.` }, run.signal);
    const result = await work(attempt, object);
    await end(attempt, { ...result, phase: run.log.errors ? 'PartiallyFailed' : 'Completed' });
  } catch (error) {
    await afterFailure(attempt, object, error);
  }
}

/** Does the work, with its deadline, while its progress and its log are written. Ends when the work has ended, whatever made it end. */
async function work(attempt: Attempt, object: KubeObject): Promise<Partial<RunStatus>> {
  const { parts, task, run, id, target, aside } = attempt;
  const stop = new AbortController();
  const timer = new AbortController();
  const signal = AbortSignal.any([run.signal, stop.signal]);
  const background = AbortSignal.any([signal, timer.signal]);
  const progress = new Progress<Partial<RunStatus>>(parts.clock, (report, signal) => renew(attempt, report, signal));
  const ends = (error: unknown) => {
    if (!background.aborted) stop.abort(error);
  };
  void progress.run(background).catch(ends);
  void expire(parts, task.timeout(object), background).catch(ends);
  const folder = runFolder(parts.domain, task.word, target.uid, id);
  const store = storeOf(parts, object);
  const liveLog = task.hasLog ? new LiveLog({ ...parts, store, folder, runLog: run.log }).run(background) : undefined;
  try {
    return await task.execute({
      parts,
      object,
      creator: creatorOf(object),
      run,
      folder,
      store,
      report: (report) => progress.report(report),
      save: (found) => save(attempt, found, signal),
      aside,
      signal,
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    timer.abort(new Error('the work has ended'));
    await liveLog;
  }
}

async function expire({ clock }: EngineParts, ms: number | undefined, signal: AbortSignal): Promise<void> {
  if (ms === undefined) return;
  await clock.sleep(ms, signal);
  throw new RunFailed('Timeout', `it took longer than spec.timeout, ${ms / 1_000} s`);
}

/** Says that this replica is still at work, and how far it is. */
async function renew(attempt: Attempt, report: Partial<RunStatus> | undefined, signal: AbortSignal): Promise<void> {
  const { parts, run } = attempt;
  const renewed = rfc3339(parts.clock.now());
  try {
    await change(attempt, signal, (object) => {
      const status = statusOf(object);
      const { id = '', replica = '' } = status.run ?? {};
      return { ...object, status: { ...status, ...report, run: { id, replica, renewed } } };
    });
  } catch (error) {
    if (error instanceof RunAbandoned) throw error;
    parts.log.warn('progress was not written', { uid: run.uid, error: messageOf(error) });
  }
}

async function save(attempt: Attempt, found: Partial<RunStatus>, signal: AbortSignal): Promise<void> {
  await persistent(attempt.parts.clock, signal, () =>
    change(attempt, signal, (object) => ({ ...object, status: { ...statusOf(object), ...found } })),
  );
}

/** Changes the status as long as the run is this one; rejects with RunAbandoned otherwise. */
async function change(
  { parts, task, target, id }: Attempt,
  signal: AbortSignal,
  how: (object: KubeObject) => KubeObject,
): Promise<KubeObject> {
  const isOurs = (object: KubeObject) => isUnfinished(object) && statusOf(object).run?.id === id;
  let ours = false;
  const written = await parts.objects.update(
    task.definition,
    target,
    'status',
    (object) => {
      ours = isOurs(object);
      return ours ? how(object) : object;
    },
    signal,
  );
  if (!written || !ours) throw new RunAbandoned(`the ${task.word} was deleted or is carried out by another replica`);
  return written;
}

/** The last write of a run. */
async function end(attempt: Attempt, result: Partial<RunStatus>, message?: string): Promise<void> {
  const { parts, task, run } = attempt;
  const now = parts.clock.now();
  const counts = { warnings: run.log.warnings, errors: run.log.errors, completionTimestamp: rfc3339(now) };
  const object = await persistent(parts.clock, run.signal, () =>
    change(attempt, run.signal, (object) => task.finish(withStatus(object, { ...result, ...counts }, now, message))),
  );
  const { phase = 'Failed' } = result;
  const type = phase === 'Completed' ? 'Normal' : 'Warning';
  await recordEvent(parts, object, { type, reason: phase, message: message ?? `The ${task.word} has ended: ${phase}.` }, run.signal);
  await tellWarnings(attempt, object);
  await removeRest(attempt, object);
}

/** Files of earlier runs that died, and the pieces of its log, which lies there whole. */
async function removeRest({ parts, task, target, id, run }: Attempt, object: KubeObject): Promise<void> {
  const folder = objectFolder(parts.domain, task.word, target.uid);
  const own = `${runFolder(parts.domain, task.word, target.uid, id)}/`;
  const isKept = (key: string) => key.startsWith(own) && !isLivePiece(key.slice(own.length));
  await removeFiles(storeOf(parts, object), folder, run.signal, isKept).catch((error: unknown) =>
    parts.log.warn('files that are of no more use were not removed', { folder, error: messageOf(error) }),
  );
}

/** Of what has no log that could be read. */
async function tellWarnings({ parts, task, run }: Attempt, object: KubeObject): Promise<void> {
  if (run.log.warnings === 0 || task.hasLog) return;
  await recordEvent(parts, object, { type: 'Warning', reason: 'Warnings', message: run.log.warned() }, run.signal);
}

async function afterFailure(attempt: Attempt, object: KubeObject, error: unknown): Promise<void> {
  const { parts, task, run, target, runs } = attempt;
  await removeOwnFiles(attempt, object);
  if (error instanceof RunAbandoned) return parts.log.info(`a ${task.word} was given up`, { uid: target.uid, reason: error.message });
  if (run.signal.aborted) return giveBack(attempt);
  const { reason, message } = failureOf(error);
  const failureReason = `${reason}: ${message}${await undo(attempt, object)}`;
  if (reason === 'InternalError')
    parts.log.error(`a ${task.word} failed`, { uid: target.uid, error: String(error instanceof Error && error.stack) });
  run.log.error(failureReason);
  runs.keepLog(target.uid, run.log.text());
  await end(attempt, { phase: 'Failed', failureReason }, failureReason).catch((failure: unknown) => {
    if (!(failure instanceof RunAbandoned)) throw failure;
  });
}

/** What a failed run has made in the cluster goes at once; what cannot, goes with the object, and that is said. */
async function undo({ parts, task, run }: Attempt, object: KubeObject): Promise<string> {
  try {
    await task.discard?.(parts, object, run.signal);
    return '';
  } catch (error) {
    return `; what it made in the cluster is still there: ${messageOf(error)}`;
  }
}

/** What was finished, but could not be recorded any more. */
async function removeOwnFiles({ parts, task, target, id }: Attempt, object: KubeObject): Promise<void> {
  const store = storeOf(parts, object);
  const folder = `${runFolder(parts.domain, task.word, target.uid, id)}/`;
  await lastly(parts, 'files of a run that ended early were not removed', (signal) => removeFiles(store, folder, signal));
}

/** A shutdown: the next process may go on at once. */
async function giveBack(attempt: Attempt): Promise<void> {
  const withoutClaim = (object: KubeObject) => {
    const { run: _, ...status } = statusOf(object);
    return { ...object, status };
  };
  await lastly(attempt.parts, 'a claim was not given back', (signal) => change(attempt, signal, withoutClaim));
}

/** Done if it can be done quickly, whatever was aborted before. */
async function lastly(parts: EngineParts, otherwise: string, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const late = () => new Error(`no answer within ${farewell} ms`);
  try {
    await withDeadline(parts.clock, farewell, new AbortController().signal, late, work);
  } catch (error) {
    parts.log.warn(otherwise, { error: messageOf(error) });
  }
}
