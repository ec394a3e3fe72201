/** The log of a Backup or Restore for who asks: of a run that goes on here, from the store, or from what its status says. */
import type { Clock } from '../../base/clock.ts';
import { rfc3339 } from '../../base/clock.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { LogOptions } from '../../resources/services.ts';
import { chooseLines, isRecent, linesOf, shownLine } from './log-lines.ts';
import type { EngineParts } from '../parts.ts';
import { isDeleted, isUnfinished, statusOf } from './run-status.ts';
import type { RunLog } from './run-log.ts';
import type { Runs } from './runs.ts';

export interface LogSources {
  readonly parts: EngineParts;
  readonly runs: Runs;
  /** Of an object that has ended and left its log in the store. */
  readonly stored: (object: KubeObject) => Promise<string>;
}

/** Between looks at an object that waits, or that another replica works on. */
const pollEvery = 1_000;

export async function* readLog(sources: LogSources, object: KubeObject, options: LogOptions, signal: AbortSignal): AsyncIterable<string> {
  const { run, current } = await findRun(sources, object, options, signal);
  if (run) yield* readLive(run.log, options, signal);
  else if (current) yield* chooseLines(await linesOfEnded(sources, current), options);
}

/** The run that goes on here; who follows waits until there is one, or none any more. */
async function findRun({ parts, runs }: LogSources, object: KubeObject, { follow }: LogOptions, signal: AbortSignal) {
  for (let current: KubeObject | undefined = object; ;) {
    const run = runs.get(object.metadata.uid ?? '');
    if (run || !follow || !current || !isUnfinished(current)) return { run, current };
    await parts.clock.sleep(pollEvery, signal);
    current = await look(parts, object, signal);
  }
}

async function* readLive(log: RunLog, options: LogOptions, signal: AbortSignal): AsyncIterable<string> {
  const before = linesOf(log.text());
  yield* chooseLines(before, options);
  if (!options.follow) return;
  for await (const line of log.follow(before.length, signal)) if (isRecent(line, options)) yield shownLine(line, options);
}

async function linesOfEnded({ parts, runs, stored }: LogSources, object: KubeObject): Promise<string[]> {
  const { phase } = statusOf(object);
  if (phase === 'Failed') return linesOf(runs.keptLog(object.metadata.uid ?? '') ?? summaryOf(object, parts.clock));
  const hasLog = (phase === 'Completed' || phase === 'PartiallyFailed') && !isDeleted(object);
  return linesOf(hasLog ? await stored(object) : summaryOf(object, parts.clock));
}

/** One line in the place of a log that cannot be had here. */
function summaryOf(object: KubeObject, clock: Clock): string {
  const { phase = 'New', completionTimestamp, startTimestamp, failureReason = 'it failed', run } = statusOf(object);
  const time = completionTimestamp ?? startTimestamp ?? rfc3339(clock.now());
  if (phase === 'Failed') return `${time} ERROR ${failureReason}\n`;
  if (phase === 'New') return `${time} INFO it waits for its turn\n`;
  return phase === 'InProgress'
    ? `${time} INFO it is carried out by ${run?.replica ?? 'another replica'}, which has its log until it ends\n`
    : `${time} INFO its data is being removed\n`;
}

function look({ objects, backups, restores }: EngineParts, { kind, metadata }: KubeObject, signal: AbortSignal) {
  return objects.get(kind === backups.kind ? backups : restores, metadata.namespace ?? '', metadata.name, signal);
}
