/** A cold start: the index from the newest checkpoint that is good, so that only the rest of the log has to be replayed. */
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreUnavailable } from '../../objectstore/objectstore.ts';
import type { Head } from '../state/apply.ts';
import type { Entry } from './checkpoint-format.ts';
import { readCheckpoint } from './checkpoint-format.ts';
import type { ListedCheckpoint } from './checkpoint-list.ts';
import { checkHistory, listCheckpoints } from './checkpoint-list.ts';
import type { IndexStore } from '../local-index/index-store.ts';
import type { KvOp } from '../local-index/kv.ts';

export interface LoadParts {
  readonly store: ObjectStore;
  readonly domain: string;
  /** Empty. */
  readonly index: IndexStore;
  readonly log: Log;
}

/** How often one is tried that the store cannot read to its end, as on a bad network. */
const mostTries = 3;
/** Characters that go into the index at once. With a million objects, batches of single blocks take half as long again. */
const batchLength = 512 * 1024;

/**
 * Fills the index and answers where it stands; undefined where there is no good checkpoint, and then the index is empty still.
 * One that is torn, damaged or not of this log is told in the log of the program and passed over.
 */
export async function loadCheckpoint(parts: LoadParts, signal: AbortSignal): Promise<Head | undefined> {
  const tries = new Map<string, number>();
  for (;;) {
    // Listed anew each time: what was the oldest good one may meanwhile have been deleted for a newer one.
    const candidates = await listCheckpoints(parts.store, parts.domain, signal);
    const next = candidates.findLast(({ key }) => (tries.get(key) ?? 0) < mostTries);
    if (next === undefined) return undefined;
    try {
      return await load(parts, next, signal);
    } catch (error) {
      signal.throwIfAborted();
      tries.set(next.key, error instanceof StoreUnavailable ? (tries.get(next.key) ?? 0) + 1 : mostTries);
      parts.log.warn('a checkpoint cannot be used', { checkpoint: next.key, cause: messageOf(error) });
      await parts.index.clear();
    }
  }
}

async function load({ store, domain, index }: LoadParts, { key, n }: ListedCheckpoint, signal: AbortSignal): Promise<Head> {
  const filling = new Filling(index);
  const { body } = await store.stream(key, signal);
  try {
    const head = await readCheckpoint(body, {
      begin: (header) => checkHistory(store, { domain, n }, header, signal),
      take: async (entries) => {
        signal.throwIfAborted();
        await filling.add(entries);
      },
    });
    await filling.end();
    await index.begin(head);
    return head;
  } finally {
    await filling.settled();
  }
}

/** Batches that are being put while the next one is read. */
const mostRunning = 2;

/** Puts entries into an index in large batches. */
class Filling {
  readonly #index: IndexStore;
  #batch: KvOp[] = [];
  #length = 0;
  #running: readonly Promise<void>[] = [];

  constructor(index: IndexStore) {
    this.#index = index;
  }

  async add(entries: readonly Entry[]): Promise<void> {
    for (const [key, value] of entries) {
      this.#batch.push({ type: 'put', key, value });
      this.#length += key.length + value.length;
    }
    if (this.#length >= batchLength) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#running);
  }

  /** Waits until nothing is being put, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #flush(): Promise<void> {
    if (this.#running.length === mostRunning) await this.#running[0];
    const last = this.#index.fill(this.#batch);
    last.catch(() => {});
    this.#running = [...this.#running, last].slice(-mostRunning);
    this.#batch = [];
    this.#length = 0;
  }
}
