import type { Clock } from '../../src/base/clock.ts';

/** A clock that goes on when it is told to; sleepers wake as it passes them. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  constructor(now = 1_800_000_000_000) {
    this.#now = now;
  }
  now = () => this.#now;
  monotonic = () => this.#now;
  sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((wake, reject) => {
      this.#sleepers.push({ at: this.#now + ms, wake });
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    });
  advance(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter(({ at }) => at <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#now);
    for (const { wake } of due) wake();
  }
}
