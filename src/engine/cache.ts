/** A bounded memory of what was asked: the key asked longest ago is forgotten first, and a failure at once. */

export class Cache<T> {
  readonly #limit: number;
  readonly #entries = new Map<string, Promise<T>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What `load` gave for this key, asked once for all who ask meanwhile. */
  get(key: string, load: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? load();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > this.#limit && oldest !== undefined) this.#entries.delete(oldest);
    return entry;
  }
}
