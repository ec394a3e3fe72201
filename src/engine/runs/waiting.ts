/** What waits for a worker: by key, and taken by turns, one of each group after the other, so that no group waits for all of another. */

export class Waiting<T> {
  readonly #groupOf: (item: T) => string;
  readonly #items = new Map<string, T>();
  /** The keys of each group in the order in which they came; the group whose turn it is comes first. */
  readonly #groups = new Map<string, Set<string>>();

  constructor(groupOf: (item: T) => string) {
    this.#groupOf = groupOf;
  }

  get size(): number {
    return this.#items.size;
  }

  has(key: string): boolean {
    return this.#items.has(key);
  }

  /** Keeps its place where it waits already. */
  set(key: string, item: T): void {
    this.#items.set(key, item);
    const group = this.#groupOf(item);
    const keys = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, keys.add(key));
  }

  /** The next one of a group that is open, which waits no longer. */
  take(isOpen: (group: string) => boolean): readonly [key: string, item: T] | undefined {
    for (const [group, keys] of this.#groups)
      for (const key of isOpen(group) ? keys : []) {
        const item = this.#items.get(key) as T;
        this.#items.delete(key);
        keys.delete(key);
        this.#groups.delete(group);
        if (keys.size > 0) this.#groups.set(group, keys);
        return [key, item];
      }
    return undefined;
  }
}
