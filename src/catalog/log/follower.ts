/** Keeps the state at the end of the log: applies what others wrote, when somebody asks for the newest, and from time to time. */
import type { Clock } from '../../base/clock.ts';
import { messageOf, withDeadline } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import { StorageUnavailable } from '../../machinery/storage.ts';
import type { SegmentLog } from './log.ts';
import { Pace } from './pace.ts';
import { eatenUpTo, RolledBack } from '../rollback/rollback.ts';
import { SharedRun } from './shared-run.ts';
import type { State } from '../state/state.ts';

/** Slots that are read at once while many are behind each other. */
const mostAhead = 16;
/** Milliseconds that a reader waits for the store. */
const patience = 15_000;

export interface FollowerParts {
  readonly log: Log;
  readonly clock: Clock;
  readonly segments: SegmentLog;
  readonly state: State;
  /** Milliseconds between two looks at the log when nobody asks, while anything happens. */
  readonly interval: number;
}

export class Follower {
  readonly #parts: FollowerParts;
  readonly #catchUp = new SharedRun(() => this.#applyNew());
  readonly #pace: Pace;
  #lastLook = Number.NEGATIVE_INFINITY;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#pace = new Pace(parts.clock, parts.interval);
  }

  /** After this the state holds every segment that was in its slot when the call began. Rejects with StorageUnavailable. */
  async refresh(signal: AbortSignal): Promise<void> {
    this.stir();
    await this.#refresh(signal);
  }

  /** Something happens here: others may be at work too, so the log is looked at more often for a while. */
  stir(): void {
    this.#pace.stir();
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const { clock, state } = this.#parts;
    state.check();
    const late = () => new StorageUnavailable(`the object store has not answered for ${patience / 1000} s`);
    try {
      await withDeadline(clock, patience, signal, late, () => this.#catchUp.run());
    } catch (error) {
      signal.throwIfAborted();
      state.check();
      throw error instanceof StorageUnavailable
        ? error
        : new StorageUnavailable(`the log cannot be read: ${messageOf(error)}`, { cause: error });
    }
    state.check();
  }

  /** Refreshes for ever, until `life` aborts. */
  async tail(life: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    let told = '';
    while (!life.aborted) {
      const fault = await this.#look(life);
      if (fault !== told && fault !== '' && !life.aborted) log.warn('the catalog cannot follow its log', { cause: fault });
      told = fault;
      await this.#pace.rest(life);
    }
  }

  /** Follows the log to its end. Throws RolledBack where it has a gap. */
  async start(): Promise<void> {
    for (;;) {
      await this.#applyNew();
      const { head } = this.#parts.state;
      const listed = await this.#parts.segments.nextListed(head.n);
      if (listed === undefined) return;
      // A slot can have been filled since it was read as free; but then it can be read now.
      if ((await this.#parts.segments.read(head.n + 1)) === undefined) throw this.#gapUpTo(listed);
    }
  }

  #gapUpTo(listed: number): RolledBack {
    const { segments, state } = this.#parts;
    if (state.head.n === 0) return eatenUpTo(segments, listed);
    return new RolledBack(segments.key(state.head.n + 1), `is missing, but segment ${listed} is there: the log has a gap`, segments);
  }

  async #look(life: AbortSignal): Promise<string> {
    const { clock, interval } = this.#parts;
    if (clock.monotonic() - this.#lastLook < interval) return '';
    try {
      await this.#refresh(life);
      return '';
    } catch (error) {
      return messageOf(error);
    }
  }

  async #applyNew(): Promise<void> {
    const { clock, segments, state } = this.#parts;
    for (let width = 1; ; width = Math.min(2 * width, mostAhead)) {
      const first = state.head.n + 1;
      const slots = await Promise.all(Array.from({ length: width }, (_, i) => segments.read(first + i)));
      this.#lastLook = clock.monotonic();
      for (const [i, bytes] of slots.entries()) {
        if (bytes === undefined) return;
        await state.advance(first + i, segments.key(first + i), bytes, () => segments.read(first + i));
        this.stir();
      }
    }
  }
}
