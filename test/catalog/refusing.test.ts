/** What clients see of a store that has gone back under a running process: 503 and when to come again, never an empty list. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { messageOf } from '../../src/base/lifetime.ts';
import { createLog } from '../../src/base/log.ts';
import type { Log } from '../../src/base/log.ts';
import type { LastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import { openLastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import type { Storage } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { allThings, createServer, thingPath } from '../machinery/toys.ts';
import { CatalogFixture, domain } from './fixture.ts';
import { MemoryAnchor, segment, signal } from './gone-back.ts';

const fixture = new CatalogFixture();
let catalog: LastingCatalog | undefined;
afterEach(async () => {
  await catalog?.close();
  await fixture.destroy();
});

describe('an API whose store has gone back', () => {
  it('tells clients why it cannot be opened, in the words of the log', async () => {
    const objects = new Map<string, Uint8Array>();
    const told: unknown[] = [];
    const log: Log = { ...createLog('silent'), error: (message, fields) => void told.push(message, fields) };
    let later = 0;
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + later };
    const index = indexHome(await fixture.path('emptied'));
    const anchor = new MemoryAnchor();
    const parts = { index, anchor, clock, log, ids: randomIds, replica: 'test', interval: 1_000_000 };
    catalog = await openLastingCatalog({ store: memoryStore(objects), domain, ...parts });
    const storage = catalog;
    const write = (name: string) => storage.write({ op: 'create', key: { resource: 'things', namespace: 'n', name }, json: '{}' }, signal);
    await write('a');
    objects.clear();
    later = 61_000;
    await expect(write('b')).rejects.toThrow('is missing, but was seen here');
    const refusal = () => storage.latest(signal).then(String, messageOf);
    await expect.poll(refusal, { timeout: 5_000 }).toContain('kylon.json: is missing, but a segment was seen here: the store was emptied');
    expect(told).toContainEqual({ error: await refusal() });
    expect(() => storage.current()).toThrow('the store was emptied');
  });

  it('answers 503 to everything until the store is whole again', async () => {
    const objects = new Map<string, Uint8Array>();
    let later = 0;
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + later };
    const parts = { clock, ids: randomIds, log: createLog('silent'), replica: 'test', interval: 1_000_000 };
    catalog = await openLastingCatalog({ store: memoryStore(objects), domain, index: indexHome(await fixture.path('api')), ...parts });
    const { api, request } = createServer();
    (api as { storage: Storage }).storage = catalog;
    const create = (name: string) => request('POST', thingPath, { body: { metadata: { name }, spec: {} } });
    for (const name of ['a', 'b']) expect((await create(name)).code).toBe(201);
    const newest = objects.get(segment(2)) ?? Buffer.of();
    objects.delete(segment(2));
    later = 61_000;
    const paths = [
      ...['a', 'a?resourceVersion=0', 'a?resourceVersion=2', 'nope'].map((name) => `${thingPath}/${name}`),
      ...['', '?resourceVersion=0', '?resourceVersion=2', '?resourceVersion=2&resourceVersionMatch=Exact', '?limit=1'].map(
        (q) => allThings + q,
      ),
      ...['', '&resourceVersion=0', '&resourceVersion=2', '&resourceVersion=99'].map((q) => `${allThings}?watch=true${q}`),
    ];
    // Before and after it is closed, while it is opened anew again and again.
    for (let round = 0; round < 3; round++) {
      expect(await create('c')).toMatchObject({ code: 503, status: { details: { retryAfterSeconds: 1 } } });
      for (const path of paths)
        expect(await request('GET', path), path).toMatchObject({ code: 503, status: { details: { retryAfterSeconds: 1 } } });
      await systemClock.sleep(300, new AbortController().signal);
    }
    expect((await request('GET', allThings)).status.message).toContain(`${segment(2)}: is missing, but was seen here`);
    objects.set(segment(2), newest);
    await expect.poll(async () => (await request('GET', allThings)).code, { timeout: 10_000 }).toBe(200);
    expect((await create('c')).code).toBe(201);
  });
});
