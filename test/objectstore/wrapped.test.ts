/** Each wrapper by itself, and all as openStore puts them together, is a store like any other. */
import { describe } from 'vitest';
import { foundWhenUsed } from '../../src/objectstore/wrappers/found-when-used.ts';
import { gathering } from '../../src/objectstore/wrappers/gathering.ts';
import { limited } from '../../src/objectstore/wrappers/limited.ts';
import { measured } from '../../src/objectstore/wrappers/measured.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { retrying } from '../../src/objectstore/wrappers/retrying.ts';
import { describeObjectStore } from '../conformance/objectstore.ts';
import { parts } from './stores.ts';

const few = { short: 2, long: 1, waiting: 1000, idle: 60_000 };

const wrappers: readonly (readonly [string, (store: ObjectStore) => ObjectStore])[] = [
  ['gathering', (store) => gathering(store)],
  ['measured', (store) => measured(store, parts)],
  ['limited to few requests', (store) => limited(store, parts, few)],
  ['retrying', (store) => retrying(store, parts)],
  ['found when it is used', (store) => foundWhenUsed(store.name, async () => store)],
  ['all of these', (store) => retrying(limited(measured(gathering(store), parts), parts), parts)],
];

describe.each(wrappers)('a store that is %s', (_name, wrap) =>
  describeObjectStore(async () => {
    const objects = new Map<string, Uint8Array>();
    return { clients: [wrap(memoryStore(objects)), wrap(memoryStore(objects))], destroy: async () => {} };
  }),
);
