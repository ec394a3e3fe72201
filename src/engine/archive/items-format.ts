/** The bytes of the items file: blocks of lines, an index of the blocks, a footer. docs/format.md tells it in full. */
import { compareKeys } from './item-key.ts';

/** All of one resource; its lines are in order of keys. */
export interface Block {
  /** `plural.group` */
  readonly resource: string;
  readonly first: string;
  readonly last: string;
  /** Of the gzip member in the items file. */
  readonly offset: number;
  readonly length: number;
  readonly items: number;
}

export interface Footer {
  readonly indexOffset: number;
  readonly indexLength: number;
}

const magic = 'KYLONIT1';
export const footerBytes = 16 + magic.length;

export function encodeFooter({ indexOffset, indexLength }: Footer): Buffer {
  const bytes = Buffer.alloc(footerBytes);
  bytes.writeBigUInt64BE(BigInt(indexOffset), 0);
  bytes.writeBigUInt64BE(BigInt(indexLength), 8);
  bytes.write(magic, 16);
  return bytes;
}

/** Undefined for bytes that are not the footer of a file of `size` bytes. */
export function decodeFooter(bytes: Uint8Array, size: number): Footer | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length !== footerBytes || view.toString('latin1', 16) !== magic) return undefined;
  const footer = { indexOffset: Number(view.readBigUInt64BE(0)), indexLength: Number(view.readBigUInt64BE(8)) };
  return footer.indexOffset + footer.indexLength + footerBytes === size ? footer : undefined;
}

/**
 * Blocks in order of keys, those whose ranges overlap together: within such a run the lines have to be sorted again. Blocks come
 * in the order in which the cluster was read, which is nearly always that of the keys: then every run is one block.
 */
export function runsOf(blocks: readonly Block[]): Block[][] {
  const runs: Block[][] = [];
  let last = '';
  for (const block of [...blocks].sort((left, right) => compareKeys(left.first, right.first))) {
    const run = runs.at(-1);
    if (run && block.first <= last) run.push(block);
    else runs.push([block]);
    last = run && last > block.last ? last : block.last;
  }
  return runs;
}
