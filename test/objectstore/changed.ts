import type { ObjectStore } from '../../src/objectstore/objectstore.ts';

/** The same store but for these. */
export function changed(store: ObjectStore, changes: Partial<ObjectStore>): ObjectStore {
  return {
    name: store.name,
    putIfAbsent: (...given) => store.putIfAbsent(...given),
    upload: (...given) => store.upload(...given),
    read: (...given) => store.read(...given),
    stream: (...given) => store.stream(...given),
    size: (...given) => store.size(...given),
    list: (...given) => store.list(...given),
    delete: (...given) => store.delete(...given),
    close: () => store.close(),
    ...changes,
  };
}
