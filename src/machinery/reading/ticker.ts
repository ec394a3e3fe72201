/** Says when a watch is to send a bookmark, and how far it may speak. */
import type { Clock } from '../../base/clock.ts';

export interface Tick {
  /** The number up to which surely everything was delivered though nothing came lately; undefined: only what was delivered counts. */
  readonly quietAt: number | undefined;
}

/** In milliseconds: between two bookmarks, from the last one to the end, and in which storage surely delivers what it has. */
const every = 60_000;
const beforeEnd = 2_000;
const settling = 1_000;

export class Ticker {
  #waiting = false;
  #quietAt: number | undefined;
  #due = false;
  #wake: () => void = () => {};

  /** Ticks each minute and shortly before `length` milliseconds are over. Resolves when there is nothing more to do. */
  async run(clock: Clock, current: () => number, length: number, signal: AbortSignal): Promise<void> {
    for (let left = length; left > beforeEnd && !signal.aborted;) {
      const pause = Math.min(every, left - beforeEnd);
      const settle = Math.min(settling, pause / 2);
      await clock.sleep(pause - settle, signal);
      this.#quietAt = this.#waiting ? current() : undefined;
      await clock.sleep(settle, signal);
      this.#due = true;
      this.#wake();
      left -= pause;
    }
  }

  /** Waits for an event; resolves to a tick if that is due first, and to undefined when the event has arrived, well or not. */
  async wait(event: Promise<unknown>): Promise<Tick | undefined> {
    this.#waiting = true;
    const ticked = await new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(true);
      const arrived = () => resolve(false);
      event.then(arrived, arrived);
      if (this.#due) resolve(true);
    });
    this.#waiting = false;
    const quietAt = this.#quietAt;
    this.#quietAt = undefined;
    if (!ticked) return undefined;
    this.#due = false;
    return { quietAt };
  }
}

/** Events in their order, and ticks in between. Ends with the events. */
export async function* withTicks<T>(events: AsyncIterable<T>, ticker: Ticker): AsyncGenerator<{ readonly events: T } | Tick> {
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next();
      for (let tick = await ticker.wait(next); tick; tick = await ticker.wait(next)) yield tick;
      const { done, value } = await next;
      if (done) return;
      yield { events: value };
    }
  } finally {
    await iterator.return?.();
  }
}
