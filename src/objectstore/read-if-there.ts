import type { ObjectStore } from './objectstore.ts';
import { StoreNotFound } from './objectstore.ts';

/** The whole object; undefined where there is none. Rejects with any other StoreError. */
export async function readIfThere(store: Pick<ObjectStore, 'read'>, key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await store.read(key, signal);
  } catch (error) {
    if (error instanceof StoreNotFound) return undefined;
    throw error;
  }
}
