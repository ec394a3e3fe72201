/** Streams of any length into the store, and out of it again. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { StoreConflict } from '../../../src/objectstore/objectstore.ts';
import { bytes, collect, inPieces, patience, pattern, sha256, signal, textOf } from './subject.ts';
import type { Subject } from './subject.ts';

const MiB = 1024 * 1024;

export function describeUploads(subject: Subject): void {
  it('uploads and streams 8 MiB with the right hash, in pieces of at most 1 MiB', async () => {
    const { store, other } = subject;
    const whole = pattern(8 * MiB);
    expect(await store.upload('dir/big', inPieces(whole, 100_000), signal)).toEqual({ bytes: whole.length, sha256: sha256(whole) });
    const pieces = await collect((await other.stream('dir/big', signal)).body);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(MiB);
    expect(sha256(Buffer.concat(pieces))).toBe(sha256(whole));
  });

  it('keeps 64 MiB: its hash, its size, and every range of it', { timeout: patience }, async () => {
    const { store, other } = subject;
    const blocks = numberedBlocks(64);
    const hash = createHash('sha256');
    for (const block of blocks()) hash.update(block);
    const expected = { bytes: 64 * MiB, sha256: hash.digest('hex') };
    expect(await store.upload('dir/huge', asynchronously(blocks()), signal)).toEqual(expected);
    expect(await other.size('dir/huge', signal)).toBe(64 * MiB);
    expect(await hashOf((await other.stream('dir/huge', signal)).body)).toEqual(expected);
    for (const start of [0, 5 * MiB - 3, 8 * MiB - 1, 16 * MiB, 63 * MiB + 17]) {
      const part = await other.read('dir/huge', signal, { start, length: 1000 });
      expect(sha256(part), `1000 bytes at ${start}`).toBe(sha256(slice(blocks(), start, 1000)));
    }
    const { size, body } = await other.stream('dir/huge', signal, { start: 64 * MiB - 10 });
    expect([size, (await hashOf(body)).bytes]).toEqual([64 * MiB, 10]);
  });

  it('uploads nothing at all', async () => {
    const { store } = subject;
    expect(await store.upload('empty', inPieces(new Uint8Array(), 1), signal)).toEqual({ bytes: 0, sha256: sha256(new Uint8Array()) });
    expect(await store.size('empty', signal)).toBe(0);
  });

  it('uploads pieces of no bytes among others', async () => {
    const { store } = subject;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (const text of ['', 'a', '', 'b', '']) yield bytes(text);
    }
    expect((await store.upload('k', source(), signal)).bytes).toBe(2);
    expect(textOf(await store.read('k', signal))).toBe('ab');
  });

  it('refuses to upload over a key that exists', async () => {
    const { store } = subject;
    await store.putIfAbsent('k', bytes('first'), signal);
    await expect(store.upload('k', inPieces(bytes('second'), 2), signal)).rejects.toBeInstanceOf(StoreConflict);
    expect(textOf(await store.read('k', signal))).toBe('first');
  });

  it('lets exactly one of several uploads under one key win', { timeout: patience }, async () => {
    const { store, other } = subject;
    const wholes = Array.from({ length: 4 }, (_, i) => Buffer.alloc(9 * MiB, i));
    const results = await Promise.allSettled(wholes.map((whole, i) => (i % 2 ? store : other).upload('k', inPieces(whole, MiB), signal)));
    const winners = wholes.filter((_, i) => results[i]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(StoreConflict);
    expect(sha256(await store.read('k', signal))).toBe(sha256(winners[0] ?? bytes('')));
  });

  it('leaves nothing of an upload whose source fails, and passes its error on', async () => {
    const { store } = subject;
    async function* source(): AsyncGenerator<Uint8Array> {
      yield* inPieces(pattern(9 * MiB), MiB);
      throw Object.assign(new Error('the source broke'), { code: 'ECONNRESET' });
    }
    await expect(store.upload('k', source(), signal)).rejects.toThrow('the source broke');
    expect(await store.size('k', signal)).toBeUndefined();
    expect(await collect(store.list('', signal))).toEqual([]);
  });

  it('ends an upload as soon as its signal aborts, though the source is silent', async () => {
    const { store } = subject;
    const stop = new AbortController();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytes('some');
      setTimeout(() => stop.abort(new Error('stopped')), 5);
      await new Promise(() => {});
    }
    await expect(store.upload('k', source(), stop.signal)).rejects.toThrow('stopped');
    expect(await store.size('k', signal)).toBeUndefined();
  });
}

/** So many blocks of 1 MiB, no two alike. */
function numberedBlocks(count: number): () => Generator<Uint8Array> {
  const block = Buffer.from(pattern(MiB));
  return function* () {
    for (let i = 0; i < count; i++) {
      const numbered = Buffer.from(block);
      for (let at = 0; at < MiB; at += 500) numbered.writeUInt32BE(i, at);
      yield numbered;
    }
  };
}

async function* asynchronously<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) yield item;
}

async function hashOf(pieces: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256');
  let length = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    length += piece.length;
  }
  return { bytes: length, sha256: hash.digest('hex') };
}

/** The bytes of `blocks` from `start`, within two of them. */
function slice(blocks: Iterable<Uint8Array>, start: number, length: number): Uint8Array {
  const first = Math.floor(start / MiB);
  const two = [...blocks].slice(first, first + 2);
  return Buffer.concat(two).subarray(start - first * MiB, start - first * MiB + length);
}
