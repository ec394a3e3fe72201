/** Entries packed: the blocks of a checkpoint, which lie in the index as they came. A line is `key NUL value`, ended by a newline. */
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';

export interface Block {
  /** The lines, by deflate without a header. */
  readonly packed: Uint8Array;
  /** Bytes of the lines before. */
  readonly length: number;
}

/** About what the lines of a block have; those of one large object have more. */
export const blockBytes = 64 * 1024;
/** Blocks up to so many bytes are packed at once: quicker than the way to another thread and back. */
const mostAtOnce = 2 * blockBytes;
/** More than a text has, so that zlib sees its end without asking for more room; 64 is the least that it takes. */
const spareBytes = 64;
const deflateAside = promisify(deflateRaw);
const inflateAside = promisify(inflateRaw);

export async function packBlock(lines: Uint8Array): Promise<Block> {
  const { length } = lines;
  return { length, packed: length <= mostAtOnce ? deflateRawSync(lines, { level: 1 }) : await deflateAside(lines, { level: 1 }) };
}

/** Rejects where it cannot be read, or does not have the length that it says. */
export async function unpackBlock(block: Block): Promise<Buffer> {
  return block.length <= mostAtOnce ? unpackNow(block) : ofLength(await inflateAside(block.packed, limitsOf(block)), block);
}

/** As unpackBlock, for who cannot wait. */
export function unpackNow(block: Block): Buffer {
  // In one piece: putting pieces together takes a quarter as long as inflating them.
  return ofLength(inflateRawSync(block.packed, { ...limitsOf(block), chunkSize: block.length + spareBytes }), block);
}

const limitsOf = ({ length }: Block) => ({ maxOutputLength: Math.max(length, 1) });

function ofLength(lines: Buffer, { length }: Block): Buffer {
  if (lines.length !== length) throw new Error(`${lines.length} bytes, not ${length}`);
  return lines;
}
