import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { openStore } from '../../src/objectstore/open.ts';
import { probe } from '../../src/objectstore/probe.ts';
import { parts, temporaryFolder } from './stores.ts';

const signal = AbortSignal.any([]);

describe('openStore', () => {
  it('opens by URL', async () => {
    const folder = await temporaryFolder();
    const url = pathToFileURL(join(folder, 'a b', 'ü')).href;
    const { store } = await openStore(url, parts, signal);
    await store.putIfAbsent('k', Buffer.from('x'), signal);
    expect(await (await openStore(url, parts, signal)).store.size('k', signal)).toBe(1);
    expect((await openStore('memory:', parts, signal)).store.name).toBe('memory:');
    await rm(folder, { recursive: true });
  });

  it.each(['s3://user:secret@bucket/x', 'nonsense'])('refuses %s, lists what there is and tells no secret', async (url) => {
    const opening = openStore(url, parts, signal);
    await expect(opening).rejects.toThrow(/file:\/\/\/PATH[^]*memory:/);
    await expect(opening).rejects.not.toThrow('secret');
  });

  it.each(['file://host/path', 'file:///path?x=1', 'file:///'])('refuses %s', async (url) => {
    await expect(openStore(url, parts, signal)).rejects.toThrow('an absolute path');
  });
});

/** A store that is right but for what `broken` does otherwise. */
function storeWith(broken: (right: ObjectStore, objects: Map<string, Uint8Array>) => Partial<ObjectStore>): ObjectStore {
  const objects = new Map<string, Uint8Array>();
  const right = memoryStore(objects);
  const methods: Partial<ObjectStore> = broken(right, objects);
  return new Proxy(right, {
    get: (target, name: keyof ObjectStore) => {
      const method = methods[name] ?? target[name];
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}

describe('probe', () => {
  it.each([
    ['accepts a second create', storeWith((_, objects) => ({ putIfAbsent: async (key, body) => (objects.set(key, body), 'created') }))],
    [
      'does not keep the content of the first create',
      storeWith((right, objects) => ({
        putIfAbsent: async (key, body, signal) => {
          const outcome = await right.putIfAbsent(key, body, signal);
          objects.set(key, body);
          return outcome;
        },
      })),
    ],
    [
      'of 8 racing creates of one key it accepts 8',
      storeWith((_, objects) => ({
        putIfAbsent: async (key, body) => {
          const exists = objects.has(key);
          await new Promise((resolve) => setTimeout(resolve, 1));
          if (!exists) objects.set(key, body);
          return exists ? 'exists' : 'created';
        },
      })),
    ],
    ['its list does not show', storeWith(() => ({ list: async function* () {} }))],
    ['it still has an object', storeWith(() => ({ delete: async () => {} }))],
    [
      'cannot be used: time-out',
      storeWith(() => ({
        putIfAbsent: async () => {
          throw new Error('time-out');
        },
      })),
    ],
  ])('refuses a store that %s', async (fault, store) => {
    await expect(probe(store, parts, signal)).rejects.toThrow(fault);
  });

  it('passes on what the store says, and cleans up', async () => {
    const objects = new Map<string, Uint8Array>();
    const right = memoryStore(objects);
    const store = new Proxy(right, {
      get: (target, name: keyof ObjectStore) =>
        name === 'list'
          ? () => {
              throw new StoreUnavailable('no list today');
            }
          : typeof target[name] === 'function'
            ? target[name].bind(target)
            : target[name],
    });
    await expect(probe(store, parts, signal)).rejects.toThrow('no list today');
    expect(objects.size).toBe(0);
  });
});
