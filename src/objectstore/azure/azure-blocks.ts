/** Cuts a stream into the blocks of a block blob. */

/** https://learn.microsoft.com/azure/storage/blobs/scalability-targets */
export const mostBlocks = 50_000;
const firstBlockBytes = 8 * 1024 * 1024;
/** After this many the blocks grow by the size of the first: 20 GB are stored in the smallest, and 50 000 hold 4 TiB. */
const blocksOfOneSize = 2500;

export interface Block {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

export function blockBytes(index: number): number {
  return firstBlockBytes * (1 + Math.floor(index / blocksOfOneSize));
}

/** At least one, and all full but the last, which is empty only if the stream is. Shares no memory with `source`. */
export async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Block> {
  let index = 0;
  let block = Buffer.allocUnsafeSlow(blockBytes(index));
  let filled = 0;
  for await (const piece of source) {
    for (let at = 0; at < piece.length;) {
      if (filled === block.length) {
        yield { bytes: block, isLast: false };
        block = Buffer.allocUnsafeSlow(blockBytes(++index));
        filled = 0;
      }
      const part = piece.subarray(at, at + block.length - filled);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  }
  yield { bytes: block.subarray(0, filled), isLast: true };
}
