/**
 * Bytes by key, with put-if-absent: all that Kylon asks of a place to keep things.
 *
 * What a store guarantees
 * - putIfAbsent is atomic: of any number of racing calls for one key, exactly one answers `created`, and what it wrote is
 *   what every later read returns, until the key is deleted.
 * - Read-after-write: once `created` or `stored` was answered, every get, read and list on every client sees the object.
 * - A reader never sees half an object.
 * - created means durable: it survives the death of this process and, on a directory, loss of power.
 *
 * What may be ambiguous
 * - A putIfAbsent that throws StoreUnavailable may or may not have happened, or may still happen. The caller resolves that by
 *   reading the key; it never sends other content for it under the same assumption.
 * - An aborted signal ends the wait, not what was sent: the same holds for a putIfAbsent that was aborted.
 * - `exists` may be the answer to the caller's own earlier try. Only its content tells.
 * - An upload that fails leaves nothing that can be seen; what it used up in the store is removed at once or, if the process
 *   died, when a store is opened later.
 *
 * A call is one try. What is tried again, and how often, is said by retrying.ts and, for the log, by the catalog.
 *
 * Keys are relative, of the characters [A-Za-z0-9._/-], without empty, `.` or `..` parts, 512 characters at most.
 */
export interface ObjectStore {
  /** For messages: scheme, place and prefix, without the part behind the question mark. */
  readonly name: string;
  /**
   * `sha256` of `body`, in hexadecimal digits, is given where it is known: then a store that sends it as proof need not compute it. `body` may be
   * changed once `created` was answered; after anything else it may still be on its way.
   */
  putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal, sha256?: string): Promise<'created' | 'exists'>;
  /**
   * Stores a stream of any length under a name that nobody else uses, in constant memory. What was sent is proved to be what
   * arrived, by checksums of the store's own kind. Rejects with StoreConflict if the key exists.
   */
  upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded>;
  /** The whole object, or a part of it, in memory of the caller's own. Rejects with StoreNotFound, or StoreRange when `start` is not less than the size. */
  read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array>;
  /**
   * As read, as a stream in pieces of at most 1 MiB, with back-pressure; each is memory of the caller's own. Errors of opening reject before the
   * first piece.
   */
  stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream>;
  /** Size in bytes, or undefined where there is no such key. */
  size(key: string, signal: AbortSignal): Promise<number | undefined>;
  /** Keys that begin with `prefix`, in the order of their UTF-8 bytes, after `startAfter` if given. Not a snapshot. */
  list(prefix: string, signal: AbortSignal, startAfter?: string): AsyncIterable<StoredKey>;
  /** Deletes; a key that does not exist is no error. */
  delete(key: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Bytes from `start`, `length` of them or up to the end. */
export interface ByteRange {
  readonly start: number;
  readonly length?: number;
}

export interface Uploaded {
  readonly bytes: number;
  /** Of the content, in hexadecimal digits, computed on the way in. */
  readonly sha256: string;
}

export interface ByteStream {
  /** Of the whole object, whatever the range. */
  readonly size: number;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface StoredKey {
  readonly key: string;
  readonly size: number;
  /** When it was stored, in milliseconds since the epoch by the clock of the store; undefined where the store does not tell. */
  readonly modified?: number;
}

/** All that a provider may throw, apart from the reason of an aborted signal. Messages name key and cause, never a secret. */
export class StoreError extends Error {
  override readonly name: string = 'StoreError';
}
export class StoreNotFound extends StoreError {
  override readonly name = 'StoreNotFound';
}
/** The key exists already. */
export class StoreConflict extends StoreError {
  override readonly name = 'StoreConflict';
}
/** A range that begins behind the end of the object. `size` is the object's. */
export class StoreRange extends StoreError {
  override readonly name = 'StoreRange';
  readonly size: number;
  constructor(message: string, size: number) {
    super(message);
    this.size = size;
  }
}
/** What is stored is not what was written. */
export class StoreDamaged extends StoreError {
  override readonly name = 'StoreDamaged';
}
/** The store says no: wrong or missing rights. Retrying will not help. */
export class StoreDenied extends StoreError {
  override readonly name = 'StoreDenied';
}
/** No room, a quota. Nothing was stored. */
export class StoreFull extends StoreError {
  override readonly name = 'StoreFull';
}
/** Anything else that may pass: time-outs, resets, 5xx. Of a write the outcome is unknown. */
export class StoreUnavailable extends StoreError {
  override readonly name = 'StoreUnavailable';
}
