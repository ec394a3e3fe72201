/** Hands every change to those who watch for it, and tells those who wait for a number that it is there. */
import type { StoredEvent, WatchQuery } from '../../machinery/storage.ts';
import { StorageExpired } from '../../machinery/storage.ts';

/** Events that may wait for one watcher, and characters of all of them; then it has to list again. */
const mostWaiting = 1000;
const mostCharacters = 64 * 1024 * 1024;

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

  /** All that is offered, until the signal aborts. Rejects with what ended the watcher. */
  async *events(signal: AbortSignal): AsyncGenerator<StoredEvent> {
    const abort = () => this.#wake();
    signal.addEventListener('abort', abort, { once: true });
    try {
      for (let event = await this.#next(signal); event !== undefined; event = await this.#next(signal)) yield event;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** The oldest event, or undefined once the signal has aborted. */
  async #next(signal: AbortSignal): Promise<StoredEvent | undefined> {
    while (!signal.aborted) {
      if (this.#end !== undefined) throw this.#end;
      const event = this.#events.shift();
      this.#characters -= event ? charactersOf(event) : 0;
      if (event !== undefined) return event;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return undefined;
  }
}

const charactersOf = ({ json, before = '' }: StoredEvent) => json.length + before.length;
