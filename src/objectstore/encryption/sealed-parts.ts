/** Parts of the content of an encrypted object: which chunks hold them, and how they come out of those. */
import { handBack } from '../../base/hand-back.ts';
import { inChunks } from '../chunks.ts';
import type { ByteRange } from '../objectstore.ts';
import { StoreDamaged } from '../objectstore.ts';
import { boundsOf } from '../ranges.ts';
import type { ObjectCipher } from './sealing.ts';
import { chunkBytes, headerBytes, openChunk, sealedChunkBytes } from './sealing.ts';

/** What is known of an object before its content is read. */
export interface Head {
  readonly cipher: ObjectCipher;
  /** Of the content. */
  readonly size: number;
}

export interface Part {
  readonly head: Head;
  /** The first byte of the content, and the one behind the last. */
  readonly start: number;
  readonly end: number;
  readonly firstChunk: number;
  readonly chunks: number;
}

/** At least one chunk: so it is proved, too, that there is nothing. Throws StoreRange. */
export function partOf(head: Head, range: ByteRange | undefined): Part {
  const { start, end } = boundsOf(head.cipher.key, head.size, range);
  const firstChunk = Math.floor(start / chunkBytes);
  return { head, start, end, firstChunk, chunks: Math.max(1, Math.ceil(end / chunkBytes) - firstChunk) };
}

/** Where the chunks lie in the encrypted object; the last may be shorter. */
export function sealedRange({ firstChunk, chunks }: Part): ByteRange {
  return { start: headerBytes + firstChunk * sealedChunkBytes, length: chunks * sealedChunkBytes };
}

/** The content of `part`, whose chunks are `sealed`. Throws StoreDamaged. */
export function openPart(part: Part, sealed: Uint8Array): Uint8Array {
  const chunk = (i: number) => sealed.subarray(i * sealedChunkBytes, (i + 1) * sealedChunkBytes);
  return Buffer.concat(Array.from({ length: part.chunks }, (_, i) => openPiece(part, part.firstChunk + i, chunk(i))));
}

/** As openPart, while the chunks come. */
export async function* openParts(part: Part, sealed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let index = part.firstChunk;
  for await (const chunk of inChunks(sealed, sealedChunkBytes)) {
    const piece = openPiece(part, index++, chunk);
    handBack(chunk);
    if (piece.length > 0) yield piece;
  }
  if (index < part.firstChunk + part.chunks) throw new StoreDamaged(`${part.head.cipher.key} is damaged: it ends before chunk ${index}`);
}

/** What chunk `index` holds of the part. */
function openPiece({ head: { cipher, size }, start, end }: Part, index: number, sealed: Uint8Array): Uint8Array {
  const at = index * chunkBytes;
  const content = openChunk(cipher, index, at + chunkBytes >= size, sealed);
  return content.subarray(Math.max(0, start - at), Math.max(0, end - at));
}
