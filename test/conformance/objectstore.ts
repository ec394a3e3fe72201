/** What every object store does; run over all of them by the tests of each. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreConflict, StoreError, StoreNotFound, StoreRange } from '../../src/objectstore/objectstore.ts';
import { probe } from '../../src/objectstore/probe.ts';

export interface StoreUnderTest {
  /** Two clients of one fresh, empty store. */
  readonly clients: readonly [ObjectStore, ObjectStore];
  destroy(): Promise<void>;
}

const bytes = (text: string) => Buffer.from(text);
const signal = AbortSignal.any([]);

async function* inPieces(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Repeats itself nowhere near a page, so that a piece in the wrong place shows. */
function pattern(length: number): Uint8Array {
  const whole = new Uint8Array(length);
  for (let i = 0, state = 1; i < length; i++) whole[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return whole;
}

export function describeObjectStore(create: () => Promise<StoreUnderTest>): void {
  let made: StoreUnderTest;
  let store: ObjectStore;
  let other: ObjectStore;
  beforeEach(async () => {
    made = await create();
    [store, other] = made.clients;
  });
  afterEach(() => made.destroy());

  it('keeps what it is given, byte by byte, for every client', async () => {
    const body = Buffer.from([0, 255, 10, 13, 0x80]);
    expect(await store.putIfAbsent('a/b.bin', body, signal)).toBe('created');
    expect(Buffer.from(await other.read('a/b.bin', signal))).toEqual(body);
    expect(await other.size('a/b.bin', signal)).toBe(5);
  });

  it('refuses a second create and keeps the first content', async () => {
    await store.putIfAbsent('k', bytes('first'), signal);
    expect(await store.putIfAbsent('k', bytes('second'), signal)).toBe('exists');
    expect(await other.putIfAbsent('k', bytes('third'), signal)).toBe('exists');
    expect(Buffer.from(await store.read('k', signal)).toString()).toBe('first');
  });

  it('does not share memory with its callers', async () => {
    const body = bytes('abc');
    await store.putIfAbsent('k', body, signal);
    body.fill(0);
    (await store.read('k', signal)).fill(0);
    expect(Buffer.from(await store.read('k', signal)).toString()).toBe('abc');
  });

  it('has exactly one winner among 24 racing creates, 20 times', async () => {
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all(
        Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? store : other).putIfAbsent(`race/${round}`, bytes(`writer ${i}`), signal)),
      );
      const winners = outcomes.flatMap((outcome, i) => (outcome === 'created' ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(Buffer.from(await store.read(`race/${round}`, signal)).toString()).toBe(`writer ${winners[0]}`);
    }
  });

  it('never shows half an object to a reader that races with the writer', async () => {
    const whole = pattern(3_000_000);
    const sizes = new Set<number | undefined>();
    const state = { writing: true };
    const writing = store.putIfAbsent('big', whole, signal).finally(() => (state.writing = false));
    while (state.writing) sizes.add(await other.size('big', signal));
    await writing;
    sizes.add(await other.size('big', signal));
    expect([...sizes].filter((size) => size !== undefined)).toEqual([whole.length]);
  });

  it('reads ranges', async () => {
    await store.putIfAbsent('k', bytes('0123456789'), signal);
    const read = async (start: number, length?: number) =>
      Buffer.from(await store.read('k', signal, length === undefined ? { start } : { start, length })).toString();
    expect(await read(0, 3)).toBe('012');
    expect(await read(7)).toBe('789');
    expect(await read(7, 100)).toBe('789');
    expect(await read(4, 0)).toBe('');
    const ranged = await store.stream('k', signal, { start: 2, length: 5 });
    expect(ranged.size).toBe(10);
    expect(Buffer.concat(await collect(ranged.body)).toString()).toBe('23456');
  });

  it.each([10, 11, 1e9])('refuses a range that begins at %d of 10 bytes', async (start) => {
    await store.putIfAbsent('k', bytes('0123456789'), signal);
    await expect(store.read('k', signal, { start })).rejects.toSatisfy((error) => error instanceof StoreRange && error.size === 10);
    await expect(store.stream('k', signal, { start })).rejects.toBeInstanceOf(StoreRange);
  });

  it('keeps an object of no bytes', async () => {
    expect(await store.putIfAbsent('empty', new Uint8Array(), signal)).toBe('created');
    expect(await store.size('empty', signal)).toBe(0);
    expect(await store.read('empty', signal)).toHaveLength(0);
    expect(await collect((await store.stream('empty', signal)).body)).toEqual([]);
    expect((await store.upload('empty-too', inPieces(new Uint8Array(), 1), signal)).bytes).toBe(0);
    expect(await store.size('empty-too', signal)).toBe(0);
  });

  it('uploads and streams 8 MiB with the right hash, in pieces of at most 1 MiB', async () => {
    const whole = pattern(8 * 1024 * 1024);
    const sha256 = createHash('sha256').update(whole).digest('hex');
    expect(await store.upload('dir/big', inPieces(whole, 100_000), signal)).toEqual({ bytes: whole.length, sha256 });
    const pieces = await collect((await other.stream('dir/big', signal)).body);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(1024 * 1024);
    expect(createHash('sha256').update(Buffer.concat(pieces)).digest('hex')).toBe(sha256);
  });

  it('asks the source of an upload for more only when it has stored what it got', async () => {
    let given = 0;
    let most = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 100; i++) {
        given++;
        most = Math.max(most, given);
        yield new Uint8Array(1000);
        given--;
      }
    }
    await store.upload('k', source(), signal);
    expect(most).toBe(1);
  });

  it('refuses to upload over a key that exists', async () => {
    await store.putIfAbsent('k', bytes('first'), signal);
    await expect(store.upload('k', inPieces(bytes('second'), 2), signal)).rejects.toBeInstanceOf(StoreConflict);
    expect(Buffer.from(await store.read('k', signal)).toString()).toBe('first');
  });

  it('leaves nothing of an upload whose source fails, and passes its error on', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytes('some');
      throw Object.assign(new Error('the source broke'), { code: 'ECONNRESET' });
    }
    await expect(store.upload('k', source(), signal)).rejects.toThrow('the source broke');
    expect(await store.size('k', signal)).toBeUndefined();
    expect(await collect(store.list('', signal))).toEqual([]);
  });

  it('ends an upload as soon as its signal aborts, though the source is silent', async () => {
    const stop = new AbortController();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytes('some');
      setTimeout(() => stop.abort(new Error('stopped')), 5);
      await new Promise(() => {});
    }
    await expect(store.upload('k', source(), stop.signal)).rejects.toThrow('stopped');
    expect(await store.size('k', signal)).toBeUndefined();
  });

  it('does nothing under a signal that has aborted', async () => {
    const gone = AbortSignal.abort(new Error('gone'));
    await store.putIfAbsent('k', bytes('x'), signal);
    await expect(store.putIfAbsent('l', bytes('x'), gone)).rejects.toThrow('gone');
    await expect(store.read('k', gone)).rejects.toThrow('gone');
    await expect(store.stream('k', gone)).rejects.toThrow('gone');
    await expect(store.size('k', gone)).rejects.toThrow('gone');
    await expect(store.delete('k', gone)).rejects.toThrow('gone');
    await expect(collect(store.list('', gone))).rejects.toThrow('gone');
    expect((await collect(store.list('', signal))).map(({ key }) => key)).toEqual(['k']);
  });

  it('stops a stream between two pieces when its signal aborts', async () => {
    await store.putIfAbsent('k', pattern(3_000_000), signal);
    const stop = new AbortController();
    const { body } = await store.stream('k', stop.signal);
    const reading = (async () => {
      for await (const _ of body) stop.abort(new Error('stopped'));
    })();
    await expect(reading).rejects.toThrow('stopped');
  });

  it('says that a key is missing', async () => {
    await store.putIfAbsent('a/b', bytes('x'), signal);
    for (const key of ['none', 'a', 'a/c', 'c/d']) {
      await expect(store.read(key, signal)).rejects.toBeInstanceOf(StoreNotFound);
      await expect(store.stream(key, signal)).rejects.toThrow(key);
      expect(await store.size(key, signal)).toBeUndefined();
    }
  });

  it('deletes, and a second time without complaint; then the key is free', async () => {
    await store.putIfAbsent('a/b/c', bytes('x'), signal);
    await store.delete('a/b/c', signal);
    await store.delete('a/b/c', signal);
    await store.delete('never/was', signal);
    expect(await store.size('a/b/c', signal)).toBeUndefined();
    expect(await store.putIfAbsent('a/b/c', bytes('y'), signal)).toBe('created');
  });

  it('survives creates and deletes that race in one folder', async () => {
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await store.putIfAbsent(`race/${i}`, bytes('x'), signal);
        await store.delete(`race/${i}`, signal);
      }),
    );
    expect(await collect(store.list('', signal))).toEqual([]);
  });

  it('lists by whole keys in the order of their bytes', async () => {
    const keys = ['B', 'a', 'a-b/x', 'a.b', 'ab/c/d', 'ab/c.d', 'ab/c0', 'ab0', 'b/a', 'b/Z', '_', '0/1'];
    for (const key of keys) await store.putIfAbsent(key, bytes(key), signal);
    const sorted = [...keys].sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
    const list = async (prefix: string, after?: string) => (await collect(other.list(prefix, signal, after))).map(({ key }) => key);
    expect(await list('')).toEqual(sorted);
    for (const prefix of ['a', 'ab', 'ab/', 'ab/c', 'b/', 'none/', 'none/x'])
      expect(await list(prefix)).toEqual(sorted.filter((key) => key.startsWith(prefix)));
    for (const after of [...sorted, 'ab', 'ab/c/', 'ab/c/z', 'zz'])
      expect(await list('', after), `after ${after}`).toEqual(sorted.filter((key) => key > after));
    expect(await collect(store.list('ab/c/', signal))).toEqual([{ key: 'ab/c/d', size: 6 }]);
  });

  it('pages through 500 keys by startAfter', async () => {
    const keys = Array.from({ length: 500 }, (_, i) => `p/${String(i % 7)}/${String(i).padStart(4, '0')}`).sort();
    await Promise.all(keys.map((key) => store.putIfAbsent(key, bytes(''), signal)));
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page: string[] = [];
      for await (const { key } of store.list('p/', signal, after)) if (page.push(key) === 64) break;
      if (page.length === 0) break;
      seen.push(...page);
    }
    expect(seen).toEqual(keys);
  });

  it.each(['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', './a', 'a b', 'ä', 'a\\b', 'a~', 'a\0', 'x'.repeat(513)])(
    'refuses the key %j',
    async (key) => {
      await expect(store.putIfAbsent(key, bytes('x'), signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.upload(key, inPieces(bytes('x'), 1), signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.read(key, signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.delete(key, signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.size(key, signal)).rejects.toBeInstanceOf(StoreError);
      expect(await collect(store.list('', signal))).toEqual([]);
    },
  );

  it.each(['../', '/', 'a/../'])('refuses the prefix %j', async (prefix) => {
    await expect(collect(store.list(prefix, signal))).rejects.toBeInstanceOf(StoreError);
  });

  it('takes keys of 512 characters', async () => {
    const key = `${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(110)}`;
    expect(key).toHaveLength(512);
    expect(await store.putIfAbsent(key, bytes('x'), signal)).toBe('created');
    expect((await collect(store.list('', signal))).map((stored) => stored.key)).toEqual([key]);
  });

  it('passes the probe and holds nothing of it afterwards', async () => {
    await probe(store, { ids: randomIds }, signal);
    expect(await collect(store.list('', signal))).toEqual([]);
  });
}
