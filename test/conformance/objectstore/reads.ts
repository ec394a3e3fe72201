/** Whole objects, ranges and streams; keys that are missing; and how readers are stopped. */
import { expect, it } from 'vitest';
import { StoreNotFound, StoreRange } from '../../../src/objectstore/objectstore.ts';
import { bytes, collect, pattern, sha256, signal, textOf } from './subject.ts';
import type { Subject } from './subject.ts';

export function describeReads(subject: Subject): void {
  it('reads ranges', async () => {
    const { store } = subject;
    await store.putIfAbsent('k', bytes('0123456789'), signal);
    const read = async (start: number, length?: number) =>
      textOf(await store.read('k', signal, length === undefined ? { start } : { start, length }));
    expect(await read(0)).toBe('0123456789');
    expect(await read(0, 3)).toBe('012');
    expect(await read(7)).toBe('789');
    expect(await read(9, 1)).toBe('9');
    expect(await read(7, 100)).toBe('789');
    expect(await read(4, 0)).toBe('');
  });

  it('streams ranges, and tells the size of the whole', async () => {
    const { store } = subject;
    await store.putIfAbsent('k', bytes('0123456789'), signal);
    const streamed = async (start: number, length?: number) => {
      const { size, body } = await store.stream('k', signal, length === undefined ? { start } : { start, length });
      expect(size).toBe(10);
      return Buffer.concat(await collect(body)).toString();
    };
    expect(await streamed(2, 5)).toBe('23456');
    expect(await streamed(9)).toBe('9');
    expect(await streamed(0, 1000)).toBe('0123456789');
    expect(await streamed(3, 0)).toBe('');
  });

  it.each([10, 11, 1e9])('refuses a range that begins at %d of 10 bytes', async (start) => {
    const { store } = subject;
    await store.putIfAbsent('k', bytes('0123456789'), signal);
    const saysSize = (error: unknown) => error instanceof StoreRange && error.size === 10;
    await expect(store.read('k', signal, { start })).rejects.toSatisfy(saysSize);
    await expect(store.read('k', signal, { start, length: 1 })).rejects.toSatisfy(saysSize);
    await expect(store.stream('k', signal, { start })).rejects.toBeInstanceOf(StoreRange);
  });

  it('refuses every range of an object of no bytes', async () => {
    const { store } = subject;
    await store.putIfAbsent('empty', new Uint8Array(), signal);
    await expect(store.read('empty', signal, { start: 0 })).rejects.toBeInstanceOf(StoreRange);
    await expect(store.stream('empty', signal, { start: 0, length: 5 })).rejects.toBeInstanceOf(StoreRange);
  });

  it('says that a key is missing', async () => {
    const { store } = subject;
    await store.putIfAbsent('a/b', bytes('x'), signal);
    for (const key of ['none', 'a', 'a/c', 'c/d']) {
      await expect(store.read(key, signal)).rejects.toBeInstanceOf(StoreNotFound);
      await expect(store.read(key, signal, { start: 1, length: 2 })).rejects.toBeInstanceOf(StoreNotFound);
      await expect(store.stream(key, signal)).rejects.toBeInstanceOf(StoreNotFound);
      await expect(store.stream(key, signal)).rejects.toThrow(key);
      expect(await store.size(key, signal)).toBeUndefined();
    }
  });

  it('gives what the reader may change, read and streamed', async () => {
    const { store } = subject;
    const whole = pattern(3_000_000);
    await store.putIfAbsent('k', whole, signal);
    for (const length of [whole.length, 1000]) {
      (await store.read('k', signal, { start: 0, length })).fill(0);
      for await (const piece of (await store.stream('k', signal, { start: 0, length })).body) piece.fill(0);
      expect(sha256(await store.read('k', signal))).toBe(sha256(whole));
    }
  });

  it('stops a stream between two pieces when its signal aborts', async () => {
    const { store } = subject;
    await store.putIfAbsent('k', pattern(3_000_000), signal);
    const stop = new AbortController();
    const { body } = await store.stream('k', stop.signal);
    const reading = (async () => {
      for await (const _ of body) stop.abort(new Error('stopped'));
    })();
    await expect(reading).rejects.toThrow('stopped');
  });

  it('can be left in the middle of a stream, many times', async () => {
    const { store } = subject;
    await store.putIfAbsent('k', pattern(3_000_000), signal);
    for (let i = 0; i < 30; i++) for await (const _ of (await store.stream('k', signal)).body) break;
    expect(await store.size('k', signal)).toBe(3_000_000);
  });

  it('does nothing under a signal that has aborted', async () => {
    const { store } = subject;
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
}
