/** A bound on what goes on at once: whoever finds no free slot waits, first come, first served. */
import { StoreUnavailable } from './objectstore.ts';

interface Waiter {
  readonly admit: () => void;
}

export class Slots {
  readonly #mostWaiting: number;
  readonly #waiting = new Set<Waiter>();
  #free: number;

  /** With `mostWaiting` that wait, the next is refused at once. */
  constructor(slots: number, mostWaiting: number) {
    this.#free = slots;
    this.#mostWaiting = mostWaiting;
  }

  /** Resolves with a slot, which is free again when it is disposed of. Rejects when the signal aborts, and with StoreUnavailable. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    return this.#slot();
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#mostWaiting)
      return Promise.reject(new StoreUnavailable(`${this.#mostWaiting} requests to the store wait already`));
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const admit = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiter = { admit };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #slot(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#pass();
        held = false;
      },
    };
  }

  /** A slot goes to who waits longest, without being free in between. */
  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else {
      this.#waiting.delete(next);
      next.admit();
    }
  }
}
