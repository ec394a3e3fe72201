/** How many requests of each namespace are in hand: of the room for all of them no namespace takes more than a part. */
import { Refused, comeAgain } from './exchange.ts';

/** Of the 400 that are in hand at once; 20 movers of five connections. */
const mostOfOne = 100;

export class InHand {
  readonly #counts = new Map<string, number>();

  /** Until the signal aborts. Throws Refused 429. */
  take(namespace: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    const count = this.#counts.get(namespace) ?? 0;
    if (count >= mostOfOne) throw new Refused(429, `${mostOfOne} requests of the namespace are in hand already`, comeAgain);
    this.#counts.set(namespace, count + 1);
    signal.addEventListener('abort', () => this.#leave(namespace), { once: true });
  }

  #leave(namespace: string): void {
    const left = (this.#counts.get(namespace) ?? 1) - 1;
    if (left > 0) this.#counts.set(namespace, left);
    else this.#counts.delete(namespace);
  }
}
