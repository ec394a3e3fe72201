/** A cold start: the index from the newest checkpoint that is good, so that only the rest of the log has to be replayed. */
import { messageOf } from '../../base/lifetime.ts';
import type { Log } from '../../base/log.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreUnavailable } from '../../objectstore/objectstore.ts';
import type { Head } from '../state/apply.ts';
import { readCheckpoint } from './checkpoint-format.ts';
import type { ListedCheckpoint } from './checkpoint-list.ts';
import { checkHistory, listCheckpoints } from './checkpoint-list.ts';
import type { IndexStore } from '../local-index/index-store.ts';

export interface LoadParts {
  readonly store: ObjectStore;
  readonly domain: string;
  /** Empty. */
  readonly index: IndexStore;
  readonly log: Log;
}

/** How often one is tried that the store cannot read to its end, as on a bad network. */
const mostTries = 3;

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
    }
  }
}

async function load({ store, domain, index }: LoadParts, { key, n }: ListedCheckpoint, signal: AbortSignal): Promise<Head> {
  const filling = await index.fill();
  try {
    const { body } = await store.stream(key, signal);
    const head = await readCheckpoint(body, {
      begin: (header) => checkHistory(store, { domain, n }, header, signal),
      take: async (block, lines) => {
        signal.throwIfAborted();
        await filling.add(block, lines);
      },
    });
    await filling.end();
    await index.begin(head);
    return head;
  } catch (error) {
    await filling.abandon();
    throw error;
  }
}
