/** A queue between one producer and one consumer. When it holds `bound` values, push waits: nothing is dropped. */

export class BoundedQueue<T> implements AsyncIterable<T> {
  readonly #bound: number;
  readonly #values: T[] = [];
  #state: 'open' | 'ended' | { readonly error: unknown } = 'open';
  #changed = Promise.withResolvers<void>();

  constructor(bound: number) {
    this.#bound = bound;
  }

  /** Takes the value at once and resolves when there is room for the next. Rejects once the queue has failed. */
  async push(value: T): Promise<void> {
    this.#throwIfFailed();
    this.#values.push(value);
    this.#wake();
    while (this.#values.length >= this.#bound) await this.#change();
  }

  /** Nothing follows; the consumer still gets what is there. */
  end(): void {
    if (this.#state === 'open') this.#state = 'ended';
    this.#wake();
  }

  /** Both sides reject with this error; what is still there is lost. */
  fail(error: unknown): void {
    if (typeof this.#state === 'string') this.#state = { error };
    this.#values.length = 0;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      this.#throwIfFailed();
      const value = this.#values.shift();
      if (value !== undefined) {
        this.#wake();
        yield value;
      } else if (this.#state === 'ended') return;
      else await this.#change();
    }
  }

  async #change(): Promise<void> {
    await this.#changed.promise;
    this.#throwIfFailed();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #throwIfFailed(): void {
    if (typeof this.#state !== 'string') throw this.#state.error;
  }
}
