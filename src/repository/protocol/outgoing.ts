/** The body of a file on its way out: a stream of the store for a fast reader. A slow one gets piece by piece, and holds nothing of the store meanwhile. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { Place } from './lanes.ts';

/** Bytes that lie in memory for a slow reader. */
const pieceBytes = 256 * 1024;

export interface Part {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** `stream` holds the part, and is cut when the place is no longer in the fast lane. The place is given back at the end. */
export async function* outgoing(
  store: ObjectStore,
  { key, start, end }: Part,
  stream: AsyncIterable<Uint8Array>,
  place: Place,
): AsyncGenerator<Uint8Array> {
  using _ = place;
  let at = start;
  try {
    for await (const piece of stream) {
      at += piece.length;
      using _ = place.clientsTurn();
      yield piece;
    }
  } catch (error) {
    place.signal.throwIfAborted();
    if (!place.fast.aborted) throw error;
  }
  while (at < end) {
    const piece = await store.read(key, place.signal, { start: at, length: Math.min(pieceBytes, end - at) });
    at += piece.length;
    yield piece;
  }
}
