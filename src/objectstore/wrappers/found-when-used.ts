/** A store that is looked for whenever something is asked of it: who has it does not know, or care, whether it is open. */
import type { ObjectStore } from '../objectstore.ts';

/** Each call fails as `find` does. What is found is closed by whoever has opened it. */
export function foundWhenUsed(name: string, find: (signal: AbortSignal) => Promise<ObjectStore>): ObjectStore {
  return {
    name,
    putIfAbsent: async (key, body, signal, sha256) => (await find(signal)).putIfAbsent(key, body, signal, sha256),
    upload: async (key, body, signal) => (await find(signal)).upload(key, body, signal),
    read: async (key, signal, range) => (await find(signal)).read(key, signal, range),
    stream: async (key, signal, range) => (await find(signal)).stream(key, signal, range),
    size: async (key, signal) => (await find(signal)).size(key, signal),
    list: async function* (prefix, signal, startAfter) {
      yield* (await find(signal)).list(prefix, signal, startAfter);
    },
    delete: async (key, signal) => (await find(signal)).delete(key, signal),
    close: async () => {},
  };
}
