import { describe, expect, test } from 'vitest';
import { inChunks } from '../../src/objectstore/chunks.ts';

const MiB = 1024 * 1024;

describe('inChunks', () => {
  test.each([
    ['nothing', 0, 8 * MiB, []],
    ['one byte', 1, 8 * MiB, [1]],
    ['less than is taken at first', 200_000, 8 * MiB, [200_000]],
    ['what is taken at first', 256 * 1024, 8 * MiB, [256 * 1024]],
    ['a byte more', 256 * 1024 + 1, 8 * MiB, [256 * 1024 + 1]],
    ['less than a chunk', 3 * MiB, 8 * MiB, [3 * MiB]],
    ['a chunk', 8 * MiB, 8 * MiB, [8 * MiB]],
    ['a chunk and a byte', 8 * MiB + 1, 8 * MiB, [8 * MiB, 1]],
    ['several, small', 10_000, 4096, [4096, 4096, 1808]],
    ['several, of a size that no growth meets', 9 * MiB, 3_000_001, [3_000_001, 3_000_001, 3_000_001, 9 * MiB - 9_000_003]],
  ])('cuts %s', async (_, bytes, size, lengths) => {
    const content = patterned(bytes);
    const chunks: Uint8Array[] = [];
    for await (const chunk of inChunks(piecesOf(content, 70_001), size)) chunks.push(chunk);
    expect(chunks.map(({ length }) => length)).toEqual(lengths);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test('cuts one piece that is longer than several chunks', async () => {
    const content = patterned(5 * MiB);
    const chunks: Uint8Array[] = [];
    for await (const chunk of inChunks(piecesOf(content, content.length), 2 * MiB)) chunks.push(chunk);
    expect(chunks.map(({ length }) => length)).toEqual([2 * MiB, 2 * MiB, MiB]);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test('gives memory of its own, so that the source may use its own again', async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of inChunks(reusing(), 4)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('aaabbbccc');
  });

  test('takes little for a short stream', async () => {
    for await (const chunk of inChunks(piecesOf(Buffer.from('short'), 5), 8 * MiB)) expect(chunk.buffer.byteLength).toBe(256 * 1024);
  });
});

function patterned(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, n) => (n * 31 + (n >> 8)) & 0xff));
}

async function* piecesOf(content: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += length) yield content.subarray(at, at + length);
}

async function* reusing(): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(3);
  for (const letter of 'abc') yield piece.fill(letter);
}
