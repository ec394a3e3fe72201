/** A store that may only be read: what is in its catalog can be seen, and nothing can be changed. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageReadOnly } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreDenied } from '../../src/objectstore/objectstore.ts';
import { probe } from '../../src/objectstore/probe/probe.ts';
import { storeWith } from '../objectstore/liars.ts';
import { parts } from '../objectstore/stores.ts';
import { CatalogFixture } from './fixture.ts';

const { signal } = new AbortController();
const key = (name: string) => ({ resource: 'things', namespace: 'n', name });
const create = (name: string) => ({ op: 'create' as const, key: key(name), json: '{"a":1}' });

let fixture: CatalogFixture;
beforeEach(() => {
  fixture = new CatalogFixture();
});
afterEach(() => fixture.destroy());

/** Counts what would have been written. */
function readable(objects: Map<string, Uint8Array>) {
  const tries: string[] = [];
  const deny = (key: string) => {
    tries.push(key);
    return Promise.reject(new StoreDenied(`${key}: access denied`));
  };
  return { tries, store: storeWith(() => ({ putIfAbsent: deny, upload: deny, delete: deny }), objects) };
}

async function reasonOf(store: ObjectStore): Promise<string> {
  const { denied = '' } = await probe(store, parts, signal);
  expect(denied).toContain('access denied');
  return denied;
}

describe('a catalog in a store that may only be read', () => {
  it('shows everything, follows the log, and refuses writes with the reason', async () => {
    const objects = new Map<string, Uint8Array>();
    const writer = await fixture.open(memoryStore(objects));
    const first = await writer.write(create('a'), signal);
    const { store, tries } = readable(objects);
    const readOnly = await reasonOf(store);
    tries.length = 0;
    const catalog = await fixture.open(store, { readOnly, checkpoints: { segments: 1, bytes: 1, interval: 10 } });
    expect(await catalog.get(key('a'), signal)).toMatchObject({ rv: first });
    const second = await writer.write(create('b'), signal);
    expect(await catalog.get(key('b'), signal)).toMatchObject({ rv: second });
    const write = catalog.write(create('c'), signal);
    await expect(write).rejects.toBeInstanceOf(StorageReadOnly);
    await expect(write).rejects.toThrow('access denied');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tries).toEqual([]);
  });

  it('is refused where there is none: it cannot be made', async () => {
    const { store, tries } = readable(new Map());
    await expect(fixture.open(store, { readOnly: 'access denied' })).rejects.toThrow(
      /^kylon.json: is missing in memory:, and cannot be made there: access denied\. Name a store/,
    );
    expect(tries).toEqual([]);
  });
});
