/** The log of a Backup or Restore for who asks: of a run that goes on here or elsewhere, from the store, or from what its status says. */
import type { Clock } from '../../base/clock.ts';
import { rfc3339 } from '../../base/clock.ts';
import { ApiError } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { LogOptions } from '../../resources/services.ts';
import { chooseLines, isRecent, linesOf, shownLine } from './log-lines.ts';
import { Elsewhere } from './elsewhere.ts';
import type { ReadPiece } from './elsewhere.ts';
import type { EngineParts } from '../parts.ts';
import { isDeleted, isUnfinished, statusOf } from './run-status.ts';
import type { RunLog } from './run-log.ts';
import type { Runs } from './runs.ts';

export interface LogSources {
  readonly parts: EngineParts;
  readonly runs: Runs;
  /** Of an object that has ended and left its log in the store. */
  readonly stored: (object: KubeObject) => Promise<string>;
  /** Of a run that goes on elsewhere. */
  readonly piece: ReadPiece;
}

/** Between looks at an object that waits, or that another replica works on. */
const pollEvery = 1_000;

export async function* readLog(sources: LogSources, object: KubeObject, options: LogOptions, signal: AbortSignal): AsyncIterable<string> {
  if (options.follow) yield* follow(sources, object, options, signal);
  else yield* chooseLines(await linesOfNow(sources, object), options);
}

async function linesOfNow(sources: LogSources, object: KubeObject): Promise<string[]> {
  const { parts, runs, piece } = sources;
  const run = runs.get(object.metadata.uid ?? '');
  if (run) return linesOf(run.log.text());
  if (!isUnfinished(object)) return linesOfEnded(sources, object, 0);
  const lines = await new Elsewhere(piece).next(object);
  return lines.length > 0 ? lines : linesOf(summaryOf(object, parts.clock));
}

/** Ends with the run that goes on here, or when none does any more. Only of what is there at the first look are lines counted from the end. */
async function* follow(sources: LogSources, object: KubeObject, options: LogOptions, signal: AbortSignal): AsyncIterable<string> {
  const { parts, runs, piece } = sources;
  const elsewhere = new Elsewhere(piece);
  let wanted = options;
  for (let current: KubeObject | undefined = object; current; current = await look(parts, object, signal)) {
    const run = runs.get(object.metadata.uid ?? '');
    if (run) {
      yield* followHere(run.log, wanted, signal);
      return;
    }
    if (!isUnfinished(current)) {
      yield* chooseLines(await linesOfEnded(sources, current, elsewhere.linesReadOf(current)), wanted);
      return;
    }
    yield* chooseLines(await elsewhere.next(current).catch(nothingNew), wanted);
    wanted = { ...options, tailLines: undefined };
    await parts.clock.sleep(pollEvery, signal);
  }
}

/** What the store does not give now, it may give at the next look. */
function nothingNew(error: unknown): string[] {
  if (error instanceof ApiError) return [];
  throw error;
}

async function* followHere(log: RunLog, options: LogOptions, signal: AbortSignal): AsyncIterable<string> {
  const before = linesOf(log.text());
  yield* chooseLines(before, options);
  for await (const line of log.follow(before.length, signal)) if (isRecent(line, options)) yield shownLine(line, options);
}

/** Where the log is there, without its first `known` lines. */
async function linesOfEnded({ parts, runs, stored }: LogSources, object: KubeObject, known: number): Promise<string[]> {
  const { phase } = statusOf(object);
  if (phase === 'Failed') return linesOf(runs.keptLog(object.metadata.uid ?? '') ?? summaryOf(object, parts.clock));
  const hasLog = (phase === 'Completed' || phase === 'PartiallyFailed') && !isDeleted(object);
  return hasLog ? linesOf(await stored(object)).slice(known) : linesOf(summaryOf(object, parts.clock));
}

/** One line in the place of a log that cannot be had here. */
function summaryOf(object: KubeObject, clock: Clock): string {
  const { phase = 'New', completionTimestamp, startTimestamp, failureReason = 'it failed', run } = statusOf(object);
  const time = completionTimestamp ?? startTimestamp ?? rfc3339(clock.now());
  if (phase === 'Failed') return `${time} ERROR ${failureReason}\n`;
  if (phase === 'New') return `${time} INFO it waits for its turn\n`;
  return phase === 'InProgress' && !isDeleted(object)
    ? `${time} INFO it is carried out by ${run?.replica ?? 'another replica'}, and nothing of its log has come here yet\n`
    : `${time} INFO its data is being removed\n`;
}

/** Undefined where it is gone, also when another one has its name by now. */
async function look({ objects, backups, restores }: EngineParts, { kind, metadata }: KubeObject, signal: AbortSignal) {
  const found = await objects.get(kind === backups.kind ? backups : restores, metadata.namespace ?? '', metadata.name, signal);
  return found?.metadata.uid === metadata.uid ? found : undefined;
}
