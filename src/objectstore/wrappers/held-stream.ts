/**
 * A stream that holds a slot. The slot is given back when the body ends or fails, when its reader leaves it or its signal aborts,
 * and when the reader, never having begun or in the middle, asks for nothing for too long: then the request is ended, and whoever
 * asks again gets StoreUnavailable. The body is left whenever it has not come to its end.
 */
import type { Clock } from '../../base/clock.ts';
import type { ByteStream } from '../objectstore.ts';
import { StoreUnavailable } from '../objectstore.ts';

export interface Hold {
  readonly slot: Disposable;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly idle: number;
  /** Names the object in messages. */
  readonly what: string;
}

/** Opens by `open`, with a signal that ends the request when the slot has to be given back. */
export async function holdStream(hold: Hold, signal: AbortSignal, open: (signal: AbortSignal) => Promise<ByteStream>): Promise<ByteStream> {
  const held = new HeldStream(hold, signal);
  try {
    const { size, body } = await open(held.signal);
    return { size, body: held.reading(body) };
  } catch (error) {
    held.release();
    throw error;
  }
}

class HeldStream implements AsyncIterableIterator<Uint8Array> {
  readonly #hold: Hold;
  readonly #caller: AbortSignal;
  readonly #over = new AbortController();
  readonly #abort = () => this.#cut(this.#caller.reason);
  #body: AsyncIterator<Uint8Array> | undefined;
  #asked = new AbortController();

  constructor(hold: Hold, caller: AbortSignal) {
    this.#hold = hold;
    this.#caller = caller;
    if (caller.aborted) this.#abort();
    caller.addEventListener('abort', this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  reading(body: AsyncIterable<Uint8Array>): this {
    this.#body = body[Symbol.asyncIterator]();
    this.#waitForReader();
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    this.signal.throwIfAborted();
    this.#asked.abort(inTime);
    try {
      const next = (await this.#body?.next()) ?? ended;
      if (next.done) this.release();
      else this.#waitForReader();
      return next;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await this.#end(new Error('its reader has left it'));
    return ended;
  }

  release(): void {
    this.#caller.removeEventListener('abort', this.#abort);
    this.#asked.abort(inTime);
    this.#hold.slot[Symbol.dispose]();
  }

  #waitForReader(): void {
    if (this.signal.aborted) return;
    const { clock, idle, what } = this.#hold;
    const cut = () => this.#cut(new StoreUnavailable(`${what}: was cut, as nobody read it for ${idle / 1000} s`));
    this.#asked = new AbortController();
    clock.sleep(idle, this.#asked.signal).then(cut, () => {});
  }

  /** Not waited for: a body in the middle of a step takes it only after that. */
  #cut(reason: unknown): void {
    this.#end(reason).catch(() => {});
  }

  /** The signal too, since a body that nobody began to read does not hear that it is left. */
  async #end(reason: unknown): Promise<void> {
    this.#over.abort(reason);
    this.release();
    await this.#body?.return?.();
  }
}

const ended: IteratorResult<Uint8Array> = { done: true, value: undefined };
/** Seen by nobody; made once, since it is needed for every piece. */
const inTime = new Error('asked in time');
