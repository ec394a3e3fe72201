/**
 * Deletes objects whose time has come. Knows when each one expires, and looks at the wall clock: expiration is a date.
 * tinyqueue: a binary heap, since there may be a million of them; tiny, typed, well kept.
 */
import TinyQueue from 'tinyqueue';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/lifetime.ts';
import { ApiError } from '../../machinery/errors.ts';
import type { ObjectRef } from '../../machinery/objects.ts';

export interface ExpiryParts {
  readonly clock: Clock;
  readonly log: Log;
  /** What they are called in the log: `backup`. */
  readonly word: string;
  /** Rejects with ApiError 403 for one that is kept for a reason of its own. */
  readonly remove: (target: ObjectRef, signal: AbortSignal) => Promise<void>;
}

/** Milliseconds after which the wall clock is looked at again, in case somebody set it. */
const longestSleep = 60_000;
/** Before what could not be deleted is tried again. */
const retryDelay = 10_000;

interface Due {
  readonly target: ObjectRef;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export class Expiry {
  readonly #parts: ExpiryParts;
  /** By uid. */
  readonly #due = new Map<string, Due>();
  /** The earliest first. What is not in #due any more is passed over when its turn comes. */
  readonly #queue = new TinyQueue<Due>([], (a, b) => a.at - b.at);
  /** Aborts when something is due before #rests. */
  #wake = new AbortController();
  /** The wall clock's time until which nothing is done; -Infinity while something is. */
  #rests = Number.NEGATIVE_INFINITY;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
  }

  /** The object expires then; `expiration` is RFC 3339. Undefined: never. Called for every change of every object. */
  set(target: ObjectRef, expiration: string | undefined): void {
    const at = Date.parse(expiration ?? '');
    if (Number.isNaN(at)) this.#due.delete(target.uid);
    else if (this.#due.get(target.uid)?.at !== at) this.#put({ target, at });
  }

  forget(uid: string): void {
    this.#due.delete(uid);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#removeDue(signal);
      this.#rests = Math.min(this.#first()?.at ?? Number.POSITIVE_INFINITY, clock.now() + longestSleep);
      const ms = Math.max(this.#rests - clock.now(), 0);
      await clock.sleep(ms, AbortSignal.any([signal, this.#wake.signal])).catch(() => {});
      this.#rests = Number.NEGATIVE_INFINITY;
    }
  }

  #put(due: Due): void {
    this.#due.set(due.target.uid, due);
    this.#queue.push(due);
    if (due.at < this.#rests) this.#wake.abort();
  }

  /** The one that is due next. */
  #first(): Due | undefined {
    for (let due = this.#queue.peek(); due; due = this.#queue.peek()) {
      if (this.#due.get(due.target.uid) === due) return due;
      this.#queue.pop();
    }
    return undefined;
  }

  async #removeDue(signal: AbortSignal): Promise<void> {
    const now = this.#parts.clock.now();
    for (let due = this.#first(); due !== undefined && due.at <= now; due = this.#first()) await this.#remove(due, now, signal);
  }

  /** One that is refused is kept until it changes, which is told by set. */
  async #remove(due: Due, now: number, signal: AbortSignal): Promise<void> {
    const { log, word, remove } = this.#parts;
    const { uid, namespace, name } = due.target;
    this.#due.delete(uid);
    try {
      log.info(`a ${word} has expired`, { namespace, name });
      await remove(due.target, signal);
    } catch (error) {
      if (error instanceof ApiError && error.code === 403)
        return log.info(`an expired ${word} is kept`, { namespace, name, why: error.message });
      log.warn(`an expired ${word} was not deleted`, { name, error: messageOf(error) });
      if (!this.#due.has(uid)) this.#put({ target: due.target, at: now + retryDelay });
    }
  }
}
