/**
 * Tries again what may be tried again: reads, lists, sizes and deletes, and a stream from where it was cut. Never putIfAbsent,
 * of which only the caller can tell what became; nor an upload, whose source can be read once; its parts are sent again by the store itself.
 */
import type { ByteRange, ByteStream, ObjectStore, StoredKey } from '../objectstore.ts';
import { StoreError, StoreUnavailable } from '../objectstore.ts';
import { boundsOf } from '../ranges.ts';
import type { RetryParts } from '../tries.ts';
import { Tries } from '../tries.ts';

export function retrying(store: ObjectStore, parts: RetryParts): ObjectStore {
  const again = <T>(signal: AbortSignal, work: () => Promise<T>) => new Tries(parts, signal).until(work);
  return {
    name: store.name,
    putIfAbsent: (...given) => store.putIfAbsent(...given),
    upload: (key, body, signal) => store.upload(key, body, signal),
    read: (key, signal, range) => again(signal, () => store.read(key, signal, range)),
    stream: async (key, signal, range) => {
      const opened = await again(signal, () => store.stream(key, signal, range));
      return { size: opened.size, body: resumed(store, { key, opened, range }, new Tries(parts, signal), signal) };
    },
    size: (key, signal) => again(signal, () => store.size(key, signal)),
    list: (prefix, signal, startAfter) => continued(store, { prefix, startAfter }, new Tries(parts, signal), signal),
    delete: (key, signal) => again(signal, () => store.delete(key, signal)),
    close: () => store.close(),
  };
}

interface Opened {
  readonly key: string;
  readonly opened: ByteStream;
  readonly range: ByteRange | undefined;
}

/** Counts what has come, so that a body which ends too early is noticed, and goes on where it was cut. */
async function* resumed(store: ObjectStore, { key, opened, range }: Opened, tries: Tries, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const bounds = boundsOf(key, opened.size, range);
  let at = bounds.start;
  for (let body: ByteStream['body'] | undefined = opened.body; ; body = undefined) {
    try {
      body ??= await reopen(store, key, { start: at, length: bounds.end - at }, opened.size, signal);
      for await (const piece of comingForward(body, tries)) {
        at += piece.length;
        yield piece;
      }
      if (at >= bounds.end) return;
      throw new StoreUnavailable(`${store.name}: ${key} ended at ${at}, before ${bounds.end}`);
    } catch (error) {
      if (at >= bounds.end) return;
      await tries.failed(error);
    }
  }
}

/** The pieces that hold anything: each of them ends a row of failures, an empty one does not. */
async function* comingForward(body: ByteStream['body'], tries: Tries): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    if (piece.length === 0) continue;
    tries.succeeded();
    yield piece;
  }
}

async function reopen(store: ObjectStore, key: string, rest: ByteRange, size: number, signal: AbortSignal): Promise<ByteStream['body']> {
  const stream = await store.stream(key, signal, rest);
  if (stream.size === size) return stream.body;
  throw new StoreError(`${store.name}: ${key} had ${size} bytes when it was opened, and has ${stream.size} now`);
}

interface Listing {
  readonly prefix: string;
  readonly startAfter: string | undefined;
}

async function* continued(store: ObjectStore, listing: Listing, tries: Tries, signal: AbortSignal): AsyncGenerator<StoredKey> {
  for (let after = listing.startAfter; ;) {
    try {
      for await (const stored of store.list(listing.prefix, signal, after)) {
        after = stored.key;
        tries.succeeded();
        yield stored;
      }
      return;
    } catch (error) {
      await tries.failed(error);
    }
  }
}
