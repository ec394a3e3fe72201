/** A catalog that begins from a checkpoint answers as one that has followed the log; and an index that is not whole is not used. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openLastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import { packBlock } from '../../src/catalog/local-index/block.ts';
import { lineOf } from '../../src/catalog/local-index/index-keys.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import type { ListQuery, Stored, StoredEvent } from '../../src/machinery/storage.ts';
import { StorageExpired } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { collect } from '../conformance/storage-samples.ts';
import { CatalogFixture, domain } from './fixture.ts';

const signal = AbortSignal.any([]);
const resource = 'widgets.example.com';
const keyOf = (name: string) => ({ resource, namespace: 'ns', name });
const checkpoints = { segments: 5, bytes: 1_000_000, interval: 5 };

let fixture: CatalogFixture;
let objects: Map<string, Uint8Array>;
beforeEach(() => {
  fixture = new CatalogFixture();
  objects = new Map();
});
afterEach(() => fixture.destroy());

const made = () => [...objects.keys()].filter((key) => key.endsWith('.ckpt')).toSorted();
const add = (catalog: Pick<Catalog, 'write'>, name: string, value = '') =>
  catalog.write({ op: 'create', key: keyOf(name), json: `{"name":"${name}","value":"${value}"}` }, signal);
const change = (catalog: Catalog, name: string, expect: number) =>
  catalog.write({ op: 'update', key: keyOf(name), json: `{"name":"${name}","at":${expect}}`, expect }, signal);

async function eventsSince(catalog: Catalog, since: number): Promise<StoredEvent[]> {
  const stop = new AbortController();
  const seen: StoredEvent[] = [];
  for await (const events of catalog.watch({ resource, since }, stop.signal)) {
    seen.push(...events);
    if (events.at(-1)?.rv === catalog.current()) stop.abort();
  }
  return seen;
}

const listedAt = async (catalog: Catalog, rv: number): Promise<readonly Stored[]> =>
  collect(await catalog.list({ resource, at: { rv, exact: true } }, signal));

/** Six segments, a checkpoint of them, and two more. */
async function filled(): Promise<Catalog> {
  const catalog = await fixture.open(memoryStore(objects), { checkpoints, index: 'first' });
  for (const name of ['a', 'b', 'c', 'd']) await add(catalog, name);
  await change(catalog, 'a', 2);
  await catalog.write({ op: 'delete', key: keyOf('b'), expect: 3 }, signal);
  await expect.poll(made).toHaveLength(1);
  await add(catalog, 'e');
  await change(catalog, 'c', 4);
  return catalog;
}

describe('a cold start from a checkpoint', () => {
  it('reads of the log only what is behind it', async () => {
    await filled();
    const reads: string[] = [];
    const store = memoryStore(objects);
    const read = store.read.bind(store);
    store.read = (key, ...rest) => (reads.push(key), read(key, ...rest));
    await fixture.open(store);
    const at = Number(/(\d+)\.[0-9a-f]+\.ckpt$/.exec(made()[0] ?? '')?.[1]);
    const numbers = reads.flatMap((key) => (key.endsWith('.seg') ? [Number(key.slice(-24, -4))] : []));
    expect(at).toBeGreaterThanOrEqual(5);
    expect(Math.min(...numbers)).toBe(at);
    expect(numbers).toContain(8);
  });

  it('gives lists at every number, events after every number, and the next number, as before', async () => {
    const before = await filled();
    const after = await fixture.open(memoryStore(objects));
    expect(after.current()).toBe(before.current());
    for (let rv = 1; rv <= before.current(); rv++) {
      expect(await listedAt(after, rv)).toEqual(await listedAt(before, rv));
      if (rv < before.current()) expect(await eventsSince(after, rv)).toEqual(await eventsSince(before, rv));
    }
    expect(await add(after, 'f')).toBe(10);
  });

  it('goes on with a list in pages where another process began it', async () => {
    const before = await filled();
    const query = { resource, limit: 2, at: { rv: 5, exact: true } };
    const first = await collect(await before.list(query, signal));
    const after = await fixture.open(memoryStore(objects));
    const rest = await collect(await after.list({ ...query, after: first.at(-1)!.key }, signal));
    expect([...first, ...rest].map(({ key, rv }) => [key.name, rv])).toEqual([
      ['a', 2],
      ['b', 3],
      ['c', 4],
      ['d', 5],
    ]);
  });

  it('has the history of the window, and no more', async () => {
    const window = { changes: 10, milliseconds: 0 };
    const catalog = await fixture.open(memoryStore(objects), { window, checkpoints });
    await Promise.all(Array.from({ length: 1500 }, (_, i) => add(catalog, `n${i}`)));
    for (let i = 0; i < 5; i++) await add(catalog, `m${i}`);
    await expect.poll(made).toHaveLength(1);
    const cold = await fixture.open(memoryStore(objects), { window });
    expect(cold.current()).toBe(catalog.current());
    const horizon = 1001;
    expect(await eventsSince(cold, horizon)).toHaveLength(cold.current() - horizon);
    await expect(eventsSince(cold, horizon - 1)).rejects.toBeInstanceOf(StorageExpired);
    await expect(listedAt(cold, horizon - 1)).rejects.toBeInstanceOf(StorageExpired);
    expect(await listedAt(cold, horizon)).toHaveLength(horizon - 1);
  });

  it('is what follows on an index that is absent, foreign, or of a format that is not known', async () => {
    const before = await filled();
    const state = await listedAt(before, before.current());
    const elsewhere = await fixture.open(memoryStore(), { index: 'other' });
    await add(elsewhere, 'x');
    await elsewhere.close();
    const foreign = await fixture.open(memoryStore(objects), { index: 'other' });
    expect(await listedAt(foreign, foreign.current())).toEqual(state);
    await foreign.close();
    const index = new Level(join(await fixture.path('other'), 'changes'));
    await index.put('m', (await index.get('m')).replace(/"format":\d+/, '"format":99'));
    await index.close();
    const later = await fixture.open(memoryStore(objects), { index: 'other' });
    expect(await listedAt(later, later.current())).toEqual(state);
  });

  it.each([false, true])('that was interrupted leaves nothing that is taken for an index, its blocks whole: %s', async (isWhole) => {
    const before = await filled();
    const home = indexHome(await fixture.path('half'));
    const kv = await home.open();
    const filling = await kv.fill();
    const lines = Buffer.from(lineOf(`c\0${resource}\0ns\0ghost`, '2\0{}'));
    await filling.add(await packBlock(lines), lines);
    if (isWhole) await filling.end();
    await kv.close();
    const after = await fixture.open(memoryStore(objects), { index: 'half' });
    expect(await listedAt(after, after.current())).toEqual(await listedAt(before, before.current()));
  });
});

describe('a page of very many', () => {
  it('counts what remains up to some thousands', async () => {
    const catalog = await fixture.open(memoryStore(objects));
    for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: 2000 }, (_, n) => add(catalog, `n${i * 2000 + n}`)));
    const remaining = async (limit: number, at: ListQuery['at']) => {
      const page = await catalog.list({ resource, limit, at }, signal);
      await collect(page);
      return page.remaining();
    };
    for (const at of ['any' as const, { rv: 6000, exact: true }]) {
      expect(await remaining(500, at)).toBe(Number.POSITIVE_INFINITY);
      expect(await remaining(4500, at)).toBe(at === 'any' ? 1500 : 1499);
    }
  });
});

describe('an index of which a loss of power took something', () => {
  /** Overwrites bytes in the middle of LevelDB's log, as a page that never reached the disk. */
  async function tear(folder: string): Promise<void> {
    const name = (await readdir(folder)).find((file) => file.endsWith('.log')) ?? '';
    const bytes = await readFile(join(folder, name));
    expect(bytes.length).toBeGreaterThan(150_000);
    bytes.fill(0, bytes.length >> 1, (bytes.length >> 1) + 4096);
    await writeFile(join(folder, name), bytes);
  }

  it('is made anew before anybody reads it', async () => {
    const catalog = await fixture.open(memoryStore(objects), { index: 'torn' });
    for (let i = 0; i < 100; i++) await add(catalog, `n${i}`, 'x'.repeat(2000));
    const state = await listedAt(catalog, catalog.current());
    await catalog.close();
    await tear(join(await fixture.path('torn'), 'changes'));
    const again = await fixture.open(memoryStore(objects), { index: 'torn' });
    expect(await listedAt(again, again.current())).toEqual(state);
  });

  it('that only a thorough look finds is found in the background, and made anew', async () => {
    const catalog = await fixture.open(memoryStore(objects), { index: 'kept' });
    for (const name of ['a', 'b', 'c']) await add(catalog, name);
    await catalog.close();
    const folder = await fixture.path('kept');
    const index = new Level(join(folder, 'changes'));
    await index.del(`c\0${resource}\0ns\0b`);
    await index.close();
    const told: unknown[] = [];
    const log = { ...createLog('silent'), error: (_: string, fields = {}) => void told.push(fields) };
    const parts = {
      store: memoryStore(objects),
      domain,
      index: indexHome(folder),
      clock: systemClock,
      ids: randomIds,
      log,
      replica: 'r',
    };
    const lasting = await openLastingCatalog(parts);
    await expect.poll(() => lasting.get(keyOf('b'), signal).catch(() => undefined), { timeout: 5000 }).toMatchObject({ rv: 3 });
    expect(told).toEqual([{ error: 'the index is damaged and is made anew: the objects do not have the digest that belongs to them' }]);
    await lasting.close();
    await rm(folder, { recursive: true });
  });
});
