/** The stores that BackupStores describe, opened when they are needed first, and again when they are checked and described otherwise by then. */
import type { Clock } from '../../base/clock.ts';
import { messageOf, unlessAborted, withDeadline } from '../../base/lifetime.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { ApiError, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Objects } from '../../machinery/objects.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreError, StoreUnavailable } from '../../objectstore/objectstore.ts';
import type { OpenedStore } from '../../objectstore/open.ts';
import { foundWhenUsed } from '../../objectstore/wrappers/found-when-used.ts';
import { backupStores } from '../../resources/backup-store.ts';
import type { BackupStore } from '../../resources/backup-store.ts';
import { defaultStore } from '../../resources/store-name.ts';
import { descriptionOf, placeOf } from './place.ts';
import type { Place, PlaceParts } from './place.ts';
import type { Stores } from './stores.ts';

type Opened = Pick<OpenedStore, 'store' | 'readOnly'>;

export interface BackupStoresParts extends Omit<PlaceParts, 'cluster'> {
  /** The one that Kylon was started with, which is open. */
  readonly own: { readonly store: ObjectStore; readonly url: string };
  readonly objects: Pick<Objects, 'get'>;
  /** Once it is connected: Secrets are read as Kylon itself. */
  readonly cluster: Promise<Pick<Cluster, 'get'>>;
  readonly clock: Clock;
  /** Proves the store, too. Rejects with a StoreError. */
  readonly open: (place: Pick<Place, 'url' | 'env' | 'ca'>, signal: AbortSignal) => Promise<Opened>;
}

/** Milliseconds. */
const openWithin = 30_000;

interface Current extends Pick<Place, 'description' | 'secret'> {
  readonly store: ObjectStore;
}

export class BackupStores implements Stores, AsyncDisposable {
  readonly #parts: BackupStoresParts;
  readonly #current: Map<string, Current>;
  readonly #opening = new Map<string, Promise<Opened>>();
  /** Closed with the process, and not sooner: somebody may still be reading from one that was replaced. */
  readonly #opened = new AsyncDisposableStack();
  /** Ends what is being opened. */
  readonly #over = new AbortController();

  constructor(parts: BackupStoresParts) {
    this.#parts = parts;
    this.#current = new Map([[defaultStore, { store: parts.own.store, description: '', secret: '' }]]);
  }

  get defaultUrl(): string {
    return this.#parts.own.url;
  }

  named(name: string): ObjectStore {
    if (name === defaultStore) return this.#parts.own.store;
    return foundWhenUsed(`backupstores/${name}`, async (signal) => {
      const { store } = this.#current.get(name) ?? (await this.#open(name, signal));
      return store;
    });
  }

  forget(name: string): void {
    this.#current.delete(name);
  }

  isOpen(store: KubeObject): boolean {
    return this.#current.get(store.metadata.name)?.description === descriptionOf(store);
  }

  async faultOf(name: string, signal: AbortSignal): Promise<string | undefined> {
    // One that has begun before this call may have read what has changed since.
    await unlessAborted(Promise.allSettled([this.#opening.get(name)]), signal);
    try {
      const { readOnly } = await this.#open(name, signal);
      return readOnly === undefined ? undefined : `it cannot be written: ${readOnly}`;
    } catch (error) {
      if (error instanceof StoreUnavailable && !signal.aborted) return messageOf(error.cause);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error('Kylon has ended'));
    await Promise.allSettled(this.#opening.values());
    await this.#opened.disposeAsync();
  }

  /** Once for all who ask meanwhile; who goes away leaves it to the others. Rejects with StoreUnavailable, whose cause says what is wrong. */
  #open(name: string, signal: AbortSignal): Promise<Opened> {
    const opening = this.#opening.get(name) ?? this.#openAnew(name).finally(() => this.#opening.delete(name));
    this.#opening.set(name, opening);
    return unlessAborted(opening, signal);
  }

  async #openAnew(name: string): Promise<Opened> {
    const late = () => new StoreError(`it was not open within ${openWithin / 1_000} s`);
    try {
      return await withDeadline(this.#parts.clock, openWithin, this.#over.signal, late, (signal) => this.#openWithin(name, signal));
    } catch (error) {
      if (!(error instanceof StoreError || error instanceof ClusterError || error instanceof ApiError)) throw error;
      throw new StoreUnavailable(`the BackupStore ${quote(name)} cannot be used: ${messageOf(error)}`, { cause: error });
    }
  }

  /** One that is open as it is described stays: the new one has proved it. */
  async #openWithin(name: string, signal: AbortSignal): Promise<Opened> {
    const { url, env, ca, ...version } = await this.#placeOf(name, signal);
    const { store, readOnly } = await this.#parts.open({ url, env, ca }, signal);
    const current = this.#current.get(name);
    const isSame = current?.description === version.description && current.secret === version.secret;
    if (!isSame && !signal.aborted) {
      this.#current.set(name, { ...version, store: this.#opened.adopt(store, (one) => one.close()) });
      return { store, readOnly };
    }
    await store.close();
    signal.throwIfAborted();
    return { store: current?.store ?? store, readOnly };
  }

  async #placeOf(name: string, signal: AbortSignal): Promise<Place> {
    const { own, env, objects, cluster } = this.#parts;
    if (name === defaultStore) return { url: own.url, env, ca: undefined, description: '', secret: '' };
    const found = await objects.get(backupStores, '', name, signal);
    if (!found) throw new StoreError('there is none of that name');
    return placeOf(found as BackupStore, { ...this.#parts, cluster: await cluster }, signal);
  }
}
