/** A bound on what goes on at once, in all and for each group: the next one is of a group that has the least. */

interface Waiter {
  readonly admit: () => void;
}

interface Group {
  held: number;
  readonly waiting: Set<Waiter>;
}

export class Shares {
  readonly #each: number;
  /** Those that hold or wait; of two that hold as much the first one is next. */
  readonly #groups = new Map<string, Group>();
  #free: number;

  /** `all` at once, and `each` of one group. */
  constructor(all: number, each: number) {
    this.#free = all;
    this.#each = each;
  }

  /** Resolves when there is room, which is given back when the answer is disposed of. Rejects when the signal aborts, with its reason. */
  async enter(name: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const group = this.#groups.get(name) ?? { held: 0, waiting: new Set() };
    this.#groups.set(name, group);
    await this.#turn(name, group, signal);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#free++;
        group.held--;
        this.#forget(name, group);
        this.#admit();
      },
    };
  }

  #turn(name: string, group: Group, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        group.waiting.delete(waiter);
        this.#forget(name, group);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const admit = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiter = { admit };
      group.waiting.add(waiter);
      signal.addEventListener('abort', leave, { once: true });
      this.#admit();
    });
  }

  #admit(): void {
    while (this.#free > 0) {
      const [name, group] = this.#next() ?? [];
      const [waiter] = group?.waiting ?? [];
      if (name === undefined || group === undefined || waiter === undefined) return;
      group.waiting.delete(waiter);
      group.held++;
      this.#free--;
      this.#groups.delete(name);
      this.#groups.set(name, group);
      waiter.admit();
    }
  }

  #next(): readonly [name: string, group: Group] | undefined {
    const waiting = [...this.#groups].filter(([, { held, waiting }]) => held < this.#each && waiting.size > 0);
    return waiting.toSorted(([, one], [, other]) => one.held - other.held)[0];
  }

  #forget(name: string, { held, waiting }: Group): void {
    if (held === 0 && waiting.size === 0) this.#groups.delete(name);
  }
}
