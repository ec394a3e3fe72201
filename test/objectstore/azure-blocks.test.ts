import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Block } from '../../src/objectstore/azure/azure-blocks.ts';
import { blockBytes, blocksOf, mostBlocks } from '../../src/objectstore/azure/azure-blocks.ts';

const MiB = 1024 * 1024;
const first = blockBytes(0);

it('grows blocks so that as many as a blob may have hold 4 TiB, none of them too large for Azure', () => {
  let sum = 0;
  for (let i = 0; i < mostBlocks; i++) sum += blockBytes(i);
  expect(sum).toBeGreaterThan(4 * 1024 * 1024 * MiB);
  expect(blockBytes(mostBlocks - 1)).toBeLessThanOrEqual(4000 * MiB);
  expect([first, blockBytes(2499), blockBytes(2500)]).toEqual([8 * MiB, 8 * MiB, 16 * MiB]);
});

it.each([0, 1, first - 1, first, first + 1, 2 * first, 2 * first + 1])('cuts %d bytes into full blocks and a last one', async (length) => {
  const whole = Buffer.alloc(length, 'some pattern');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: first / 4, max: 3 * first }), async (pieceBytes) => {
      async function* source(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < length; at += pieceBytes) {
          const piece = Buffer.from(whole.subarray(at, at + pieceBytes));
          yield piece;
          piece.fill(0);
        }
      }
      const blocks: Block[] = [];
      for await (const block of blocksOf(source())) blocks.push(block);
      expect(blocks.map(({ isLast }) => isLast)).toEqual(blocks.map((_, i) => i === blocks.length - 1));
      expect(blocks.slice(0, -1).every(({ bytes }) => bytes.length === first)).toBe(true);
      expect(blocks).toHaveLength(Math.max(1, Math.ceil(length / first)));
      expect(Buffer.concat(blocks.map(({ bytes }) => bytes)).equals(whole)).toBe(true);
    }),
    { numRuns: 3 },
  );
});
