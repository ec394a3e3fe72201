/** A cold start: the index from the newest checkpoint that is good, so that only the rest of the log has to be replayed. */
import type { Log } from '../base/log.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import type { Head } from './apply.ts';
import type { IndexStore } from './index-store.ts';

export interface LoadParts {
  readonly store: ObjectStore;
  readonly domain: string;
  /** Empty. */
  readonly index: IndexStore;
  readonly log: Log;
}

/**
 * Fills the index and answers where it stands; undefined where there is no good checkpoint, and then the index is empty still.
 * One that is torn, damaged or not of this log is told in the log of the program and passed over.
 */
export async function loadCheckpoint(_parts: LoadParts, _signal: AbortSignal): Promise<Head | undefined> {
  return undefined;
}
