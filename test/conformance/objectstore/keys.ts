/** Which keys there may be, and that none of them means anything but itself. */
import { expect, it } from 'vitest';
import { StoreError } from '../../../src/objectstore/objectstore.ts';
import { required } from './skips.ts';
import { bytes, collect, forEach, inPieces, signal, textOf } from './subject.ts';
import type { Subject } from './subject.ts';

const allowed = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/0123456789/._-';

const odd: readonly string[] = [
  allowed,
  '...',
  '..a/b',
  'a../b',
  '.hidden/.x',
  '-/--/-rf',
  '_',
  'a.b.c...d',
  'index.html',
  'CON',
  'con',
  'Con',
  'a-a',
  'a.a',
  'a_a',
  'aA',
  'AA',
  'x/y/z/x/y/z/x/y/z/x/y/z',
  '0/00/000',
  `${'d'.repeat(200)}/${'e'.repeat(200)}/${'f'.repeat(110)}`,
];

export function describeKeys(subject: Subject): void {
  it('takes odd keys, each for itself', async () => {
    const { store, other } = subject;
    for (const key of odd) expect(await store.putIfAbsent(key, bytes(`content of ${key}`), signal), key).toBe('created');
    expect((await collect(other.list('', signal))).map(({ key }) => key)).toEqual([...odd].sort());
    await forEach(odd.length, async (i) => {
      const key = odd[i] ?? '';
      expect(textOf(await other.read(key, signal))).toBe(`content of ${key}`);
      expect(await other.size(key, signal)).toBe(`content of ${key}`.length);
      expect(await other.putIfAbsent(key, bytes('x'), signal)).toBe('exists');
    });
    for (const key of odd) await store.delete(key, signal);
    expect(await collect(other.list('', signal))).toEqual([]);
  });

  it('keeps keys that begin as others do apart', async (context) => {
    const { made, store, other } = subject;
    required(context, made, 'keys below keys', true);
    const keys = ['a', 'a/b', 'a/b/c', 'a/bc', 'ab'];
    for (const key of keys) expect(await store.putIfAbsent(key, bytes(key), signal), key).toBe('created');
    expect((await collect(other.list('a/', signal))).map(({ key }) => key)).toEqual(['a/b', 'a/b/c', 'a/bc']);
    await store.delete('a/b', signal);
    expect((await collect(other.list('', signal))).map(({ key }) => key)).toEqual(['a', 'a/b/c', 'a/bc', 'ab']);
    expect(textOf(await other.read('a/b/c', signal))).toBe('a/b/c');
  });

  it.each(['', '/a', 'a/', 'a//b', '.', '..', 'a/../b', './a', 'a b', 'ä', 'a\\b', 'a~', 'a%2fb', 'a?b', 'a#b', 'a\0', 'x'.repeat(513)])(
    'refuses the key %j',
    async (key) => {
      const { store } = subject;
      await expect(store.putIfAbsent(key, bytes('x'), signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.upload(key, inPieces(bytes('x'), 1), signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.read(key, signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.stream(key, signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.delete(key, signal)).rejects.toBeInstanceOf(StoreError);
      await expect(store.size(key, signal)).rejects.toBeInstanceOf(StoreError);
      expect(await collect(store.list('', signal))).toEqual([]);
    },
  );

  it.each(['../', '/', 'a/../'])('refuses the prefix %j', async (prefix) => {
    await expect(collect(subject.store.list(prefix, signal))).rejects.toBeInstanceOf(StoreError);
  });
}
