/** How long somebody who is to go on has not been heard. What is done here meanwhile is not their silence. */
import type { Clock } from '../../base/clock.ts';

/** Milliseconds that a timer can count. */
const longestSleep = 86_400_000;

export class Silence {
  readonly #clock: Clock;
  #since: number;
  /** What is being done here. */
  #ours = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** They were heard. */
  end(): void {
    this.#since = this.#clock.monotonic();
  }

  /** Until this is done it is not their turn. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#ours++;
    try {
      return await work();
    } finally {
      this.#ours--;
      this.end();
    }
  }

  /** Resolves when it has lasted for so many milliseconds, of which there may be more each time they are asked for. Rejects when the signal aborts. */
  async lasting(longest: () => number, signal: AbortSignal): Promise<void> {
    for (let left = longest(); left > 0; left = this.#left(longest())) await this.#clock.sleep(Math.min(left, longestSleep), signal);
  }

  #left(longest: number): number {
    return this.#ours > 0 ? longest : this.#since + longest - this.#clock.monotonic();
  }
}
