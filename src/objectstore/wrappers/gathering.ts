/** Joins the small pieces in which streams come: each of them costs all the layers above the same, whatever it holds. */
import type { ObjectStore } from '../objectstore.ts';

const pieceBytes = 256 * 1024;

export function gathering(store: ObjectStore): ObjectStore {
  return {
    name: store.name,
    putIfAbsent: (key, body, signal) => store.putIfAbsent(key, body, signal),
    upload: (key, body, signal) => store.upload(key, body, signal),
    read: (key, signal, range) => store.read(key, signal, range),
    stream: async (key, signal, range) => {
      const { size, body } = await store.stream(key, signal, range);
      return { size, body: gathered(body) };
    },
    size: (key, signal) => store.size(key, signal),
    list: (prefix, signal, startAfter) => store.list(prefix, signal, startAfter),
    delete: (key, signal) => store.delete(key, signal),
    close: () => store.close(),
  };
}

async function* gathered(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < pieceBytes) continue;
    yield joined(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield joined(held);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [first] = pieces;
  return first && pieces.length === 1 ? first : Buffer.concat(pieces);
}
