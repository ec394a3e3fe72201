/** Where data lies: the store that Kylon was started with, and each BackupStore. */
import type { KubeObject } from '../../machinery/object.ts';
import type { Objects } from '../../machinery/objects.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { RepositoryName } from '../../repository/repositories.ts';
import { defaultStore, storeNameOf } from '../../resources/store-name.ts';

export interface Stores {
  /** Of the store that Kylon was started with. */
  readonly defaultUrl: string;
  /** Nothing is asked before it is used: then, where there is no such store, or it cannot be opened, calls reject with StoreUnavailable. */
  named(name: string): ObjectStore;
  /**
   * Opens the store anew, as it is described now, and proves that it keeps its promises; from then on it is used so. Resolves to why it cannot be
   * used, or not be written, and to undefined where it can.
   */
  faultOf(name: string, signal: AbortSignal): Promise<string | undefined>;
  /** The BackupStore is gone: one that gets its name is another one. */
  forget(name: string): void;
  /** Whether it is open as this BackupStore describes it. */
  isOpen(store: KubeObject): boolean;
}

/** The store with the data of an object. */
export const storeOf = ({ stores }: { readonly stores: Stores }, object: KubeObject): ObjectStore => stores.named(storeNameOf(object));

/** The repository with what was moved of a Snapshot, or is to be. */
export const repositoryOf = (snapshot: KubeObject): RepositoryName => ({
  storeName: storeNameOf(snapshot),
  namespace: snapshot.metadata.namespace ?? '',
});

/** The names of all stores. */
export async function storeNames(
  { objects, backupStores }: { readonly objects: Objects; readonly backupStores: ResourceDefinition },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = await objects.list(backupStores, {}, signal);
  return [...new Set([defaultStore, ...found.map(({ metadata }) => metadata.name)])];
}
