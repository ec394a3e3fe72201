/**
 * A catalog that comes back. One that has met a fault (an index that cannot be written, a segment that cannot be read)
 * answers nothing any more, since all that follows could be wrong; it is closed and opened anew until that succeeds.
 */
import { messageOf } from '../base/lifetime.ts';
import type { Change, ListQuery, ObjectKey, Storage, Stored, StoredEvent, StoredPage, WatchQuery } from '../machinery/storage.ts';
import type { Catalog, CatalogOptions } from './catalog.ts';
import { openCatalog } from './catalog.ts';
import { CatalogFault } from './fault.ts';

/** Milliseconds between two tries: doubled each time, up to the last. */
const firstPause = 500;
const lastPause = 30_000;

/** Rejects as openCatalog does: at the start a fault is told, not waited for. */
export async function openLastingCatalog(options: CatalogOptions): Promise<LastingCatalog> {
  return new LastingCatalog(options, await openCatalog(options).catch((error: unknown) => withStore(error, options.store.name)));
}

/** A fault names an object; who starts with the wrong store needs its name too. */
function withStore(error: unknown, store: string): never {
  if (!(error instanceof CatalogFault) || error.message.includes(store)) throw error;
  throw new Error(`${store}: ${error.message}`, { cause: error });
}

export class LastingCatalog implements Storage {
  readonly #options: CatalogOptions;
  readonly #closing = new AbortController();
  readonly #mending: Promise<void>;
  #catalog: Catalog;

  constructor(options: CatalogOptions, first: Catalog) {
    this.#options = options;
    this.#catalog = first;
    this.#mending = this.#mend();
  }

  /** As Catalog.readOnly. */
  get readOnly(): string | undefined {
    return this.#catalog.readOnly;
  }

  get(key: ObjectKey, signal: AbortSignal): Promise<Stored | undefined> {
    return this.#catalog.get(key, signal);
  }

  peek(key: ObjectKey): Stored | undefined {
    return this.#catalog.peek(key);
  }

  list(query: ListQuery, signal: AbortSignal): Promise<StoredPage> {
    return this.#catalog.list(query, signal);
  }

  write(change: Change, signal: AbortSignal): Promise<number> {
    return this.#catalog.write(change, signal);
  }

  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly StoredEvent[]> {
    return this.#catalog.watch(query, signal);
  }

  current(): number {
    return this.#catalog.current();
  }

  latest(signal: AbortSignal): Promise<number> {
    return this.#catalog.latest(signal);
  }

  /** As Catalog.close. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the catalog is closed'));
    await this.#catalog.close();
    await this.#mending;
  }

  async #mend(): Promise<void> {
    const { log } = this.#options;
    for (;;) {
      const cause = await this.#catalog.ended;
      if (this.#closing.signal.aborted) return;
      log.error('the catalog has met a fault and is opened anew', { error: cause.message });
      await this.#catalog.close();
      if (!(await this.#reopen())) return;
      log.info('the catalog is open again');
    }
  }

  /** False when it is not wanted any more. */
  async #reopen(): Promise<boolean> {
    const { clock, log } = this.#options;
    const { signal } = this.#closing;
    for (let pause = firstPause; !signal.aborted; pause = Math.min(pause * 2, lastPause)) {
      await clock.sleep(pause, signal).catch(() => {});
      try {
        if (!signal.aborted) this.#catalog = await openCatalog({ ...this.#options, signal });
        return !signal.aborted;
      } catch (error) {
        if (signal.aborted) return false;
        log.error('the catalog cannot be opened', { error: messageOf(error) });
        this.#catalog.explain(new Error(messageOf(error), { cause: error }));
      }
    }
    return false;
  }
}
