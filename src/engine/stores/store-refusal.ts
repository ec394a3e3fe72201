/** What has to hold of a store before work begins whose data is to lie in it. */
import { notFound, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { BackupStore } from '../../resources/backup-store.ts';
import { defaultStore, storeNameOf, storeResource } from '../../resources/store-name.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { isDeleted } from '../runs/run-status.ts';
import { checkStore } from './check-store.ts';

/**
 * Why work cannot begin: its store is gone, or cannot be written. Undefined where it can. One that was not found to be Available, or is not open yet, is
 * tried once more. The object has its store in its status by now: so either this sees that the store is being deleted, or whoever deletes it sees the object.
 */
export async function storeRefusal(parts: EngineParts, object: KubeObject, signal: AbortSignal): Promise<RunFailed | undefined> {
  const name = storeNameOf(object);
  // It holds the catalog, too: without it nobody comes so far.
  if (name === defaultStore) return undefined;
  const store = (await parts.objects.get(parts.backupStores, '', name, signal)) as BackupStore | undefined;
  if (!store) return new RunFailed('StoreNotFound', notFound(storeResource, name).message);
  if (isDeleted(store)) return new RunFailed('StoreNotFound', `the BackupStore ${quote(name)} is being deleted`);
  if (isAvailable(store) && parts.stores.isOpen(store)) return undefined;
  const { status } = await checkStore(parts, store, signal);
  if (status?.phase === 'Available') return undefined;
  return new RunFailed('StoreUnavailable', `the BackupStore ${quote(name)} cannot be used: ${status?.message ?? ''}`);
}

const isAvailable = ({ metadata, status }: BackupStore) =>
  status?.phase === 'Available' && status.observedGeneration === metadata.generation;
