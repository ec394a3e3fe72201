/** Hands every change to those who watch for it, and tells those who wait for a number that it is there. */
import type { StoredEvent, WatchQuery } from '../../machinery/storage.ts';
import { StorageExpired } from '../../machinery/storage.ts';

/** Events that may wait for one watcher, and characters of all of them; then it has to list again. */
const mostWaiting = 1000;
const mostCharacters = 64 * 1024 * 1024;
/** Handed out together, but for a single event that is longer. */
const charactersAtOnce = 128 * 1024;

export class WatchHub {
  readonly #watchers = new Set<Watcher>();
  readonly #waiting = new Set<{ readonly rv: number; readonly settle: (end: Error | undefined) => void }>();

  /** A watcher of every change after this moment whose number is above `query.since`. To be removed. */
  add(query: WatchQuery): Watcher {
    const watcher = new Watcher(query);
    this.#watchers.add(watcher);
    return watcher;
  }

  remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  publish(events: readonly StoredEvent[], rv: number): void {
    for (const watcher of this.#watchers) for (const event of events) watcher.offer(event);
    for (const waiter of this.#waiting) if (waiter.rv <= rv) waiter.settle(undefined);
  }

  /** Ends all watchers: they have to list again. */
  expire(why: string): void {
    for (const watcher of this.#watchers) watcher.end(new StorageExpired(why));
  }

  /** Resolves when number `rv` is published. */
  reached(rv: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => waiter.settle(signal.reason as Error);
      const waiter = {
        rv,
        settle: (end: Error | undefined) => {
          this.#waiting.delete(waiter);
          signal.removeEventListener('abort', abort);
          if (end === undefined) resolve();
          else reject(end);
        },
      };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  /** Ends everybody with `cause`. */
  end(cause: Error): void {
    for (const watcher of this.#watchers) watcher.end(cause);
    for (const waiter of this.#waiting) waiter.settle(cause);
  }
}

export class Watcher {
  readonly #query: WatchQuery;
  #events: StoredEvent[] = [];
  #characters = 0;
  #end: Error | undefined;
  #wake = () => {};

  constructor(query: WatchQuery) {
    this.#query = query;
  }

  offer(event: StoredEvent): void {
    const { resource, namespace, since } = this.#query;
    const isWanted = event.key.resource === resource && (namespace === undefined || event.key.namespace === namespace) && event.rv > since;
    if (!isWanted || this.#end !== undefined) return;
    this.#events.push(event);
    this.#characters += charactersOf(event);
    if (this.#events.length > mostWaiting || this.#characters > mostCharacters)
      this.end(new StorageExpired(`the watch fell behind by more than ${mostWaiting} changes or ${mostCharacters} characters`));
    this.#wake();
  }

  end(cause: Error): void {
    this.#end ??= cause;
    this.#events = [];
    this.#wake();
  }

  /** All that is offered, some at a time, until the signal aborts. Rejects with what ended the watcher. */
  async *events(signal: AbortSignal): AsyncGenerator<readonly StoredEvent[]> {
    const abort = () => this.#wake();
    signal.addEventListener('abort', abort, { once: true });
    try {
      for (let some = await this.#next(signal); some.length > 0; some = await this.#next(signal)) yield some;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The oldest events, or none once the signal has aborted. */
  async #next(signal: AbortSignal): Promise<readonly StoredEvent[]> {
    while (!signal.aborted) {
      if (this.#end !== undefined) throw this.#end;
      if (this.#events.length > 0) return this.#take();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return [];
  }

  #take(): readonly StoredEvent[] {
    let [count, characters] = [0, 0];
    for (const event of this.#events) {
      if (count > 0 && characters + charactersOf(event) > charactersAtOnce) break;
      count += 1;
      characters += charactersOf(event);
    }
    this.#characters -= characters;
    return this.#events.splice(0, count);
  }
}

const charactersOf = ({ json, before = '' }: StoredEvent) => json.length + before.length;
