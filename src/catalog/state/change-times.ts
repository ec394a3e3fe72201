/**
 * When changes were written, as far as this process can tell: that decides how long history is kept. The clock of a writer may be
 * days off, and so may the clock of this process have been before it was started, or be set while it runs.
 */
import type { Clock } from '../../base/clock.ts';
import type { HistoryEntry } from '../local-index/index-view.ts';

export class ChangeTimes {
  readonly #clock: Clock;
  /** Where this process has begun: what it found was written before. */
  readonly #opened: { readonly rv: number; readonly at: number; readonly monotonic: number };
  #isLive = false;
  #last = 0;

  constructor(clock: Clock, rv: number) {
    this.#clock = clock;
    this.#opened = { rv, at: clock.now(), monotonic: clock.monotonic() };
  }

  /** From here on, what is applied was written just now. */
  goLive(): void {
    this.#isLive = true;
  }

  /** Milliseconds since the epoch, from when this was made on by a clock that nobody sets. */
  now(): number {
    return this.#opened.at + this.#clock.monotonic() - this.#opened.monotonic;
  }

  /** When the next segment was written, if its writer says `claimed`: never before the one in front of it. */
  timeOf(claimed: string): string {
    const now = this.now();
    const time = this.#isLive ? now : Math.min(Date.parse(claimed) || now, now);
    this.#last = Math.max(this.#last, time);
    return new Date(this.#last).toISOString();
  }

  /** The time of a change, put right if an earlier run of the program has left it in the future. */
  trueTimeOf({ rv, time }: Pick<HistoryEntry, 'rv' | 'time'>): number {
    return rv <= this.#opened.rv ? Math.min(time, this.#opened.at) : time;
  }
}
