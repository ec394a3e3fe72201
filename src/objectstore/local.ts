/** A store on the local disk, for what can be had again at any time. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import { openDirectory } from './directory/directory.ts';
import { memoryStore } from './memory.ts';
import type { ObjectStore } from './objectstore.ts';
import { StoreError } from './objectstore.ts';

export interface LocalStore {
  readonly store: ObjectStore;
  /** Where the file system is none that a store can be on. */
  readonly isInMemory: boolean;
}

/** In a folder, which is made if need be. */
export async function openLocal(folder: string, parts: { readonly clock: Clock; readonly ids: Ids }): Promise<LocalStore> {
  try {
    return { store: await openDirectory(folder, parts), isInMemory: false };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { store: memoryStore(), isInMemory: true };
  }
}
