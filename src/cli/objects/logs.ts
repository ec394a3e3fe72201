/** `backup logs`, `restore logs`: the log of the work, also while it goes on, with the flags of kubectl logs. */
import { Argument, Command } from 'commander';
import { rfc3339 } from '../../base/clock.ts';
import type { Api } from '../api/api.ts';
import { isAway } from '../api/away.ts';
import { connected, withConnection } from '../api/connection.ts';
import type { ConnectionFlags } from '../api/connection.ts';
import { completing } from '../completion/sources.ts';
import type { Source } from '../completion/sources.ts';
import { UsageError } from '../exits.ts';
import { durationOf, wholeNumber } from '../flag-values.ts';
import type { Shell } from '../shell.ts';
import { linesOf } from '../output/lines.ts';
import { pathOf } from './kind.ts';
import type { Kind } from './kind.ts';

interface LogFlags extends ConnectionFlags {
  readonly follow?: boolean;
  readonly tail?: number;
  /** Milliseconds. */
  readonly since?: number;
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
}

/** Tries in a row that bring no line. */
const mostTries = 5;
const pause = 1_000;

export function logsCommand(shell: Shell, kind: Kind): Command {
  const command = new Command('logs')
    .description(`Print the log of a ${kind.singular}.`)
    .addArgument(completing(kind.plural as Source, new Argument('<name>', `name of the ${kind.singular}`)))
    .option('-f, --follow', 'go on with what is logged from now on, until the work ends')
    .option('--tail <lines>', 'only so many lines from the end', wholeNumber('tail'))
    .option('--since <duration>', 'only lines newer than that, as 5m', durationOf('since'))
    .option('--since-time <time>', 'only lines of this time or later, as 2026-01-31T12:00:00Z')
    .option('--timestamps', 'begin each line with its time');
  return withConnection(command).action((name: string, flags: LogFlags) => {
    if (flags.since !== undefined && flags.sinceTime !== undefined)
      throw new UsageError('at most one of --since and --since-time may be used');
    return connected(shell, flags, (api) => printLog(shell, api, pathOf(kind, api.namespace, name, 'log'), flags));
  });
}

/** Lines carry their times on the way, so that after a cut the log goes on where it was. */
async function printLog(shell: Shell, api: Api, path: string, flags: LogFlags): Promise<void> {
  const { clock, signal } = shell;
  const query = queryOf(flags, clock.now());
  const seen = new Seen();
  for (let tries = 1; ; tries++) {
    const before = seen.count;
    try {
      const { body } = await api.open({ path, query: { ...query, ...seen.query() }, headers: { Accept: '*/*' } }, signal);
      return await printNew(shell, body, seen, flags);
    } catch (error) {
      if (seen.count > before) tries = 0;
      if (!isAway(error) || tries === mostTries || !flags.follow) throw error;
    }
    await clock.sleep(pause, signal);
  }
}

async function printNew(shell: Shell, body: AsyncIterable<Uint8Array>, seen: Seen, { timestamps }: LogFlags): Promise<void> {
  for await (const line of linesOf(body)) if (seen.isNew(line)) await shell.write(timestamps ? line : withoutTime(line));
}

function queryOf({ follow, tail, since, sinceTime }: LogFlags, now: number): Record<string, string | undefined> {
  return {
    timestamps: 'true',
    follow: follow ? 'true' : undefined,
    tailLines: tail === undefined ? undefined : String(tail),
    sinceTime: since === undefined ? sinceTime : rfc3339(now - since),
  };
}

/** Which lines were printed: all up to a time, and of that time so many. */
class Seen {
  count = 0;
  #time = '';
  #ofTime = 0;
  /** Of the lines of that time that come again, how many are still to come. */
  #again = 0;

  /** What asks for the rest only. */
  query(): Record<string, string | undefined> {
    this.#again = this.#ofTime;
    return this.#time === '' ? {} : { sinceTime: this.#time, tailLines: undefined };
  }

  isNew(line: string): boolean {
    const time = timeOf(line);
    if (time === this.#time && this.#again > 0) {
      this.#again -= 1;
      return false;
    }
    this.#ofTime = time === this.#time ? this.#ofTime + 1 : 1;
    this.#time = time;
    this.count += 1;
    return true;
  }
}

const timeOf = (line: string) => line.slice(0, line.indexOf(' '));
const withoutTime = (line: string) => line.slice(timeOf(line).length + 1);
