/** How far a server is on its way down, and what it is still busy with. */
import type { Clock } from '../base/clock.ts';

export class Drain {
  /** Clients are being sent elsewhere, but all are still served. */
  leaving = false;
  /** What comes now comes too late. */
  stopped = false;
  readonly #endings = new AbortController();
  readonly #emptied = new AbortController();
  #open = 0;

  /** Aborts when streams without an end of their own are to end. */
  get endings(): AbortSignal {
    return this.#endings.signal;
  }

  /** Counts a request until it is disposed of. */
  enter(): Disposable {
    this.#open += 1;
    return { [Symbol.dispose]: () => this.#exit() };
  }

  /** Takes no more requests; resolves when those under way are done, or after `ms` milliseconds, to the number of those left. */
  async stop(clock: Clock, ms: number): Promise<number> {
    this.stopped = true;
    this.#endings.abort(new Error('the server is shutting down'));
    if (this.#open > 0) await clock.sleep(ms, this.#emptied.signal).catch(() => {});
    return this.#open;
  }

  #exit(): void {
    this.#open -= 1;
    if (this.stopped && this.#open === 0) this.#emptied.abort(new Error('nothing is under way'));
  }
}
