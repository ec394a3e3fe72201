/**
 * Work by key: a key is worked on by one worker at a time, what comes in meanwhile is done once more afterwards, a failure is
 * tried again later and later. Workers go to the groups by turns. Bounded: at `limit` keys further ones are refused, and the
 * caller has to list again.
 */
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { messageOf } from '../../base/lifetime.ts';
import { Waiting } from './waiting.ts';

/** Has others work while `wait` waits for what is done elsewhere; resolves as `wait` does. Not to be called again within it. */
export type Aside = <R>(wait: () => Promise<R>) => Promise<R>;

export interface QueueOptions<T> {
  /** For the log. */
  readonly name: string;
  readonly concurrency: number;
  /** How many keys may wait, for a worker or for their time. */
  readonly limit: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whose work it is: no group waits for all the work of another. */
  readonly groupOf: (item: T) => string;
  /** Resolves to the milliseconds after which to look at the item again, or undefined for not before somebody adds it. */
  readonly work: (item: T, signal: AbortSignal, aside: Aside) => Promise<number | undefined>;
}

/**
 * How many stand aside, in all and of one group, before nothing more is begun: all, or of that group. They go on at once when they have waited, so that for a
 * moment more may work than `concurrency`.
 */
const [mostAside, mostOfGroup] = [400, 50];

/** Milliseconds before the first repetition of what failed; doubled each time. */
const firstDelay = 1_000;
const longestDelay = 300_000;

export class WorkQueue<T> {
  readonly #options: QueueOptions<T>;
  readonly #waiting: Waiting<T>;
  readonly #later = new Map<string, AbortController>();
  readonly #active = new Map<string, Promise<void>>();
  /** Added while being worked on. */
  readonly #again = new Map<string, T>();
  readonly #failures = new Map<string, number>();
  /** How many stand aside, by group. */
  readonly #aside = new Map<string, number>();
  #signal: AbortSignal | undefined;

  constructor(options: QueueOptions<T>) {
    this.#options = options;
    this.#waiting = new Waiting(options.groupOf);
  }

  /** False where there is no room. */
  add(key: string, item: T): boolean {
    this.#later.get(key)?.abort();
    if (this.#active.has(key)) this.#again.set(key, item);
    else if (!this.#waiting.has(key) && this.#size >= this.#options.limit) return false;
    else this.#waiting.set(key, item);
    this.#start();
    return true;
  }

  /** Works until the signal aborts, and resolves when the last worker has ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    this.#start();
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await Promise.all(this.#active.values());
  }

  get #size(): number {
    return this.#waiting.size + this.#later.size;
  }

  #start(): void {
    if (!this.#signal || this.#signal.aborted) return;
    while (this.#mayStart()) {
      const next = this.#waiting.take((group) => (this.#aside.get(group) ?? 0) < mostOfGroup);
      if (next === undefined) return;
      const [key, item] = next;
      this.#active.set(key, this.#work(key, item, this.#signal));
    }
  }

  async #work(key: string, item: T, signal: AbortSignal): Promise<void> {
    const delay = await this.#attempt(key, item, signal);
    this.#active.delete(key);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again !== undefined) this.#waiting.set(key, again);
    else if (delay !== undefined) this.#addLater(key, item, delay, signal);
    this.#start();
  }

  #mayStart(): boolean {
    const aside = [...this.#aside.values()].reduce((sum, count) => sum + count, 0);
    return aside < mostAside && this.#active.size - aside < this.#options.concurrency;
  }

  async #standAside<R>(group: string, wait: () => Promise<R>): Promise<R> {
    this.#count(group, 1);
    this.#start();
    try {
      return await wait();
    } finally {
      this.#count(group, -1);
      this.#start();
    }
  }

  #count(group: string, more: 1 | -1): void {
    const count = (this.#aside.get(group) ?? 0) + more;
    if (count > 0) this.#aside.set(group, count);
    else this.#aside.delete(group);
  }

  async #attempt(key: string, item: T, signal: AbortSignal): Promise<number | undefined> {
    try {
      const delay = await this.#options.work(item, signal, (wait) => this.#standAside(this.#options.groupOf(item), wait));
      this.#failures.delete(key);
      return delay;
    } catch (error) {
      if (signal.aborted) return undefined;
      const failures = this.#failures.get(key) ?? 0;
      this.#failures.set(key, failures + 1);
      const delay = Math.min(firstDelay * 2 ** failures, longestDelay);
      this.#options.log.warn(`${this.#options.name} is tried again`, { key, delay, error: messageOf(error) });
      return delay;
    }
  }

  #addLater(key: string, item: T, delay: number, signal: AbortSignal): void {
    const timer = new AbortController();
    this.#later.set(key, timer);
    const due = () => {
      this.#later.delete(key);
      this.add(key, item);
    };
    const canceled = () => {
      if (this.#later.get(key) === timer) this.#later.delete(key);
    };
    this.#options.clock.sleep(delay, AbortSignal.any([signal, timer.signal])).then(due, canceled);
  }
}
