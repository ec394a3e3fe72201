/** Stores that break one promise each, in the ways real ones do. */
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore, StoredKey } from '../../src/objectstore/objectstore.ts';
import { changed } from './changed.ts';

type Objects = Map<string, Uint8Array>;

/** A store that is right but for what `broken` does otherwise. */
export function storeWith(
  broken: (right: ObjectStore, objects: Objects) => Partial<ObjectStore>,
  objects: Objects = new Map(),
): ObjectStore {
  const right = memoryStore(objects);
  return changed(right, broken(right, objects));
}

const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

/** Every create makes a version; reads get the newest, a delete hides them. */
function versioned(objects: Objects): Partial<ObjectStore> {
  const versions = new Map<string, Uint8Array[]>();
  return {
    putIfAbsent: async (key, body) => {
      versions.set(key, [...(versions.get(key) ?? []), body]);
      objects.set(key, body);
      return 'created';
    },
  };
}

function listing(change: (keys: readonly StoredKey[], after: string | undefined) => readonly StoredKey[]) {
  return (right: ObjectStore): Partial<ObjectStore> => ({
    list: async function* (prefix, signal, after) {
      const keys: StoredKey[] = [];
      for await (const key of right.list(prefix, signal)) keys.push(key);
      yield* change(keys, after);
    },
  });
}

const behind = (keys: readonly StoredKey[], after = '') => keys.filter(({ key }) => key > after);

/** What it does, what the probe says of it, and the store. */
export const liars: readonly (readonly [string, string, ObjectStore])[] = [
  [
    'ignores the condition',
    'it accepts a second create of the same key and replaces the first: it ignores put-if-absent',
    storeWith((_, objects) => ({ putIfAbsent: async (key, body) => (objects.set(key, body), 'created') })),
  ],
  [
    'says created twice, and keeps the first',
    'it answers "created" to a second create of the same key, though it keeps the first content',
    storeWith((right) => ({ putIfAbsent: async (...args) => (await right.putIfAbsent(...args), 'created') })),
  ],
  [
    'looks first and writes then, so that races have several winners',
    'it accepts 8 of 8 racing creates of one key, not one',
    storeWith((_, objects) => ({
      putIfAbsent: async (key, body) => {
        const exists = objects.has(key);
        await soon();
        if (!exists) objects.set(key, body);
        return exists ? 'exists' : 'created';
      },
    })),
  ],
  [
    'lets one win a race, and keeps what another wrote',
    'it does not keep what the winner of a race wrote',
    storeWith((right, objects) => ({
      putIfAbsent: async (key, body, signal) => {
        const outcome = await right.putIfAbsent(key, body, signal);
        if (key.includes('race')) objects.set(key, body);
        return outcome;
      },
    })),
  ],
  ['lets nobody win a race', 'it accepts none of 8 racing creates of a new key', storeWith(nobodyWins)],
  ['makes a version of every create', 'as some stores do in versioned buckets', storeWith((_, objects) => versioned(objects))],
  [
    'forgets what it says it has created',
    'it answers "created", and then does not have the object',
    storeWith(() => ({ putIfAbsent: async () => 'created' })),
  ],
  ['remembers that a key was missing', 'it answers "created", and then does not have the object', storeWith(remembersMissing)],
  [
    'reads something older',
    'it answers "created", and then reads other content',
    storeWith((right) => ({
      read: async (key, signal, range) => (range ? right.read(key, signal, range) : Buffer.from('something that was there before')),
    })),
  ],
  ['lists nothing', 'it lists 0 of 10 keys that were just created', storeWith(listing(() => []))],
  [
    'lists in another order',
    'it does not list keys in the order of their bytes',
    storeWith(listing((keys, after) => behind(keys, after).toReversed())),
  ],
  [
    'loses a key at the end of each page',
    'it lists 8 of 10 keys that were just created',
    storeWith(listing((keys, after) => behind(keys, after).filter((_, i) => i % 4 !== 3))),
  ],
  ['does not know startAfter', 'as if startAfter were not there', storeWith(listing((keys) => keys))],
  [
    'takes startAfter for the first key',
    'it lists keys that were not asked for, as if startAfter were not there',
    storeWith(listing((keys, after = '') => keys.filter(({ key }) => key >= after))),
  ],
  [
    'says exists, and replaces',
    'it answers "exists" to a second create of the same key, and replaces the content all the same',
    storeWith((right, objects) => ({
      putIfAbsent: async (key, body, signal) => {
        const outcome = await right.putIfAbsent(key, body, signal);
        objects.set(key, body);
        return outcome;
      },
    })),
  ],
  [
    'sends the whole for a range',
    'it sends other bytes than the range that is asked for',
    storeWith((right) => ({ read: (key, signal) => right.read(key, signal) })),
  ],
  [
    'begins a range one byte too late',
    'it sends other bytes than the range that is asked for: "bcdef" instead of "abcde"',
    storeWith((right) => ({
      read: (key, signal, range) => right.read(key, signal, range && { ...range, start: range.start + 1 }),
    })),
  ],
  [
    'uploads over what is there',
    'it accepts an upload over a key that exists',
    storeWith((_, objects) => ({
      upload: async (key, body) => {
        for await (const piece of body) objects.set(key, piece);
        return { bytes: 0, sha256: '' };
      },
    })),
  ],
  ['tells another size', 'it says that an object of 36 bytes has 35', storeWith(tellsAnotherSize)],
  ['says that everything exists', 'it says that a new key exists already', storeWith(() => ({ putIfAbsent: async () => 'exists' }))],
  ['does not delete', 'it still lists an object that was just deleted', storeWith(() => ({ delete: async () => {} }))],
  ['deletes from its lists only', 'it still has an object that was just deleted', storeWith(deletesFromLists)],
];

function nobodyWins(right: ObjectStore): Partial<ObjectStore> {
  return { putIfAbsent: async (key, ...rest) => (key.includes('race') ? 'exists' : right.putIfAbsent(key, ...rest)) };
}

function remembersMissing(right: ObjectStore): Partial<ObjectStore> {
  const missing = new Set<string>();
  return {
    size: async (key, signal) => {
      const size = missing.has(key) ? undefined : await right.size(key, signal);
      if (size === undefined) missing.add(key);
      return size;
    },
  };
}

function tellsAnotherSize(right: ObjectStore): Partial<ObjectStore> {
  return {
    size: async (key, signal) => {
      const size = await right.size(key, signal);
      return size === undefined ? undefined : size - 1;
    },
  };
}

function deletesFromLists(right: ObjectStore): Partial<ObjectStore> {
  const deleted = new Set<string>();
  return {
    delete: async (key) => void deleted.add(key),
    list: async function* (...args) {
      for await (const stored of right.list(...args)) if (!deleted.has(stored.key)) yield stored;
    },
  };
}
