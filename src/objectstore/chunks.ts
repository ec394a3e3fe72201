/** Streams cut into pieces of one size. */
import { handBack } from '../base/hand-back.ts';

/**
 * Bytes that are taken at first, and how many times as much when they are full: most streams are shorter than a chunk, and the garbage
 * collector runs for memory that was taken, whether it is used or not.
 */
const firstBytes = 256 << 10;
const growth = 8;

/** The bytes of `source` in pieces of exactly `size`, but for the last, which is not empty. Each piece is memory of its own. */
export async function* inChunks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let chunk = Buffer.alloc(0);
  let held = 0;
  let room = Math.min(size, firstBytes);
  for await (const piece of source)
    for (let at = 0; at < piece.length;) {
      if (held === chunk.length) {
        chunk = enlarged(chunk, room);
        room = Math.min(size, room * growth);
      }
      const taken = Math.min(chunk.length - held, piece.length - at);
      chunk.set(piece.subarray(at, at + taken), held);
      at += taken;
      held += taken;
      if (held < size) continue;
      yield chunk;
      chunk = Buffer.alloc(0);
      held = 0;
    }
  if (held > 0) yield chunk.subarray(0, held);
}

function enlarged(bytes: Uint8Array, length: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(length);
  larger.set(bytes);
  handBack(bytes);
  return larger;
}
