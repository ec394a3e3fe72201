import { readdirSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../../src/objectstore/directory/directory.ts';
import { gathering } from '../../src/objectstore/wrappers/gathering.ts';
import { limited } from '../../src/objectstore/wrappers/limited.ts';
import { measured } from '../../src/objectstore/wrappers/measured.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { retrying } from '../../src/objectstore/wrappers/retrying.ts';
import { ManualClock, settled } from '../manual-clock.ts';
import { storeWith } from './liars.ts';
import { parts, temporaryFolder } from './stores.ts';

const signal = AbortSignal.any([]);
const limits = { short: 2, long: 1, waiting: 3, idle: 1000 };
const objects = () => new Map([['k', new Uint8Array(1_000_000)]]);

/** A store whose reads wait until they are let go, in the order in which they came. */
function gated() {
  const waiting: { readonly key: string; readonly go: () => void }[] = [];
  const store = storeWith(() => ({
    read: (key) => new Promise((resolve) => waiting.push({ key, go: () => resolve(new Uint8Array()) })),
  }));
  return { store: limited(store, parts, limits), waiting };
}

async function drained(body: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of body) bytes += piece.length;
  return bytes;
}

/** The one slot for long requests is free. */
async function expectFree(store: ObjectStore): Promise<void> {
  expect(await drained((await store.stream('k', AbortSignal.timeout(1000))).body)).toBe(1_000_000);
}

describe('limited', () => {
  it('lets so many through, then one after the other as they came', async () => {
    const { store, waiting } = gated();
    const done: string[] = [];
    const reads = ['a', 'b', 'c', 'd', 'e'].map((key) => store.read(key, signal).then(() => done.push(key)));
    await settled();
    expect(waiting.map(({ key }) => key)).toEqual(['a', 'b']);
    waiting[1]?.go();
    await settled();
    expect(waiting.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    for (let i = 0; done.length < 5; i++) {
      waiting[i]?.go();
      await settled();
    }
    expect(done).toEqual(['b', 'a', 'c', 'd', 'e']);
    await Promise.all(reads);
  });

  it('refuses what finds the queue full, and forgets who left it', async () => {
    const { store, waiting } = gated();
    const stop = new AbortController();
    const reads = ['a', 'b', 'c', 'd'].map((key) => store.read(key, signal));
    const left = expect(store.read('e', stop.signal)).rejects.toThrow('left');
    await expect(store.read('f', signal)).rejects.toBeInstanceOf(StoreUnavailable);
    stop.abort(new Error('left'));
    await left;
    reads.push(store.read('g', signal));
    for (let i = 0; i < 5; i++) {
      await settled();
      waiting[i]?.go();
    }
    await Promise.all(reads);
    expect(waiting.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd', 'g']);
  });

  it('gives a slot back after an error', async () => {
    const store = limited(memoryStore(), parts, limits);
    for (let i = 0; i < 5; i++) {
      await expect(store.read('none', signal)).rejects.toThrow('none');
      await expect(store.stream('none', signal)).rejects.toThrow('none');
    }
  });

  it('does not let long requests stop short ones', async () => {
    const store = limited(memoryStore(objects()), parts, limits);
    const { body } = await store.stream('k', signal);
    const second = store.stream('k', signal);
    expect(await store.read('k', signal)).toHaveLength(1_000_000);
    expect(await store.putIfAbsent('l', new Uint8Array(), signal)).toBe('created');
    await drained(body);
    await drained((await second).body);
  });

  it('does not let those who read slowly stop uploads', async () => {
    const store = limited(memoryStore(objects()), parts, limits);
    const { body } = await store.stream('k', signal);
    const pieces = (async function* () {
      yield new Uint8Array(3);
    })();
    expect(await store.upload('l', pieces, AbortSignal.timeout(1000))).toMatchObject({ bytes: 3 });
    await drained(body);
  });

  it('lets the reader of a list do other things meanwhile', async () => {
    const all = new Map(Array.from({ length: 2100 }, (_, i) => [`k${i}`, new Uint8Array()]));
    const store = limited(memoryStore(all), parts, { ...limits, short: 1 });
    for await (const { key } of store.list('', signal)) await store.delete(key, signal);
    expect(all.size).toBe(0);
  });
});

describe('the slot of a stream', () => {
  it('is free when it has ended, when it failed, and when it was left', async () => {
    const store = limited(memoryStore(objects()), parts, limits);
    await drained((await store.stream('k', signal)).body);
    for await (const _ of (await store.stream('k', signal)).body) break;
    const failing = limited(
      storeWith(
        (right) => ({
          stream: async (key, signal, range) => (range ? { size: 1, body: broken() } : right.stream(key, signal)),
        }),
        objects(),
      ),
      parts,
      limits,
    );
    await expect(drained((await failing.stream('k', signal, { start: 0 })).body)).rejects.toThrow('broken');
    await expectFree(store);
    await expectFree(failing);
  });

  it('is free when the signal aborts, though nobody reads', async () => {
    const store = limited(memoryStore(objects()), parts, limits);
    const stop = new AbortController();
    const { body } = await store.stream('k', stop.signal);
    stop.abort(new Error('gone'));
    await expectFree(store);
    await expect(drained(body)).rejects.toThrow('gone');
  });

  it('is free when it is left before it is read, and the request is ended', async () => {
    const signals: AbortSignal[] = [];
    const store = limited(watched(signals), parts, limits);
    const { body } = await store.stream('k', signal);
    await body[Symbol.asyncIterator]().return?.();
    expect(signals[0]?.aborted).toBe(true);
    await expectFree(store);
  });

  it.each([0, 1])('is free when nobody has asked for long, after %d pieces; then the stream is cut', async (pieces) => {
    const clock = new ManualClock();
    const signals: AbortSignal[] = [];
    const store = limited(watched(signals), { clock }, limits);
    const { body } = await store.stream('k', signal);
    const reader = body[Symbol.asyncIterator]();
    for (let i = 0; i < pieces; i++) await reader.next();
    await clock.pass(999);
    expect(signals[0]?.aborted).toBe(false);
    await clock.pass(1);
    expect(signals[0]?.aborted).toBe(true);
    await expect(reader.next()).rejects.toBeInstanceOf(StoreUnavailable);
    await expectFree(store);
    expect(clock.sleepers).toBe(0);
  });

  it('is not lost while the store is slow', async () => {
    const clock = new ManualClock();
    const gate = Promise.withResolvers<void>();
    const store = limited(
      storeWith(() => ({ stream: async () => ({ size: 1, body: slow(gate.promise) }) })),
      { clock },
      limits,
    );
    const { body } = await store.stream('k', signal);
    const reading = drained(body);
    await clock.pass(5000);
    gate.resolve();
    expect(await reading).toBe(1);
  });
});

describe('the body of a stream that is not read to its end', () => {
  /** `closed` counts the bodies that are over; each waits for `pause` before its second piece. */
  function watchedBodies(pause = Promise.resolve()) {
    const clock = new ManualClock();
    const stop = new AbortController();
    let closed = 0;
    const body = async function* () {
      try {
        for (let i = 0; i < 3; i++) {
          if (i > 0) await pause;
          yield new Uint8Array(300_000);
        }
      } finally {
        closed += 1;
      }
    };
    const store = limited(
      storeWith(() => ({ stream: async () => ({ size: 900_000, body: body() }) })),
      { clock },
      limits,
    );
    const open = async () => (await store.stream('k', stop.signal)).body[Symbol.asyncIterator]();
    return { clock, stop, open, closed: () => closed };
  }

  it('is over when it was cut', async () => {
    const { clock, open, closed } = watchedBodies();
    const reader = await open();
    await reader.next();
    await clock.pass(1000);
    expect(closed()).toBe(1);
    await expect(reader.next()).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('is over when the signal aborts, though its reader never comes again', async () => {
    const { stop, open, closed } = watchedBodies();
    await (await open()).next();
    stop.abort(new Error('gone'));
    await settled();
    expect(closed()).toBe(1);
  });

  it('is over as soon as a read is, while which the signal aborts, and nothing waits for its reader', async () => {
    const gate = Promise.withResolvers<void>();
    const { clock, stop, open, closed } = watchedBodies(gate.promise);
    const reader = await open();
    await reader.next();
    const pending = reader.next();
    stop.abort(new Error('gone'));
    await settled();
    expect(closed()).toBe(0);
    gate.resolve();
    await pending;
    await settled();
    expect([closed(), clock.sleepers]).toEqual([1, 0]);
  });

  it('leaves no file open', async () => {
    const folder = await temporaryFolder();
    const clock = new ManualClock();
    const files = await openDirectory(folder, parts);
    const store = retrying(limited(measured(gathering(files), parts), { clock }, limits), { ...parts, clock });
    await store.putIfAbsent('k', new Uint8Array(2_000_000), signal);
    const open = () => readdirSync('/proc/self/fd').filter((fd) => targetOf(fd).startsWith(folder));
    const reader = (await store.stream('k', signal)).body[Symbol.asyncIterator]();
    await reader.next();
    expect(open()).toHaveLength(1);
    await clock.pass(1000);
    await expect.poll(open).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

/** Of a file descriptor. */
function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

/** Remembers the signals of its streams. */
function watched(signals: AbortSignal[]): ObjectStore {
  return storeWith(
    (right) => ({
      stream: (key, signal, range) => {
        signals.push(signal);
        return right.stream(key, signal, range);
      },
    }),
    objects(),
  );
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1);
  throw new Error('broken');
}

async function* slow(gate: Promise<void>): AsyncGenerator<Uint8Array> {
  await gate;
  yield new Uint8Array(1);
}
