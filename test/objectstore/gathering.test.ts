/** Streams come in fewer pieces, with the same bytes, up to where they broke. */
import { expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { gathering } from '../../src/objectstore/wrappers/gathering.ts';

const { signal } = new AbortController();

async function read(sizes: readonly number[], fault?: Error): Promise<readonly Uint8Array[]> {
  const body = async function* () {
    let n = 0;
    for (const size of sizes) yield new Uint8Array(size).fill(n++);
    if (fault) throw fault;
  };
  const store = gathering({ ...memoryStore(), stream: () => Promise.resolve({ size: 1, body: body() }) });
  const pieces: Uint8Array[] = [];
  const { body: gathered } = await store.stream('key', signal);
  for await (const piece of gathered) pieces.push(piece);
  return pieces;
}

it('joins small pieces, and leaves large ones as they are', async () => {
  const pieces = await read([1, 100_000, 200_000, 0, 500_000, 7]);
  expect(pieces.map(({ length }) => length)).toEqual([300_001, 500_000, 7]);
  expect([pieces[0]?.[0], pieces[0]?.[1], pieces[0]?.at(-1), pieces[2]?.[0]]).toEqual([0, 1, 2, 5]);
  expect(await read([])).toEqual([]);
});

it('reads one piece ahead of its reader, and no more', async () => {
  let begun = 0;
  let isLeft = false;
  const body = async function* () {
    try {
      for (; begun < 10; begun++) yield new Uint8Array(300_000);
    } finally {
      isLeft = true;
    }
  };
  const store = gathering({ ...memoryStore(), stream: () => Promise.resolve({ size: 1, body: body() }) });
  const { body: gathered } = await store.stream('key', signal);
  expect(begun).toBe(0);
  for await (const _ of gathered) {
    await new Promise(setImmediate);
    expect(begun).toBe(1);
    break;
  }
  await new Promise(setImmediate);
  expect(isLeft).toBe(true);
});

it('fails as the stream does', async () => {
  await expect(read([10], new Error('cut'))).rejects.toThrow('cut');
});
