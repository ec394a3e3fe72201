/** Tells the object how far its run is: no more than one write in five seconds, and one in twenty to keep the claim alive. */
import type { Clock } from '../../base/clock.ts';
import { renewEvery } from './claim.ts';

export type Counts = Readonly<Record<string, number>>;

const writeEvery = 5_000;

export class Progress {
  readonly #clock: Clock;
  readonly #write: (counts: Counts | undefined, signal: AbortSignal) => Promise<void>;
  #counts: Counts | undefined;
  #isNew = false;

  /** `write` rejects when the run has to stop. */
  constructor(clock: Clock, write: (counts: Counts | undefined, signal: AbortSignal) => Promise<void>) {
    this.#clock = clock;
    this.#write = write;
  }

  report(counts: Counts): void {
    this.#counts = counts;
    this.#isNew = true;
  }

  /** Writes from time to time until the signal aborts; rejects with what `write` rejects with. */
  async run(signal: AbortSignal): Promise<void> {
    let written = this.#clock.monotonic();
    for (;;) {
      await this.#clock.sleep(writeEvery, signal);
      if (!this.#isNew && this.#clock.monotonic() - written < renewEvery) continue;
      this.#isNew = false;
      written = this.#clock.monotonic();
      await this.#write(this.#counts, signal);
    }
  }
}
