/**
 * Bounds what goes on at once in a store: short requests (put, read, size, delete, a page of a list) by one number, streams until they
 * end by another, and uploads by as many again: so slow downloads keep neither the log from being written nor a backup from being made.
 */
import type { Clock } from '../../base/clock.ts';
import { holdStream } from './held-stream.ts';
import type { ObjectStore, StoredKey } from '../objectstore.ts';
import { Slots } from '../slots.ts';

export interface Limits {
  readonly short: number;
  /** Of streams, and of uploads. */
  readonly long: number;
  /** Requests of each sort that may wait; the next is refused with StoreUnavailable. */
  readonly waiting: number;
  /** Milliseconds after which a stream whose reader asks for nothing loses its slot, and is cut. */
  readonly idle: number;
}

const usualLimits: Limits = { short: 64, long: 16, waiting: 10_000, idle: 60_000 };

/** Keys that are taken from a list under one slot: what the stores of clouds answer at once. */
const pageKeys = 1000;

export function limited(store: ObjectStore, { clock }: { readonly clock: Clock }, limits: Limits = usualLimits): ObjectStore {
  const short = new Slots(limits.short, limits.waiting);
  const streams = new Slots(limits.long, limits.waiting);
  const uploads = new Slots(limits.long, limits.waiting);
  return {
    name: store.name,
    putIfAbsent: (key, body, signal, sha256) => within(short, signal, () => store.putIfAbsent(key, body, signal, sha256)),
    upload: (key, body, signal) => within(uploads, signal, () => store.upload(key, body, signal)),
    read: (key, signal, range) => within(short, signal, () => store.read(key, signal, range)),
    stream: async (key, signal, range) => {
      const hold = { slot: await streams.enter(signal), clock, idle: limits.idle, what: `${store.name}: ${key}` };
      return holdStream(hold, signal, (whileHeld) => store.stream(key, whileHeld, range));
    },
    size: (key, signal) => within(short, signal, () => store.size(key, signal)),
    list: (prefix, signal, startAfter) => inPages(short, store.list(prefix, signal, startAfter), signal),
    delete: (key, signal) => within(short, signal, () => store.delete(key, signal)),
    close: () => store.close(),
  };
}

async function within<T>(slots: Slots, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  using _ = await slots.enter(signal);
  return await work();
}

/** No slot is held while the reader is at work: it may want one for what it does with a key. */
async function* inPages(slots: Slots, keys: AsyncIterable<StoredKey>, signal: AbortSignal): AsyncGenerator<StoredKey> {
  const iterator = keys[Symbol.asyncIterator]();
  try {
    for (;;) {
      const page = await within(slots, signal, () => take(iterator, pageKeys));
      yield* page;
      if (page.length < pageKeys) return;
    }
  } finally {
    await iterator.return?.();
  }
}

async function take<T>(iterator: AsyncIterator<T>, most: number): Promise<readonly T[]> {
  const taken: T[] = [];
  while (taken.length < most) {
    const next = await iterator.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}
