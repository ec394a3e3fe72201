/**
 * Sees that the log in the store still has all that this process has seen of it, so that one that goes back under a running process is
 * noticed. The newest segment proves nothing alone: this process may have put it there after the others were lost.
 */
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import { StorageUnavailable } from '../../machinery/storage.ts';
import type { SegmentLog } from '../log/log.ts';
import { gapOf, lossOf } from './rollback.ts';
import type { Seen } from './rollback.ts';
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
  /** When and up to where the log was seen whole. Opening has just done that. */
  #checked: number;
  #seen: Seen;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.#checked = parts.clock.monotonic();
    this.#seen = parts.state.head;
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
    const { clock, state } = this.#parts;
    state.check();
    if (this.#left > 0) return;
    const now = clock.monotonic();
    const { head } = state;
    const loss = await this.#lossUpTo(head).catch((error: unknown) => {
      throw new StorageUnavailable(`the log cannot be read: ${messageOf(error)}`, { cause: error });
    });
    if (loss !== undefined) state.end(loss);
    state.check();
    [this.#checked, this.#seen] = [now, head];
  }

  /** Where nothing was written since the last check, that is one request. */
  async #lossUpTo(head: Seen): Promise<Error | undefined> {
    const { segments } = this.#parts;
    return (await lossOf(segments, this.#seen)) ?? gapOf(segments, this.#seen.n, head.n);
  }

  get #left(): number {
    return this.#checked + period - this.#parts.clock.monotonic();
  }
}
