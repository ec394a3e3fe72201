/** What was used last, as much of it as fits into so many bytes. */
export class RecentlyUsed<Key, Value> {
  readonly #most: number;
  readonly #bytesOf: (value: Value) => number;
  /** The one that was used last is the last. */
  readonly #values = new Map<Key, Value>();
  #bytes = 0;

  /** `most` bytes in all, by `bytesOf` each, which does not change. */
  constructor(most: number, bytesOf: (value: Value) => number) {
    this.#most = most;
    this.#bytesOf = bytesOf;
  }

  has(key: Key): boolean {
    return this.#values.has(key);
  }

  get(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  /** Answers the value. One that is too large by itself, or there already, is not kept. */
  put(key: Key, value: Value): Value {
    const bytes = this.#bytesOf(value);
    if (bytes > this.#most || this.#values.has(key)) return value;
    this.#values.set(key, value);
    this.#bytes += bytes;
    for (const [oldest, one] of this.#values) {
      if (this.#bytes <= this.#most) break;
      this.#values.delete(oldest);
      this.#bytes -= this.#bytesOf(one);
    }
    return value;
  }
}
