/** Put-if-absent: alone, in races, and what readers see meanwhile. */
import { expect, it } from 'vitest';
import { randomIds } from '../../../src/base/ids.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { probe } from '../../../src/objectstore/probe/probe.ts';
import { bytes, collect, forEach, patience, pattern, sha256, signal, textOf } from './subject.ts';
import type { Subject } from './subject.ts';

const writers = 24;
const rounds = 100;

export function describeCreates(subject: Subject): void {
  it('keeps what it is given, byte by byte, for every client', async () => {
    const { store, other } = subject;
    const body = Buffer.from([0, 255, 10, 13, 0x80]);
    expect(await store.putIfAbsent('a/b.bin', body, signal)).toBe('created');
    expect(Buffer.from(await other.read('a/b.bin', signal))).toEqual(body);
    expect(await other.size('a/b.bin', signal)).toBe(5);
  });

  it('refuses a second create and keeps the first content', async () => {
    const { store, other } = subject;
    await store.putIfAbsent('k', bytes('first'), signal);
    expect(await store.putIfAbsent('k', bytes('second'), signal)).toBe('exists');
    expect(await other.putIfAbsent('k', bytes('third'), signal)).toBe('exists');
    expect(textOf(await store.read('k', signal))).toBe('first');
  });

  it('takes the hash of what it is given from who knows it', async () => {
    const { store, other } = subject;
    const body = bytes('known');
    expect(await store.putIfAbsent('k', body, signal, sha256(body))).toBe('created');
    expect(await other.putIfAbsent('k', body, signal, sha256(body))).toBe('exists');
    expect(textOf(await other.read('k', signal))).toBe('known');
  });

  it('does not share memory with its callers', async () => {
    const { store } = subject;
    const body = bytes('abc');
    await store.putIfAbsent('k', body, signal);
    body.fill(0);
    (await store.read('k', signal)).fill(0);
    expect(textOf(await store.read('k', signal))).toBe('abc');
  });

  it('keeps an object of no bytes', async () => {
    const { store } = subject;
    expect(await store.putIfAbsent('empty', new Uint8Array(), signal)).toBe('created');
    expect(await store.putIfAbsent('empty', bytes('x'), signal)).toBe('exists');
    expect(await store.size('empty', signal)).toBe(0);
    expect(await store.read('empty', signal)).toHaveLength(0);
    expect(await collect((await store.stream('empty', signal)).body)).toEqual([]);
    expect(await collect(store.list('', signal))).toMatchObject([{ key: 'empty', size: 0 }]);
  });

  it(`has exactly one winner among ${writers} racing creates, ${rounds} times`, { timeout: patience }, async () => {
    const { store, other } = subject;
    const race = async (round: number) => {
      const key = `race/${round}`;
      const create = (i: number) => (i % 2 === 0 ? store : other).putIfAbsent(key, bytes(`writer ${i}`), signal);
      const outcomes = await Promise.all(Array.from({ length: writers }, (_, i) => create(i)));
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
      const winner = `writer ${outcomes.indexOf('created')}`;
      expect(textOf(await store.read(key, signal))).toBe(winner);
      expect(textOf(await other.read(key, signal))).toBe(winner);
    };
    await forEach(rounds, race, 2);
  });

  it('shows what was created at once, to every client, in every way', async () => {
    const { store, other } = subject;
    await forEach(20, async (i) => {
      const key = `now/${i}`;
      await store.putIfAbsent(key, bytes(key), signal);
      expect(await other.size(key, signal)).toBe(key.length);
      expect(textOf(await other.read(key, signal))).toBe(key);
      expect(await collect(other.list(key, signal))).toContainEqual(expect.objectContaining({ key, size: key.length }));
    });
  });

  it('never shows half an object to a reader that races with the writer', async () => {
    const { store, other } = subject;
    const whole = pattern(3_000_000);
    const sizes = new Set<number | undefined>();
    const state = { writing: true };
    const writing = store.putIfAbsent('big', whole, signal).finally(() => (state.writing = false));
    while (state.writing) sizes.add(await other.size('big', signal));
    await writing;
    sizes.add(await other.size('big', signal));
    expect([...sizes].filter((size) => size !== undefined)).toEqual([whole.length]);
  });

  it('deletes, and a second time without complaint; then the key is free', async () => {
    const { store, other } = subject;
    await store.putIfAbsent('a/b/c', bytes('x'), signal);
    await store.delete('a/b/c', signal);
    await store.delete('a/b/c', signal);
    await store.delete('never/was', signal);
    expect(await other.size('a/b/c', signal)).toBeUndefined();
    expect(await store.putIfAbsent('a/b/c', bytes('y'), signal)).toBe('created');
    expect(textOf(await other.read('a/b/c', signal))).toBe('y');
  });

  it('survives creates and deletes that race in one folder', async () => {
    const { store } = subject;
    await forEach(40, async (i) => {
      await store.putIfAbsent(`race/${i}`, bytes('x'), signal);
      await store.delete(`race/${i}`, signal);
    });
    expect(await collect(store.list('', signal))).toEqual([]);
  });

  it('passes the probe and holds nothing of it afterwards', async () => {
    const { store } = subject;
    expect(await probe(store, { ids: randomIds, clock: systemClock }, signal)).toEqual({ denied: undefined });
    expect(await collect(store.list('', signal))).toEqual([]);
  });
}
