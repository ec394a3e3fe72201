/** Writes down how far the log was seen: when it is opened, from time to time while it grows, and at the end. */
import type { Clock } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { Anchor } from './anchor.ts';
import type { State } from '../state/state.ts';

export interface AnchorKeeperParts {
  readonly anchor: Anchor;
  /** The UUID of the store's marker. */
  readonly store: string;
  readonly state: State;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds between two writes: few enough for any disk, and for an anchor that lies in the cluster. */
const interval = 10_000;
/** Milliseconds that a write may take. */
const patience = 5_000;

export class AnchorKeeper {
  readonly #parts: AnchorKeeperParts;
  #written = -1;

  constructor(parts: AnchorKeeperParts) {
    this.#parts = parts;
  }

  /** Until `life` aborts. Sleeps while the log does not grow. */
  async run(life: AbortSignal): Promise<void> {
    const { clock, state } = this.#parts;
    while (!life.aborted) {
      if (state.head.n === this.#written) await state.hub.reached(state.head.rv + 1, life).catch(() => {});
      await clock.sleep(interval, life).catch(() => {});
      if (!life.aborted) await this.write();
    }
  }

  /** Never rejects: without an anchor the log is as good as before, but for what it would notice. */
  async write(): Promise<void> {
    const { anchor, store, state, clock, log } = this.#parts;
    const { n, hash, rv } = state.head;
    if (n === this.#written) return;
    const late = () => new Error(`it took longer than ${patience / 1000} s`);
    try {
      await withDeadline(clock, patience, AbortSignal.any([]), late, (signal) => anchor.write({ store, n, hash, rv }, signal));
      this.#written = n;
    } catch (error) {
      log.warn('the anchor cannot be written: after a loss of the index a roll-back of the store would not be noticed', {
        cause: messageOf(error),
      });
    }
  }
}
