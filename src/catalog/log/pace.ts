/** How often the log is looked at when nobody asks: often while anything happens, seldom in a catalog that nobody uses. */
import type { Clock } from '../../base/clock.ts';

/** Milliseconds after the last event when the pauses begin to grow. */
const calm = 60_000;
/** The longest pause in milliseconds. With the check of the newest segment (guard.ts) an idle process makes four requests a minute. */
const longest = 20_000;

export class Pace {
  readonly #clock: Clock;
  readonly #shortest: number;
  #lastEvent: number;
  #pause: number;
  #wake = () => {};

  /** `shortest` is the pause in milliseconds while anything happens; where it is above the longest, it is the only one. */
  constructor(clock: Clock, shortest: number) {
    this.#clock = clock;
    this.#shortest = shortest;
    this.#pause = shortest;
    this.#lastEvent = clock.monotonic();
  }

  /** Something has happened: whoever rests longer than the shortest pause wakes. */
  stir(): void {
    this.#lastEvent = this.#clock.monotonic();
    if (this.#pause === this.#shortest) return;
    this.#pause = this.#shortest;
    this.#wake();
  }

  /** Until it is time for the next look, or `life` aborts. */
  async rest(life: AbortSignal): Promise<void> {
    if (this.#clock.monotonic() - this.#lastEvent >= calm) this.#pause = Math.max(this.#shortest, Math.min(2 * this.#pause, longest));
    if (life.aborted) return;
    const awake = new AbortController();
    const wake = () => awake.abort();
    this.#wake = wake;
    life.addEventListener('abort', wake);
    await this.#clock.sleep(this.#pause, awake.signal).catch(() => {});
    life.removeEventListener('abort', wake);
  }
}
