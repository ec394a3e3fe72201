import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import type { StoredEvent } from '../../src/machinery/storage.ts';
import { StorageConflict, StorageUnavailable, StorageUnknown } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { collect } from '../conformance/storage-samples.ts';
import { CatalogFixture } from './fixture.ts';
import type { PutFault } from './unreliable-store.ts';
import { Unreliable, inTurn } from './unreliable-store.ts';

const signal = AbortSignal.any([]);
const resource = 'widgets.example.com';
/** Pauses pass in a moment, deadlines do not. */
const hasty: Clock = { ...systemClock, sleep: (ms, until) => systemClock.sleep(ms <= 1000 ? 1 : ms, until) };
const keyOf = (name: string) => ({ resource, namespace: 'ns', name });

let fixture: CatalogFixture;
beforeEach(() => {
  fixture = new CatalogFixture();
});
afterEach(() => fixture.destroy());

const create = (catalog: Catalog, name: string) => catalog.write({ op: 'create', key: keyOf(name), json: `{"${name}":0}` }, signal);

describe('a catalog on a store that fails', () => {
  it('says that a change was not written when the store is full, and writes it later', async () => {
    const { store } = new Unreliable(memoryStore(), inTurn(['full', 'denied']));
    const catalog = await fixture.open(store, { clock: hasty });
    await expect(create(catalog, 'a')).rejects.toThrow(/does not take the change: .*no room/);
    await expect(create(catalog, 'a')).rejects.toBeInstanceOf(StorageUnavailable);
    expect(await create(catalog, 'a')).toBe(2);
  });

  it('says that it does not know, refuses writes until it does, and answers reads all the time', async () => {
    const dropped: PutFault[] = Array.from({ length: 40 }, () => 'dropped');
    const { store } = new Unreliable(memoryStore(), inTurn(dropped));
    const catalog = await fixture.open(store, { clock: hasty });
    await expect(create(catalog, 'a')).rejects.toBeInstanceOf(StorageUnknown);
    await expect(create(catalog, 'b')).rejects.toThrow('what became of an earlier write');
    expect(await catalog.get(keyOf('b'), signal)).toBeUndefined();
    await expect.poll(() => create(catalog, 'c').catch(() => 0), { timeout: 5000 }).toBe(3);
    expect((await catalog.get(keyOf('a'), signal))?.rv).toBe(2);
  });

  it('closes while a write hangs', async () => {
    const { store } = new Unreliable(memoryStore(), inTurn(['hangs', 'hangs']));
    const impatient: Clock = { ...systemClock, sleep: (ms, until) => systemClock.sleep(ms / 200, until) };
    const catalog = await fixture.open(store, { clock: impatient });
    const writing = create(catalog, 'a').catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await catalog.close();
    expect(await writing).toBeInstanceOf(StorageUnknown);
  });

  it('says that reads are not possible while the store cannot be read, but for those that need not ask', async () => {
    const failing = { on: false };
    const { store } = new Unreliable(memoryStore(), { ...inTurn([]), read: () => failing.on });
    const catalog = await fixture.open(store, { clock: hasty });
    await create(catalog, 'a');
    failing.on = true;
    await expect(catalog.get(keyOf('a'), signal)).rejects.toThrow(/log cannot be read: .*reset/);
    await expect(catalog.latest(signal)).rejects.toBeInstanceOf(StorageUnavailable);
    expect(catalog.peek(keyOf('a'))?.rv).toBe(2);
    failing.on = false;
    expect((await catalog.get(keyOf('a'), signal))?.rv).toBe(2);
  });
});

interface Plan {
  readonly puts: readonly PutFault[];
  readonly reads: readonly boolean[];
  readonly delay: number;
}
type Reply = { readonly name: string; readonly reply: number | Error };

/** Two processes write at once under faults; then all is well again and both write once more. */
async function runHistory(plans: readonly Plan[], perWriter: number) {
  const objects = new Map<string, Uint8Array>();
  const state = { isFailing: false };
  const stores = plans.map(({ puts, reads, delay }) => new Unreliable(memoryStore(objects), { ...inTurn(puts, reads, state), delay }));
  const catalogs = await Promise.all(stores.map(({ store }) => fixture.open(store, { clock: hasty })));
  state.isFailing = true;
  const replies: Reply[] = [];
  const write = async (catalog: Catalog, name: string) => {
    const reply = await create(catalog, name).catch((error: Error) => error);
    replies.push({ name, reply });
  };
  await Promise.all(
    catalogs.flatMap((catalog, who) =>
      [0, 1, 2].map(async (writer) => {
        for (let i = 0; i < perWriter; i++) await write(catalog, `p${who}-w${writer}-${i}`);
      }),
    ),
  );
  await Promise.all(stores.flatMap(({ delayed }) => delayed));
  for (const [who, catalog] of catalogs.entries())
    await expect.poll(() => create(catalog, `last-${who}`).catch(() => 0), { timeout: 10_000, interval: 5 }).toBeGreaterThan(0);
  state.isFailing = false;
  return { objects, catalogs, replies };
}

async function eventsOf(catalog: Catalog): Promise<readonly StoredEvent[]> {
  const stop = new AbortController();
  const last = await catalog.latest(signal);
  const seen: StoredEvent[] = [];
  for await (const events of catalog.watch({ resource, since: 1 }, stop.signal)) {
    seen.push(...events);
    if (events.at(-1)?.rv === last) stop.abort();
  }
  return seen;
}

/** Every `ok` is there, once, under its number; every refusal is not; what is unknown is there once or not. */
function checkReplies(replies: readonly Reply[], events: readonly StoredEvent[]): void {
  const found = new Map<string, number>();
  for (const { key, rv } of events) {
    expect(found.has(key.name), `${key.name} is there twice`).toBe(false);
    found.set(key.name, rv);
  }
  for (const { name, reply } of replies) {
    if (typeof reply === 'number') expect(found.get(name), name).toBe(reply);
    else if (reply instanceof StorageUnavailable) expect(found.has(name), `${name}: ${reply.message}`).toBe(false);
    else expect(reply, name).toBeInstanceOf(StorageUnknown);
  }
}

describe('what was acknowledged', () => {
  const putFaults = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('ok' as const) },
      { weight: 6, arbitrary: fc.constantFrom<PutFault>('lost', 'dropped', 'delayed', 'full', 'denied') },
    ),
    { maxLength: 40 },
  );
  const readFaults = fc.array(fc.boolean(), { maxLength: 30 });
  const plan = fc.record({ puts: putFaults, reads: readFaults, delay: fc.integer({ min: 0, max: 12 }) });

  it('is there, each once, in every process and for a new one, whatever the store did', async () => {
    const seen = { ok: 0, unknown: 0, unavailable: 0 };
    await fc.assert(
      fc.asyncProperty(plan, plan, async (first, second) => {
        const { objects, catalogs, replies } = await runHistory([first, second], 4);
        const fresh = await fixture.open(memoryStore(objects));
        const events = await eventsOf(fresh);
        expect(events.map(({ rv }) => rv)).toEqual(events.map((_, i) => i + 2));
        for (const catalog of catalogs) expect(await eventsOf(catalog)).toEqual(events);
        checkReplies(replies, events);
        for (const { reply } of replies)
          seen[typeof reply === 'number' ? 'ok' : reply instanceof StorageUnknown ? 'unknown' : 'unavailable']++;
        await Promise.all([fresh, ...catalogs].map((catalog) => catalog.close()));
      }),
      { numRuns: 80, seed: 20261121 },
    );
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(10);
  });

  it('is not lost between racing updates of one object', async () => {
    const objects = new Map<string, Uint8Array>();
    const catalogs = [await fixture.open(memoryStore(objects)), await fixture.open(memoryStore(objects))];
    await create(catalogs[0]!, 'counter');
    const increment = async (catalog: Catalog): Promise<void> => {
      const found = await catalog.get(keyOf('counter'), signal);
      if (found === undefined) throw new Error('the counter is gone');
      const json = `{"counter":${(JSON.parse(found.json) as { counter: number }).counter + 1}}`;
      try {
        await catalog.write({ op: 'update', key: found.key, json, expect: found.rv }, signal);
      } catch (error) {
        if (!(error instanceof StorageConflict)) throw error;
        await increment(catalog);
      }
    };
    await Promise.all(Array.from({ length: 30 }, (_, i) => increment(catalogs[i % 2]!)));
    const page = await catalogs[0]!.list({ resource, at: 'latest' }, signal);
    expect((await collect(page)).map(({ json }) => json)).toEqual(['{"counter":30}']);
  });
});
