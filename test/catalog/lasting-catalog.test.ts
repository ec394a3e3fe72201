/** A catalog that has met a fault answers nothing, and comes back by itself once the cause is gone. */
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import type { LastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import { openLastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import { StorageUnavailable } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { CatalogFixture, domain } from './fixture.ts';

const fixture = new CatalogFixture();
const opened: LastingCatalog[] = [];
const { signal } = new AbortController();
const key = (name: string) => ({ resource: 'things', namespace: 'n', name });
const create = (name: string) => ({ op: 'create' as const, key: key(name), json: '{"a":1}' });

async function open(objects: Map<string, Uint8Array>) {
  const parts = { clock: systemClock, ids: randomIds, log: createLog('silent'), replica: 'test', interval: 20 };
  const catalog = await openLastingCatalog({
    store: memoryStore(objects),
    domain,
    index: indexHome(await fixture.path('lasting')),
    ...parts,
  });
  opened.push(catalog);
  return catalog;
}

/** What another writer left in the next slot. */
function damage(objects: Map<string, Uint8Array>): string {
  const slots = [...objects.keys()].filter((name) => name.endsWith('.seg')).toSorted();
  const next = (slots.at(-1) ?? '').replace(/\d+(?=\.seg)/, (n) => String(Number(n) + 1).padStart(20, '0'));
  objects.set(next, new TextEncoder().encode('not a segment'));
  return next;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});
afterAll(() => fixture.destroy());

describe('a lasting catalog', () => {
  it('refuses everything while its log cannot be read, and goes on when it can', async () => {
    const objects = new Map<string, Uint8Array>();
    const catalog = await open(objects);
    const first = await catalog.write(create('a'), signal);
    const events = catalog.watch({ resource: 'things', since: first }, signal)[Symbol.asyncIterator]();
    const watched = expect(events.next()).rejects.toBeInstanceOf(StorageUnavailable);
    const slot = damage(objects);
    await expect(catalog.get(key('a'), signal)).rejects.toBeInstanceOf(StorageUnavailable);
    await watched;
    await expect(catalog.write(create('b'), signal)).rejects.toBeInstanceOf(StorageUnavailable);
    objects.delete(slot);
    await expect.poll(() => catalog.get(key('a'), signal).catch(() => undefined), { timeout: 10_000 }).toMatchObject({ rv: first });
    expect(await catalog.write(create('b'), signal)).toBe(first + 1);
  });

  it('tells a fault at the start, and waits for nothing', async () => {
    const objects = new Map<string, Uint8Array>();
    const catalog = await open(objects);
    await catalog.write(create('a'), signal);
    await catalog.close();
    const slot = damage(objects);
    await expect(open(objects)).rejects.toThrow(`memory:: ${slot}: `);
  });

  it('can be closed while it is being opened anew', async () => {
    const objects = new Map<string, Uint8Array>();
    const catalog = await open(objects);
    await catalog.write(create('a'), signal);
    damage(objects);
    await expect(catalog.get(key('a'), signal)).rejects.toBeInstanceOf(StorageUnavailable);
    await catalog.close();
  });
});
