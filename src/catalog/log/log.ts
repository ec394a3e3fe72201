/**
 * The log: numbered slots, each filled once, by put-if-absent. A slot is never freed, so what was read there stays true.
 *
 * Whatever a put answers is resolved by reading the slot. Bytes that were sent once may arrive at any later time; so until the
 * slot is known to be filled, the only bytes that are ever sent for it are the same again.
 */
import type { Clock } from '../../base/clock.ts';
import { withDeadline } from '../../base/lifetime.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreDenied, StoreFull, StoreUnavailable } from '../../objectstore/objectstore.ts';
import { readIfThere } from '../../objectstore/read-if-there.ts';
import { logPrefix, segmentKey, segmentNumber } from '../paths.ts';
import { openSegment } from './segment.ts';

/** A sealed segment on its way into its slot. */
export interface Attempt {
  readonly n: number;
  readonly bytes: Uint8Array;
  /** An earlier try may still land. */
  mayLand: boolean;
}

/**
 * `committed`: it is in its slot. `taken`: another is. `refused`: it is not there and never will be. `unknown`: neither can be
 * said yet.
 */
export type Outcome = { readonly is: 'committed' | 'taken' } | { readonly is: 'refused' | 'unknown'; readonly cause: Error };

/** Milliseconds for one request. */
const requestDeadline = 10_000;
/** Milliseconds before each further try of an append. */
const pauses = [50, 200, 800] as const;

export class SegmentLog {
  readonly domain: string;
  /** For messages. */
  readonly storeName: string;
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  /** Ends every request. */
  readonly #life: AbortSignal;

  constructor(store: ObjectStore, domain: string, clock: Clock, life: AbortSignal) {
    this.domain = domain;
    this.storeName = store.name;
    this.#store = store;
    this.#clock = clock;
    this.#life = life;
  }

  key(n: number): string {
    return segmentKey(this.domain, n);
  }

  /** The bytes in slot `n`, or undefined while it is free. */
  async read(n: number): Promise<Uint8Array | undefined> {
    return this.#request((signal) => readIfThere(this.#store, this.key(n), signal));
  }

  /** The lowest number above `n` whose slot a listing shows filled. */
  async nextListed(n: number): Promise<number | undefined> {
    return this.#request(async (signal) => {
      for await (const { key } of this.#store.list(logPrefix(this.domain), signal, n === 0 ? undefined : this.key(n))) {
        const number = segmentNumber(key);
        if (number !== undefined && number > n) return number;
      }
      return undefined;
    });
  }

  /** The lowest empty slot behind `from` and not behind `to`. */
  async firstMissing(from: number, to: number): Promise<number | undefined> {
    const listed = new Set<number>();
    await this.#request(async (signal) => {
      for await (const { key } of this.#store.list(logPrefix(this.domain), signal, this.key(from))) {
        const n = segmentNumber(key) ?? 0;
        if (n > from) listed.add(n);
        if (n >= to) return;
      }
    });
    for (let n = from + 1; n <= to; n++) if (!listed.has(n) && !(await this.#isFilled(n))) return n;
    return undefined;
  }

  /** The last filled slot, 0 where there is none, by halving: of a log with gaps, the last before one of them. */
  async lastFilled(): Promise<number> {
    let filled = (await this.nextListed(0)) ?? 0;
    if (filled === 0) return 0;
    let step = 1;
    for (; await this.#isFilled(filled + step); step *= 2) filled += step;
    for (; step > 1; step /= 2) if (await this.#isFilled(filled + step / 2)) filled += step / 2;
    return filled;
  }

  /** Tries until the outcome is certain, a bounded number of times, fewer when `patience` aborts. */
  async append(attempt: Attempt, patience: AbortSignal): Promise<Outcome> {
    for (let tries = 0; ; tries++) {
      const outcome = await this.#try(attempt);
      const pause = pauses[tries];
      if (outcome.is !== 'unknown' || pause === undefined || patience.aborted) return outcome;
      await this.#clock.sleep(pause, patience).catch(() => {});
    }
  }

  async #try(attempt: Attempt): Promise<Outcome> {
    const answer = await settle(this.#request((signal) => this.#store.putIfAbsent(this.key(attempt.n), attempt.bytes, signal)));
    if (answer === 'created') return { is: 'committed' };
    const isRefusal = answer instanceof StoreFull || answer instanceof StoreDenied;
    if (answer !== 'exists' && !isRefusal) attempt.mayLand = true;
    const found = await settle(this.read(attempt.n));
    if (found instanceof Error) return { is: 'unknown', cause: found };
    if (found !== undefined) return this.#whose(found, attempt);
    const cause = answer === 'exists' ? new StoreUnavailable(`${this.key(attempt.n)} is said to exist, but cannot be read`) : answer;
    return { is: isRefusal && !attempt.mayLand ? 'refused' : 'unknown', cause };
  }

  /** Bytes that are damaged prove nothing: they may be the own ones, and only the answer was damaged. */
  async #whose(found: Uint8Array, { n, bytes }: Attempt): Promise<Outcome> {
    if (Buffer.from(bytes).equals(found)) return { is: 'committed' };
    const segment = await settle(openSegment(found, this.key(n), { domain: this.domain, n }));
    return segment instanceof Error ? { is: 'unknown', cause: segment } : { is: 'taken' };
  }

  async #isFilled(n: number): Promise<boolean> {
    return (await this.#request((signal) => this.#store.size(this.key(n), signal))) !== undefined;
  }

  #request<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = () => new StoreUnavailable(`${this.#store.name} has not answered for ${requestDeadline / 1000} s`);
    return withDeadline(this.#clock, requestDeadline, this.#life, late, work);
  }
}

async function settle<T>(result: Promise<T>): Promise<T | Error> {
  try {
    return await result;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
