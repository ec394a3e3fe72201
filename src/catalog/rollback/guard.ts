/** Sees that the newest segment is still in the store, so that one that goes back under a running process is noticed. */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import { StorageUnavailable } from '../../machinery/storage.ts';
import type { SegmentLog } from '../log/log.ts';
import { lossOf } from './rollback.ts';
import type { State } from '../state/state.ts';

export interface GuardParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly segments: SegmentLog;
  readonly state: State;
}

/** Milliseconds that a check holds. */
const period = 60_000;
/** Milliseconds until the next try after one that the store has not answered. */
const retryPause = 10_000;

export class Guard {
  readonly #parts: GuardParts;
  /** Opening has just read the newest segment. */
  #checked: number;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.#checked = parts.clock.monotonic();
  }

  /** Checks once in every period, until `life` aborts or the state ends. */
  async run(life: AbortSignal): Promise<void> {
    const { clock, log, state } = this.#parts;
    while (!life.aborted) {
      await clock.sleep(Math.max(this.#left, 1), life).catch(() => {});
      if (life.aborted || state.hasEnded) return;
      try {
        await this.ifDue();
      } catch (error) {
        if (state.hasEnded) return;
        log.warn('it cannot be seen whether the newest segment is still there', { cause: messageOf(error) });
        await clock.sleep(retryPause, life).catch(() => {});
      }
    }
  }

  /** To be called before something is acknowledged. Rejects with StorageUnavailable, and ends the state where the store has gone back. */
  async ifDue(): Promise<void> {
    const { clock, segments, state } = this.#parts;
    state.check();
    if (this.#left > 0) return;
    const now = clock.monotonic();
    const loss = await lossOf(segments, state.head).catch((error: unknown) => {
      throw new StorageUnavailable(`the log cannot be read: ${messageOf(error)}`, { cause: error });
    });
    if (loss !== undefined) state.end(loss);
    state.check();
    this.#checked = now;
  }

  get #left(): number {
    return this.#checked + period - this.#parts.clock.monotonic();
  }
}
