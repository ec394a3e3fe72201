import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { randomIds } from '../../../src/base/ids.ts';
import { createArchiveWriter } from '../../../src/engine/archive/writer.ts';
import { createResultsWriter } from '../../../src/engine/archive/results.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import { StoreConflict, StoreFull, StoreUnavailable } from '../../../src/objectstore/objectstore.ts';
import { folder, manyItems, never, newItem, openMemory, writeArchive } from './archives.ts';

/** A store that refuses one file after so many pieces. */
function failing(store: ObjectStore, file: string, pieces: number, error: Error): ObjectStore {
  return {
    ...openMemory().store,
    delete: (...given) => store.delete(...given),
    putIfAbsent: (...given) => store.putIfAbsent(...given),
    upload: (key, body, signal) => store.upload(key, key.endsWith(file) ? cut(body, pieces, error) : body, signal),
  };
}
async function* cut(body: AsyncIterable<Uint8Array>, pieces: number, error: Error): AsyncGenerator<Uint8Array> {
  let left = pieces;
  for await (const piece of body) {
    if (left-- === 0) throw error;
    yield piece;
  }
}
async function writeAll(store: ObjectStore, count: number): Promise<void> {
  const writer = await createArchiveWriter(store, folder, randomIds, never);
  try {
    for (const item of manyItems(count)) await writer.add(item);
    await writer.finish('log');
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

describe('the archive writer', () => {
  it('takes back all that it wrote when the last write fails', async () => {
    const { store, objects } = openMemory();
    const full: ObjectStore = {
      ...store,
      putIfAbsent: async (key, ...given) =>
        key.endsWith('manifest.json') ? Promise.reject(new StoreFull('no room')) : store.putIfAbsent(key, ...given),
    };
    await expect(writeAll(full, 500)).rejects.toThrow('no room');
    expect([...objects.keys()]).toEqual([]);
  });

  it.each(['archive.tar.gz', 'items'])('fails with the store when it refuses %s, and leaves nothing behind', async (file) => {
    const { store, objects } = openMemory();
    const error = new StoreFull('no room');
    await expect(writeAll(failing(store, file, 1, error), 6000)).rejects.toBe(error);
    expect([...objects.keys()]).toEqual([]);
  });

  it('leaves no log behind that arrives after the items have failed', async () => {
    const { store, objects } = openMemory();
    const arrived = Promise.withResolvers<void>();
    const slow: ObjectStore = {
      ...failing(store, 'items', 1, new StoreFull('no room')),
      putIfAbsent: async (key, body) => {
        await sleep(50);
        const outcome = await store.putIfAbsent(key, body, never);
        arrived.resolve();
        return outcome;
      },
    };
    await expect(writeAll(slow, 10)).rejects.toThrow('no room');
    await arrived.promise;
    expect([...objects.keys()]).toEqual([]);
  });

  it('leaves nothing behind when it is given up', async () => {
    const { store, objects } = openMemory();
    const writer = await createArchiveWriter(store, folder, randomIds, never);
    for (const item of manyItems(2000)) await writer.add(item);
    await writer.abort();
    expect([...objects.keys()]).toEqual([]);
    await expect(writer.add(newItem({ name: 'late' }))).rejects.toThrow('given up');
  });

  it('rejects with the reason of the signal', async () => {
    const stop = new AbortController();
    const writer = await createArchiveWriter(memoryStore(), folder, randomIds, stop.signal);
    await writer.add(newItem({ name: 'a' }));
    stop.abort(new Error('enough'));
    await expect(writer.add(newItem({ name: 'b' }))).rejects.toThrow('enough');
    await expect(writer.finish('')).rejects.toThrow('enough');
    await writer.abort();
  });

  it('does not touch what another writer left in the same folder', async () => {
    const { store, objects } = openMemory();
    await writeArchive(store, manyItems(10));
    const before = new Map(objects);
    await expect(writeAll(store, 20)).rejects.toBeInstanceOf(StoreConflict);
    expect([...objects.keys()]).toEqual([...before.keys()]);
    expect([...objects].every(([key, bytes]) => before.get(key) === bytes)).toBe(true);
  });

  it('finishes when the outcome of its last write was unknown, but it was done', async () => {
    const { store } = openMemory();
    const shaky: ObjectStore = {
      ...store,
      putIfAbsent: async (key, body, signal) => {
        await store.putIfAbsent(key, body, signal);
        throw new StoreUnavailable('connection lost');
      },
    };
    await writeAll(shaky, 3);
    const lost: ObjectStore = { ...store, putIfAbsent: async () => Promise.reject(new StoreUnavailable('connection lost')) };
    const writer = await createArchiveWriter(lost, 'other', randomIds, never);
    await expect(writer.finish('')).rejects.toThrow('connection lost');
    await writer.abort();
  });

  it('holds back whoever adds faster than the store takes', async () => {
    const store = memoryStore();
    const gate = Promise.withResolvers<void>();
    const slow: ObjectStore = {
      ...openMemory().store,
      putIfAbsent: (...given) => store.putIfAbsent(...given),
      upload: async (key, body, signal) => {
        await gate.promise;
        return store.upload(key, body, signal);
      },
    };
    const writer = await createArchiveWriter(slow, folder, randomIds, never);
    let added = 0;
    const adding = (async () => {
      for (const item of manyItems(200, { manifest: [Buffer.alloc(60_000)] })) {
        await writer.add(item);
        added++;
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(added).toBeLessThan(40);
    gate.resolve();
    await adding;
    expect((await writer.finish('')).items).toBe(200);
  });
});

describe('the results writer', () => {
  it('leaves nothing behind when it is given up, nor takes away what is not its own', async () => {
    const { store, objects } = openMemory();
    const result = { group: '', resource: 'pods', namespace: 'x', name: 'a', outcome: 'created', message: '' } as const;
    const first = await createResultsWriter(store, folder, never);
    await first.add(result);
    await first.abort();
    expect([...objects.keys()]).toEqual([]);
    const second = await createResultsWriter(store, folder, never);
    await second.finish('log');
    const third = await createResultsWriter(store, folder, never);
    await third.add(result);
    await expect(third.finish('log')).rejects.toBeInstanceOf(StoreConflict);
    await third.abort();
    expect([...objects.keys()].sort()).toEqual([`${folder}/log`, `${folder}/results`]);
  });
});
