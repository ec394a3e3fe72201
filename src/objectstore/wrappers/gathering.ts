/**
 * Joins the small pieces in which streams come: each of them costs all the layers above the same, whatever it holds. One is read ahead of its
 * reader.
 */
import { handBack } from '../../base/hand-back.ts';
import { gathered } from '../../base/pieces.ts';
import type { ObjectStore } from '../objectstore.ts';

const pieceBytes = 256 * 1024;

export function gathering(store: ObjectStore): ObjectStore {
  return {
    name: store.name,
    putIfAbsent: (...given) => store.putIfAbsent(...given),
    upload: (key, body, signal) => store.upload(key, body, signal),
    read: (key, signal, range) => store.read(key, signal, range),
    stream: async (key, signal, range) => {
      const { size, body } = await store.stream(key, signal, range);
      return { size, body: ahead(gathered(body, pieceBytes, handBack)) };
    },
    size: (key, signal) => store.size(key, signal),
    list: (prefix, signal, startAfter) => store.list(prefix, signal, startAfter),
    delete: (key, signal) => store.delete(key, signal),
    close: () => store.close(),
  };
}

/** The next one is read while a reader is at work with this one: else store and reader would wait for each other in turns. */
async function* ahead(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let next = pieces.next();
  try {
    for (let found = await next; !found.done; found = await next) {
      next = pieces.next();
      // Told when it is its turn.
      next.catch(() => {});
      yield found.value;
    }
  } finally {
    // Not waited for: a generator in the middle of a step takes the request only after that.
    pieces.return(undefined).catch(() => {});
  }
}
