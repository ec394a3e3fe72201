/** How far a server is on its way down, and what it is still busy with. */
import type { Clock } from '../base/clock.ts';

const streamsAtOnce = 100;
/** Milliseconds. */
const pauseBetween = 100;
const goingDown = new Error('the server is shutting down');

export class Drain {
  /** Clients are being sent elsewhere, but all are still served. */
  leaving = false;
  /** What comes now comes too late. */
  stopped = false;
  readonly #streams = new Set<AbortController>();
  #streamsEnded = false;
  readonly #emptied = new AbortController();
  #open = 0;

  /** For a stream without an end of its own, until it is disposed of: aborts when that is to end. */
  stream(): { readonly ending: AbortSignal } & Disposable {
    const controller = new AbortController();
    if (this.#streamsEnded) controller.abort(goingDown);
    this.#streams.add(controller);
    return { ending: controller.signal, [Symbol.dispose]: () => this.#streams.delete(controller) };
  }

  /** Counts a request until it is disposed of. */
  enter(): Disposable {
    this.#open += 1;
    return { [Symbol.dispose]: () => this.#exit() };
  }

  /** Takes no more requests; resolves when those under way are done, or after `ms` milliseconds, to the number of those left. */
  async stop(clock: Clock, ms: number): Promise<number> {
    this.stopped = true;
    void this.#endStreams(clock);
    if (this.#open > 0) await clock.sleep(ms, this.#emptied.signal).catch(() => {});
    return this.#open;
  }

  /** Not all at one moment, because each of their clients comes again at once, to another server. */
  async #endStreams(clock: Clock): Promise<void> {
    let ended = 0;
    for (const stream of this.#streams) {
      stream.abort(goingDown);
      ended += 1;
      if (ended % streamsAtOnce === 0) await clock.sleep(pauseBetween, new AbortController().signal);
    }
    this.#streamsEnded = true;
  }

  #exit(): void {
    this.#open -= 1;
    if (this.stopped && this.#open === 0) this.#emptied.abort(new Error('nothing is under way'));
  }
}
