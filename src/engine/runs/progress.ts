/** Tells the object how far its run is: no more than one write in five seconds, and one in twenty to keep the claim alive. */
import type { Clock } from '../../base/clock.ts';
import { renewEvery } from './claim.ts';

const writeEvery = 5_000;

export class Progress<T> {
  readonly #clock: Clock;
  readonly #write: (report: T | undefined, signal: AbortSignal) => Promise<void>;
  #report: T | undefined;
  #isNew = false;

  /** `write` rejects when the run has to stop. */
  constructor(clock: Clock, write: (report: T | undefined, signal: AbortSignal) => Promise<void>) {
    this.#clock = clock;
    this.#write = write;
  }

  report(report: T): void {
    this.#report = report;
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
      await this.#write(this.#report, signal);
    }
  }
}
