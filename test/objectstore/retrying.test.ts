import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore, StoredKey } from '../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreError, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { retrying } from '../../src/objectstore/wrappers/retrying.ts';
import { ManualClock } from '../manual-clock.ts';
import { storeWith } from './liars.ts';
import { parts } from './stores.ts';

const signal = AbortSignal.any([]);
const content = Buffer.from('0123456789');
const unavailable = (): StoreError => new StoreUnavailable('reset');

/** Counts the pauses, and makes none. */
function impatient() {
  const pauses: number[] = [];
  return { pauses, parts: { ...parts, clock: { ...parts.clock, sleep: async (ms: number) => void pauses.push(ms) } } };
}

/** A function that fails so many times first. */
function failing<A extends unknown[], R>(
  times: number,
  right: (...args: A) => Promise<R>,
  error = unavailable,
): (...args: A) => Promise<R> {
  let left = times;
  return async (...args) => {
    if (left-- > 0) throw error();
    return right(...args);
  };
}

function stored(change: (right: ObjectStore) => Partial<ObjectStore>): ObjectStore {
  return storeWith(change, new Map([['k', content]]));
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('retrying', () => {
  it('tries reads, sizes and deletes again, a bounded number of times, with growing pauses', async () => {
    for (const [times, works] of [
      [3, true],
      [4, false],
    ] as const) {
      const { pauses, parts } = impatient();
      const store = retrying(
        stored((right) => ({ read: failing(times, right.read.bind(right)) })),
        parts,
      );
      const reading = store.read('k', signal);
      await (works ? expect(reading).resolves.toHaveLength(10) : expect(reading).rejects.toThrow('reset'));
      expect(pauses).toHaveLength(3);
      for (const [i, most] of [100, 400, 1600].entries()) {
        expect(pauses[i]).toBeGreaterThanOrEqual(most / 2);
        expect(pauses[i]).toBeLessThanOrEqual(most);
      }
    }
    const { parts } = impatient();
    const store = retrying(
      stored((right) => ({ size: failing(2, right.size.bind(right)), delete: failing(2, right.delete.bind(right)) })),
      parts,
    );
    expect(await store.size('k', signal)).toBe(10);
    await store.delete('k', signal);
    expect(await store.size('k', signal)).toBeUndefined();
  });

  it('tries nothing again that would fail again, nor what only the caller may', async () => {
    const { pauses, parts } = impatient();
    const store = retrying(
      stored((right) => ({
        read: failing(1, right.read.bind(right), () => new StoreDenied('no')),
        putIfAbsent: failing(1, right.putIfAbsent.bind(right)),
        upload: failing(1, right.upload.bind(right)),
      })),
      parts,
    );
    await expect(store.read('k', signal)).rejects.toBeInstanceOf(StoreDenied);
    await expect(store.putIfAbsent('l', content, signal)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.upload('l', (async function* () {})(), signal)).rejects.toBeInstanceOf(StoreUnavailable);
    expect(pauses).toEqual([]);
  });

  it('stops waiting when the signal aborts', async () => {
    const stop = new AbortController();
    const clock = new ManualClock();
    const store = retrying(
      stored((right) => ({ read: failing(9, right.read.bind(right)) })),
      { ...parts, clock },
    );
    const reading = expect(store.read('k', stop.signal)).rejects.toThrow('aborted');
    await clock.pass(1);
    stop.abort(new Error('aborted'));
    await reading;
    expect(clock.sleepers).toBe(0);
  });

  it('goes on with a stream where it was cut, as long as it comes forward', async () => {
    const { pauses, parts } = impatient();
    const asked: unknown[] = [];
    const store = retrying(
      stored((right) => ({
        stream: async (key, signal, range) => {
          asked.push(range);
          const { size } = await right.stream(key, signal);
          const start = range?.start ?? 0;
          return { size, body: cutAfter(1, content.subarray(start, start + (range?.length ?? 99))) };
        },
      })),
      parts,
    );
    const { size, body } = await store.stream('k', signal, { start: 2, length: 6 });
    expect(size).toBe(10);
    expect(Buffer.concat(await collect(body)).toString()).toBe('234567');
    expect(asked.slice(0, 3)).toEqual([
      { start: 2, length: 6 },
      { start: 3, length: 5 },
      { start: 4, length: 4 },
    ]);
    expect(pauses).toHaveLength(5);
  });

  it('notices a body that ends too early, and gives up when nothing comes', async () => {
    const { parts } = impatient();
    const store = retrying(
      stored(() => ({ stream: async () => ({ size: 10, body: piecesOf(new Uint8Array()) }) })),
      parts,
    );
    await expect(collect((await store.stream('k', signal)).body)).rejects.toThrow('memory:: k ended at 0, before 10');
  });

  it('refuses to go on with another object', async () => {
    const { parts } = impatient();
    let size = 10;
    const store = retrying(
      stored(() => ({ stream: async () => ({ size: size++, body: cutAfter(1, content) }) })),
      parts,
    );
    const reading = collect((await store.stream('k', signal)).body);
    await expect(reading).rejects.toThrow('k had 10 bytes when it was opened, and has 11 now');
    await expect(reading).rejects.toBeInstanceOf(StoreError);
  });

  it('goes on with a list behind the last key that came', async () => {
    const { parts } = impatient();
    const keys = Array.from({ length: 10 }, (_, i) => `k${i}`);
    const right = memoryStore(new Map(keys.map((key) => [key, content])));
    const asked: unknown[] = [];
    const store = retrying(
      storeWith(() => ({
        list: (prefix, signal, after) => {
          asked.push(after);
          return cutList(right.list(prefix, signal, after), 4);
        },
      })),
      parts,
    );
    expect((await collect(store.list('k', signal))).map(({ key }) => key)).toEqual(keys);
    expect(asked).toEqual([undefined, 'k3', 'k7']);
  });
});

async function* piecesOf(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function* cutAfter(bytes: number, whole: Uint8Array): AsyncGenerator<Uint8Array> {
  yield whole.subarray(0, bytes);
  throw unavailable();
}

async function* cutList(keys: AsyncIterable<StoredKey>, most: number): AsyncGenerator<StoredKey> {
  let left = most;
  for await (const key of keys) {
    if (left-- === 0) throw unavailable();
    yield key;
  }
}
