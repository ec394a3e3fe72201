/** How often, and after which pauses, a request is sent again that may be sent again. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import { StoreUnavailable } from './objectstore.ts';

export interface RetryParts {
  readonly clock: Clock;
  readonly ids: Ids;
}

/** Milliseconds before each further try; half of each is left to chance, so that those who failed together do not come together. */
const pauses = [100, 400, 1600] as const;

/** Counts the failures in a row. */
export class Tries {
  readonly #parts: RetryParts;
  readonly #signal: AbortSignal;
  #failures = 0;

  constructor(parts: RetryParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  async until<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await this.failed(error);
      }
    }
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Resolves when it is time to try again; rejects with `error` when that is of no use, or was done often enough. */
  async failed(error: unknown): Promise<void> {
    const pause = pauses[this.#failures++];
    if (pause === undefined || !(error instanceof StoreUnavailable) || this.#signal.aborted) throw error;
    const chance = Number.parseInt(this.#parts.ids.hex(2), 16) / 0x10000;
    await this.#parts.clock.sleep((pause / 2) * (1 + chance), this.#signal);
  }
}
