/** Shows the store that Kylon was started with, checks each BackupStore when it is made or changed and from time to time, and lets go of those that were deleted. */
import { messageOf } from '../../base/lifetime.ts';
import { ApiError } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectRef } from '../../machinery/objects.ts';
import { kylonUser } from '../../machinery/user.ts';
import type { BackupStore } from '../../resources/backup-store.ts';
import { apiVersion, dataFinalizer } from '../../resources/group.ts';
import { defaultStore } from '../../resources/store-name.ts';
import type { EngineParts } from '../parts.ts';
import { persistent } from '../runs/persist.ts';
import { WorkQueue } from '../runs/queue.ts';
import { isDeleted, refOf } from '../runs/run-status.ts';
import { checkStore, recordCheck } from './check-store.ts';

const queueLimit = 1_000;
const atOnce = 4;
/** Milliseconds between two checks of a store that was found to be of use, and of one that was not. */
const checkEvery = 600_000;
const checkAgain = 60_000;
/** Milliseconds until it is looked whether a store that was deleted is still used. */
const lookAgain = 10_000;
const watchAgain = 1_000;

export class StoreKeeper {
  readonly #parts: EngineParts;
  readonly #queue: WorkQueue<ObjectRef>;
  /** The generation of each that was seen last, by uid. */
  readonly #seen = new Map<string, number | undefined>();

  constructor(parts: EngineParts) {
    const { clock, log } = parts;
    this.#parts = parts;
    this.#queue = new WorkQueue<ObjectRef>({
      name: 'the check of a BackupStore',
      concurrency: atOnce,
      limit: queueLimit,
      clock,
      log,
      groupOf: ({ name }) => name,
      work: (target, signal) => this.#look(target, signal),
    });
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#queue.run(signal), this.#follow(signal), this.#showDefault(signal)]);
  }

  async #showDefault(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    await persistent(clock, signal, () => showDefault(this.#parts, signal)).catch((error: unknown) => {
      if (!signal.aborted) log.warn('the default store is not shown', { error: messageOf(error) });
    });
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { objects, backupStores, clock, log } = this.#parts;
    while (!signal.aborted) {
      try {
        for await (const { type, object } of objects.watch(backupStores, signal)) this.#see(object, type === 'DELETED');
      } catch (error) {
        if (!signal.aborted) log.warn('BackupStores are watched again', { error: messageOf(error) });
      }
      await clock.sleep(watchAgain, signal).catch(() => {});
    }
  }

  /** What a check writes is no reason for another one. */
  #see(object: KubeObject, gone: boolean): void {
    const target = refOf(object);
    const { generation } = object.metadata;
    const isKnown = this.#seen.get(target.uid) === generation && !isDeleted(object);
    if (gone) this.#forget(target);
    else if (!isKnown && object.metadata.name !== defaultStore && this.#queue.add(target.uid, target))
      this.#seen.set(target.uid, generation);
  }

  #forget({ uid, name }: ObjectRef): void {
    this.#seen.delete(uid);
    this.#parts.stores.forget(name);
  }

  /** Resolves to the milliseconds after which to look again. */
  async #look(target: ObjectRef, signal: AbortSignal): Promise<number | undefined> {
    const { objects, backupStores } = this.#parts;
    const store = await objects.get(backupStores, '', target.name, signal);
    if (store?.metadata.uid !== target.uid || !store) return undefined;
    if (isDeleted(store)) return this.#letGo(store as BackupStore, signal);
    const { status } = await checkStore(this.#parts, store, signal);
    return status?.phase === 'Available' ? checkEvery : checkAgain;
  }

  /** Whoever came to use it before it was deleted keeps it. */
  async #letGo(store: BackupStore, signal: AbortSignal): Promise<number | undefined> {
    const { objects, backupStores } = this.#parts;
    const users = await objects.usersOf(backupStores, store, signal);
    if (users === undefined) await objects.update(backupStores, refOf(store), 'object', withoutFinalizer, signal);
    else if (store.status?.message !== users) await recordCheck(this.#parts, store, users, signal);
    return users === undefined ? undefined : lookAgain;
  }
}

/** As the flags of this process say. */
async function showDefault(parts: EngineParts, signal: AbortSignal): Promise<void> {
  const { objects, backupStores, stores } = parts;
  const spec = { url: stores.defaultUrl };
  const wanted = { apiVersion, kind: backupStores.kind, metadata: { name: defaultStore }, spec };
  await objects.create(backupStores, wanted, kylonUser, { dryRun: false }, signal).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
  });
  const found = await objects.get(backupStores, '', defaultStore, signal);
  if (!found) return;
  const shown = await objects.update(backupStores, refOf(found), 'object', (object) => ({ ...object, spec }), signal);
  // It was opened and proved when the process began.
  if (shown) await recordCheck(parts, shown as BackupStore, undefined, signal);
}

function withoutFinalizer(object: KubeObject): KubeObject {
  const { finalizers = [], ...metadata } = object.metadata;
  return { ...object, metadata: { ...metadata, finalizers: finalizers.filter((one) => one !== dataFinalizer) } };
}
