/** The program: options → one of the three ways to run → until it is told to stop. */
import { setFlagsFromString } from 'node:v8';
import { messageOf } from './base/lifetime.ts';
import { systemClock } from './base/clock.ts';
import { randomIds } from './base/ids.ts';
import { createLog } from './base/log.ts';
import { runForCluster } from './for-cluster.ts';
import { helpText, OptionsError, readOptions } from './options.ts';
import { createMetrics } from './base/metrics.ts';
import type { Options } from './options.ts';
import { runPlayground } from './playground.ts';

/** Milliseconds in which a signal that comes again is the same one: Ctrl-C reaches the process from the terminal and from npm. */
const echo = 1000;

/**
 * Percent of what was reached by which the heap may grow before all of it is collected: by itself V8 has it grow to four times as much on a machine with
 * much memory, and what a long backup or restore has in the air would be kept a while for nothing.
 */
setFlagsFromString('--heap-growing-percent=50');
process.exitCode = await main();

async function main(): Promise<number> {
  const options = read();
  if (options === undefined) return 2;
  if (options === 'help') {
    say(helpText());
    return 0;
  }
  const stop = stopSignal();
  const log = createLog(options.logLevel);
  const parts = { clock: systemClock, ids: randomIds, log, metrics: createMetrics(), env: process.env };
  try {
    await (options.mode === 'playground' ? runPlayground(options, parts, say, stop) : runForCluster(options, parts, say, stop));
    return 0;
  } catch (error) {
    if (stop.aborted && isDueTo(stop.reason, error)) return 0;
    console.error(`kylon: ${messageOf(error)}`);
    return 1;
  }
}

/** Whether the error says no more than that the work was told to stop: the reason itself, or an error made of it. */
function isDueTo(reason: unknown, error: unknown): boolean {
  if (error === reason) return true;
  return error instanceof Error && (error.name === 'AbortError' || isDueTo(reason, error.cause));
}

/** Undefined when they are wrong, and that was said. */
function read(): Options | 'help' | undefined {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    for (const fault of error.faults) console.error(`kylon: ${fault}`);
    return undefined;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let since = 0;
  const receive = (name: string) => {
    if (stop.signal.aborted && systemClock.monotonic() - since > echo) process.exit(1);
    if (stop.signal.aborted) return;
    since = systemClock.monotonic();
    stop.abort(new Error(`${name} received`));
  };
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, receive);
  return stop.signal;
}
