/**
 * The log of a run that goes on, for replicas that do not carry it out: what is added to it comes into the folder of the run, in numbered pieces of whole
 * lines, which go when the run has ended. Best effort: no run fails for it.
 */
import type { Clock } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { readIfThere } from '../../objectstore/read-if-there.ts';
import { livePieceFile } from '../archive/files.ts';
import type { RunLog } from './run-log.ts';

/** Milliseconds before the first piece, and between two. */
const firstAfter = 1_000;
const writeEvery = 3_000;
/** Milliseconds that one may take: a run that has ended waits for no more than what is on its way. */
const patience = 5_000;

export interface LiveLogParts {
  readonly clock: Clock;
  /** The server's own. */
  readonly log: Log;
  readonly store: ObjectStore;
  /** Of the run, without a slash at its end. */
  readonly folder: string;
  readonly runLog: RunLog;
}

export class LiveLog {
  readonly #parts: LiveLogParts;
  /** That are there for sure. */
  #pieces = 0;
  /** Lines in those, and in the next. */
  #lines = 0;
  /** Until it is known that it is there, the same bytes are sent again: the store may have them. */
  #next: Uint8Array | undefined;

  constructor(parts: LiveLogParts) {
    this.#parts = parts;
  }

  /** Writes what is new, from time to time, until the signal aborts; resolves when nothing is on its way any more. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, folder } = this.#parts;
    for (let pause = firstAfter; ; pause = writeEvery) {
      await clock.sleep(pause, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#write().catch((error: unknown) => log.debug('a piece of a log was not written', { folder, error: messageOf(error) }));
    }
  }

  /** Nobody else writes here: one that is there already is our own, of an earlier try. */
  async #write(): Promise<void> {
    const { clock, store, folder } = this.#parts;
    const next = (this.#next ??= this.#added());
    if (next === undefined) return;
    const key = `${folder}/${livePieceFile(this.#pieces + 1)}`;
    const late = () => new Error(`no answer within ${patience} ms`);
    await withDeadline(clock, patience, new AbortController().signal, late, (signal) => store.putIfAbsent(key, next, signal));
    this.#pieces += 1;
    this.#next = undefined;
  }

  #added(): Uint8Array | undefined {
    const { runLog } = this.#parts;
    if (runLog.length === this.#lines) return undefined;
    const text = runLog.text(this.#lines);
    this.#lines = runLog.length;
    return Buffer.from(text);
  }
}

/** Piece `number` of a run, from 1; undefined where there is none, not yet or not any more. */
export async function readPiece(store: ObjectStore, folder: string, number: number, signal: AbortSignal): Promise<string | undefined> {
  const bytes = await readIfThere(store, `${folder}/${livePieceFile(number)}`, signal);
  return bytes && Buffer.from(bytes).toString();
}
