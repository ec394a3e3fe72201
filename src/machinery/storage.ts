/**
 * What the machinery asks of whoever keeps the objects. The catalog implements it.
 *
 * Every write gets a number, the resourceVersion: dense, total, rising, over all kinds, replicas and restarts. Objects are
 * kept as JSON text *without* metadata.resourceVersion, in the form that encode.ts makes; the number is put in on the way out.
 */

/** The number of an empty storage, as etcd's: to clients a list with resourceVersion 0 would mean something else. */
export const emptyNumber = 1;

export interface Storage {
  /** The object as it is now: it holds every write that anybody acknowledged before this call began. */
  get(key: ObjectKey, signal: AbortSignal): Promise<Stored | undefined>;
  /** The object as this process knows it, without asking the store whether it is the newest. For resourceVersion=0. */
  peek(key: ObjectKey): Stored | undefined;
  /**
   * A page of a resource, all of it as it was at one number. Rejects with StorageExpired when `at` is older than the history
   * kept, and with StorageFuture when it is not reached within 3 seconds.
   */
  list(query: ListQuery, signal: AbortSignal): Promise<StoredPage>;
  /**
   * Does one change, and resolves once it is durable and visible to every reader of this process, with its number.
   * Rejects with StorageExists, StorageConflict or StorageMissing where the expectation does not hold, StorageUnavailable
   * when nothing was written and never will be, StorageReadOnly when nothing can be, StorageUnknown when that cannot be known.
   */
  write(change: Change, signal: AbortSignal): Promise<number>;
  /**
   * Every change of a resource after number `since`, once each, in order, for ever until the signal aborts; those that wait
   * together come together, some at a time, and never none.
   * Rejects with StorageExpired when that history is gone, and when the reader falls too far behind (it has to list again).
   */
  watch(query: WatchQuery, signal: AbortSignal): AsyncIterable<readonly StoredEvent[]>;
  /** The number of the last write that this process knows. Throws StorageUnavailable while nothing can be answered. */
  current(): number;
  /** As current, after asking the store: no write that anybody acknowledged before this call began has a higher one. */
  latest(signal: AbortSignal): Promise<number>;
}

/** A resource as storage keys it: `plural.group`, or `plural` in the core group. */
export type ResourceKey = string;

export interface ObjectKey {
  readonly resource: ResourceKey;
  /** Empty for what lies in no namespace. */
  readonly namespace: string;
  readonly name: string;
}

export interface Stored {
  readonly key: ObjectKey;
  readonly rv: number;
  readonly json: string;
}

export interface ListQuery {
  readonly resource: ResourceKey;
  /** Undefined lists all namespaces. */
  readonly namespace?: string;
  /**
   * `latest`: as new as every write acknowledged before the call. `any`: as this process knows it.
   * A number with `exact`: as it was then. A number without: at least as new.
   */
  readonly at: 'latest' | 'any' | { readonly rv: number; readonly exact: boolean };
  /** Only what comes after this key, by namespace, then name. */
  readonly after?: { readonly namespace: string; readonly name: string };
  /** At most so many; undefined for all. */
  readonly limit?: number;
}

export interface StoredPage {
  /** The number at which the whole page was true. */
  readonly rv: number;
  /** In order of namespace, then name, by UTF-8 bytes. Read lazily: a page may be much larger than memory. Ends a snapshot: iterate once. */
  readonly items: AsyncIterable<readonly Stored[]>;
  /** How many follow behind `limit`; Infinity where counting them would take long. Counted lazily; valid once `items` has ended. */
  remaining(): Promise<number>;
}

export interface WatchQuery {
  readonly resource: ResourceKey;
  readonly namespace?: string;
  readonly since: number;
}

export interface StoredEvent {
  readonly rv: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: ObjectKey;
  /** After the change; for DELETED the last state there was. */
  readonly json: string;
  /** Before the change; undefined for ADDED. A watch with a selector needs it to tell who came and who left. */
  readonly before: string | undefined;
}

export type Change =
  | { readonly op: 'create'; readonly key: ObjectKey; readonly json: string }
  | { readonly op: 'update'; readonly key: ObjectKey; readonly json: string; readonly expect: number }
  | { readonly op: 'delete'; readonly key: ObjectKey; readonly expect: number };

class StorageError extends Error {
  override readonly name: string = 'StorageError';
}
export class StorageExists extends StorageError {
  override readonly name = 'StorageExists';
}
/** The object is at another number than expected. */
export class StorageConflict extends StorageError {
  override readonly name = 'StorageConflict';
}
/** The object to change is not there. */
export class StorageMissing extends StorageError {
  override readonly name = 'StorageMissing';
}
export class StorageExpired extends StorageError {
  override readonly name = 'StorageExpired';
}
export class StorageFuture extends StorageError {
  override readonly name = 'StorageFuture';
  readonly current: number;
  constructor(message: string, current: number) {
    super(message);
    this.current = current;
  }
}
/** Nothing was written, nothing will be; a later try may succeed. */
export class StorageUnavailable extends StorageError {
  override readonly name = 'StorageUnavailable';
}
/** Nothing can be written here, now or later; the message says why. */
export class StorageReadOnly extends StorageError {
  override readonly name = 'StorageReadOnly';
}
/** The write may have been done, or may still be. */
export class StorageUnknown extends StorageError {
  override readonly name = 'StorageUnknown';
}
