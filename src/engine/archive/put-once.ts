/** Writing a file that nobody else writes, and knowing afterwards that it is there. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreConflict, StoreUnavailable } from '../../objectstore/objectstore.ts';

/** After a write of unknown outcome the file is read back. Rejects with StoreConflict when it is there with other content. */
export async function putOnce(store: ObjectStore, key: string, body: Uint8Array, signal: AbortSignal): Promise<void> {
  const outcome = await store.putIfAbsent(key, body, signal).catch((error: unknown) => {
    if (error instanceof StoreUnavailable) return error;
    throw error;
  });
  if (outcome === 'created') return;
  const found = await store.read(key, signal).catch((error: unknown) => {
    throw outcome === 'exists' ? error : outcome;
  });
  if (Buffer.compare(found, body) !== 0) throw new StoreConflict(`${key} exists already`);
}
