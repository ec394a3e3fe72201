/** Streams cut into pieces of one size. */

/** The bytes of `source` in pieces of exactly `size`, but for the last, which is not empty. Each piece is memory of its own. */
export async function* inChunks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(size);
  let held = 0;
  for await (const piece of source)
    for (let at = 0; at < piece.length;) {
      const taken = Math.min(size - held, piece.length - at);
      chunk.set(piece.subarray(at, at + taken), held);
      at += taken;
      held += taken;
      if (held < size) continue;
      yield chunk;
      chunk = new Uint8Array(size);
      held = 0;
    }
  if (held > 0) yield chunk.subarray(0, held);
}
