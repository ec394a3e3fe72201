/** A clock that goes when the test says so. */
import type { Clock } from '../src/base/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export class ManualClock implements Clock {
  readonly #start: number;
  #elapsed = 0;
  #sleepers = new Set<Sleeper>();

  constructor(start = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.#start = start;
  }

  now() {
    return this.#start + this.#elapsed;
  }

  monotonic() {
    return this.#elapsed;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(reasonOf(signal));
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(reasonOf(signal));
      };
      const wake = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { at: this.#elapsed + ms, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets time pass; sleepers wake in their order, and whatever follows from it is done before the next one wakes. */
  async pass(ms: number): Promise<void> {
    const until = this.#elapsed + ms;
    for (;;) {
      await settled();
      const next = [...this.#sleepers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#elapsed = Math.max(this.#elapsed, next.at);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.#elapsed = until;
    await settled();
  }

  get sleepers() {
    return this.#sleepers.size;
  }
}

const reasonOf = (signal: AbortSignal) => (signal.reason instanceof Error ? signal.reason : new Error('aborted'));

/** All that can go on without time passing has gone on. */
export const settled = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
