import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { CatalogFault } from '../../src/catalog/fault.ts';
import { segmentKey } from '../../src/catalog/paths.ts';
import type { SegmentDraft } from '../../src/catalog/log/segment.ts';
import { openSegment, sealSegment } from '../../src/catalog/log/segment.ts';
import type { StoredEvent } from '../../src/machinery/storage.ts';
import { StorageConflict, StorageUnavailable } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { collect } from '../conformance/storage-samples.ts';
import { CatalogFixture, domain } from './fixture.ts';
import { Unreliable, inTurn } from './unreliable-store.ts';

const signal = AbortSignal.any([]);
const resource = 'widgets.example.com';
const keyOf = (name: string) => ({ resource, namespace: 'ns', name });
const textOf = (name: string, value = 0) => `{"kind":"Widget","metadata":{"name":"${name}"},"value":${value}}`;

let fixture: CatalogFixture;
let objects: Map<string, Uint8Array>;
beforeEach(() => {
  fixture = new CatalogFixture();
  objects = new Map();
});
afterEach(() => fixture.destroy());

const segment = (n: number) => segmentKey(domain, n);
const add = (catalog: Catalog, name: string) => catalog.write({ op: 'create', key: keyOf(name), json: textOf(name) }, signal);
const listed = async (catalog: Catalog) => collect(await catalog.list({ resource, at: 'latest' }, signal));

async function eventsOf(catalog: Catalog): Promise<StoredEvent[]> {
  const stop = new AbortController();
  const seen: StoredEvent[] = [];
  for await (const events of catalog.watch({ resource, since: 1 }, stop.signal)) {
    seen.push(...events);
    if (events.at(-1)?.rv === catalog.current()) stop.abort();
  }
  return seen;
}

/** Five segments: three creates, an update, a delete. Closed; its index is in `index`. */
async function fill(index = 'kept'): Promise<{ state: unknown; events: StoredEvent[] }> {
  const catalog = await fixture.open(memoryStore(objects), { index });
  for (const name of ['a', 'b', 'c']) await add(catalog, name);
  await catalog.write({ op: 'update', key: keyOf('a'), json: textOf('a', 1), expect: 2 }, signal);
  await catalog.write({ op: 'delete', key: keyOf('b'), expect: 3 }, signal);
  const kept = { state: await listed(catalog), events: await eventsOf(catalog) };
  await catalog.close();
  return kept;
}

/** Removes one entry of a table, as LevelDB does when it finds a part of its own log damaged. */
async function lose(folder: string, table: string): Promise<void> {
  const index = new Level(join(folder, 'changes'));
  const [key = ''] = await index.keys({ gte: `${table}\0`, limit: 1 }).all();
  await index.del(key);
  await index.close();
}

describe('a catalog that is opened again', () => {
  it('has everything, and goes on with the next number', async () => {
    const kept = await fill();
    const again = await fixture.open(memoryStore(objects), { index: 'kept' });
    expect(again.current()).toBe(6);
    expect(await listed(again)).toEqual(kept.state);
    expect(await eventsOf(again)).toEqual(kept.events);
    expect(await add(again, 'd')).toBe(7);
    await expect(again.write({ op: 'update', key: keyOf('a'), json: textOf('a'), expect: 2 }, signal)).rejects.toBeInstanceOf(
      StorageConflict,
    );
  });

  it('reads of the log only what is new', async () => {
    await fill();
    const reads: string[] = [];
    const store = memoryStore(objects);
    const read = store.read.bind(store);
    store.read = (key, ...rest) => (reads.push(key), read(key, ...rest));
    await fixture.open(store, { index: 'kept' });
    expect(reads.filter((key) => key.endsWith('.seg'))).toEqual(expect.arrayContaining([segment(5), segment(6)]));
    expect(reads).not.toContain(segment(4));
  });

  it.each([
    ['was deleted', (folder: string) => rm(folder, { recursive: true })],
    ['is damaged', (folder: string) => writeFile(join(folder, 'CURRENT'), 'nonsense')],
    ['lacks a change', (folder: string) => lose(folder, 'h')],
  ])('makes its index anew when it %s', async (_, harm) => {
    const kept = await fill();
    await harm(await fixture.path('kept'));
    const again = await fixture.open(memoryStore(objects), { index: 'kept' });
    expect(await listed(again)).toEqual(kept.state);
    expect(await eventsOf(again)).toEqual(kept.events);
    expect(await add(again, 'd')).toBe(7);
  });

  it.each([
    ['an object', 'c'],
    ['an earlier state', 'v'],
  ])('finds in the background that its index lacks %s, and makes it anew', async (_, table) => {
    const kept = await fill();
    await lose(await fixture.path('kept'), table);
    const damaged = await fixture.open(memoryStore(objects), { index: 'kept' });
    expect((await damaged.ended).message).toContain('the index is damaged');
    await expect(damaged.get(keyOf('a'), signal)).rejects.toBeInstanceOf(StorageUnavailable);
    await damaged.close();
    const again = await fixture.open(memoryStore(objects), { index: 'kept' });
    expect(await listed(again)).toEqual(kept.state);
    expect(await eventsOf(again)).toEqual(kept.events);
  });

  it('throws an index of another store or domain away', async () => {
    const kept = await fill();
    const elsewhere = await fixture.open(memoryStore(), { index: 'kept' });
    expect(await listed(elsewhere)).toEqual([]);
    await elsewhere.close();
    const other = await fixture.open(memoryStore(objects), { index: 'kept', domain: 'other' });
    expect(await listed(other)).toEqual([]);
    await other.close();
    expect(await listed(await fixture.open(memoryStore(objects), { index: 'kept' }))).toEqual(kept.state);
  });

  it('refuses an index folder that is in use', async () => {
    await fixture.open(memoryStore(objects), { index: 'one' });
    await expect(fixture.open(memoryStore(objects), { index: 'one' })).rejects.toThrow(/index folder .*one is in use by another process/);
  });

  it('follows many segments of others, read ahead', async () => {
    const writer = await fixture.open(memoryStore(objects));
    for (let i = 0; i < 100; i++) await add(writer, `n${i}`);
    expect(await listed(await fixture.open(memoryStore(objects)))).toEqual(await listed(writer));
  });
});

describe('opening refuses', () => {
  const refusal = async (index = 'new') => {
    const before = new Map(objects);
    const error = await fixture.open(memoryStore(objects), { index }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CatalogFault);
    expect(objects).toEqual(before);
    return (error as Error).message;
  };
  const change = (n: number, edit: (bytes: Buffer) => Uint8Array) =>
    objects.set(segment(n), edit(Buffer.from(objects.get(segment(n)) ?? '')));

  it.each([1, 3, 5])('a flipped bit in segment %d', async (n) => {
    await fill();
    change(n, (bytes) => {
      bytes[bytes.length - 9]! ^= 4;
      return bytes;
    });
    expect(await refusal()).toBe(`${segment(n)}: is damaged: its body does not have the hash that its header names`);
  });

  it('a segment that is cut off', async () => {
    await fill();
    change(4, (bytes) => bytes.subarray(0, 300));
    expect(await refusal()).toContain(`${segment(4)}: is cut off in its header`);
  });

  it.each([1, 3])('a gap at segment %d', async (n) => {
    await fill();
    objects.delete(segment(n));
    expect(await refusal()).toContain(`${segment(n)}: is missing, but segment ${n + 1} is there: `);
  });

  it('a log that ends before the index, or is another there', async () => {
    await fill();
    const last = objects.get(segment(5)) ?? new Uint8Array();
    objects.delete(segment(5));
    expect(await refusal('kept')).toContain(`${segment(5)}: is missing, but was seen here: the store was rolled back`);
    const writer = await fixture.open(memoryStore(objects));
    await add(writer, 'another');
    expect(await refusal('kept')).toContain(`${segment(5)}: is not the segment that was seen here`);
    objects.set(segment(5), last);
    expect(await listed(await fixture.open(memoryStore(objects), { index: 'kept' }))).toHaveLength(2);
  });

  it('segments that were swapped', async () => {
    await fill();
    const [second, third] = [objects.get(segment(2)), objects.get(segment(3))];
    objects.set(segment(2), third ?? new Uint8Array());
    objects.set(segment(3), second ?? new Uint8Array());
    expect(await refusal()).toBe(`${segment(2)}: is segment 3, not 2`);
  });

  async function reseal(n: number, edit: Partial<SegmentDraft>, dropRecords = false): Promise<void> {
    const { header, records } = await openSegment(objects.get(segment(n)) ?? new Uint8Array(), '', { domain, n });
    const { prev, firstRV, attempt, writer, time, features, digest } = header;
    const sealed = await sealSegment(
      { domain, n, prev, firstRV, attempt, writer, time, features, digest, ...edit },
      dropRecords ? [] : records,
    );
    objects.set(segment(n), sealed.bytes);
  }

  it.each<[string, Partial<SegmentDraft>, string]>([
    ['a broken chain', { prev: 'f'.repeat(64) }, 'does not follow segment 4: it names another hash of it'],
    ['another state', { digest: 'f'.repeat(64) }, 'names another state after segment 4 than the one here'],
    ['a jump of numbers', { firstRV: 9 }, 'begins with number 9, but 6 is next'],
    ['another domain', { domain: 'other' }, `belongs to domain other, not ${domain}`],
    ['a feature it does not know', { features: { read: ['zstd'], write: [] } }, 'does not know: zstd'],
  ])('%s', async (_, edit, fault) => {
    await fill();
    await reseal(5, edit);
    expect(await refusal()).toBe(
      `${segment(5)}: ${fault}`.replace('does not know', 'needs features that this version of Kylon does not know'),
    );
  });

  it('a change of a state that is not there', async () => {
    await fill();
    const { header } = await openSegment(objects.get(segment(5)) ?? new Uint8Array(), '', { domain, n: 5 });
    const wrong = { op: 'delete' as const, key: keyOf('b'), prev: 2, json: '' };
    objects.set(segment(5), (await sealSegment(header, [wrong])).bytes);
    expect(await refusal()).toBe(`${segment(5)}: change 6 (delete ${resource} ns/b) replaces number 2, but 3 is there`);
  });

  it.each([
    ['{"format":2,"store":"x"}', 'names format 2; this version of Kylon knows format 1: run the one that memory: was used with'],
    ['nonsense', 'is not JSON'],
    ['null', "names no format: memory: is damaged, or not Kylon's"],
    ['{"name":"kylon"}', 'names no format'],
    ['{"format":1}', 'names no store'],
  ])('the marker %s', async (marker, fault) => {
    objects.set('kylon.json', Buffer.from(marker));
    expect(await refusal()).toContain(`kylon.json: ${fault}`);
  });

  it('leaves nothing half applied', async () => {
    await fill();
    const good = objects.get(segment(3)) ?? new Uint8Array();
    change(3, (bytes) => bytes.subarray(0, bytes.length - 1));
    await refusal('new');
    objects.set(segment(3), good);
    expect(await listed(await fixture.open(memoryStore(objects), { index: 'new' }))).toHaveLength(2);
  });
});

describe('a catalog that finds a damaged segment while it runs', () => {
  it('refuses reads and writes, ends watches, and names the object', async () => {
    const catalog = await fixture.open(memoryStore(objects), { interval: 1_000_000 });
    await add(catalog, 'a');
    const watching = (async () => {
      for await (const events of catalog.watch({ resource, since: 2 }, signal)) expect(events).toBeUndefined();
    })();
    watching.catch(() => {});
    objects.set(segment(2), Buffer.from('nonsense'));
    const told = `${segment(2)}: is not a segment`;
    await expect(catalog.get(keyOf('a'), signal)).rejects.toThrow(told);
    await expect(catalog.get(keyOf('a'), signal)).rejects.toBeInstanceOf(StorageUnavailable);
    await expect(catalog.list({ resource, at: 'any' }, signal)).rejects.toThrow(told);
    await expect(add(catalog, 'b')).rejects.toThrow(told);
    await expect(watching).rejects.toThrow(told);
    expect(() => catalog.peek(keyOf('a'))).toThrow(told);
    expect(objects.has(segment(3))).toBe(false);
  });

  it('finds it without being asked, too', async () => {
    const catalog = await fixture.open(memoryStore(objects), { interval: 5 });
    objects.set(segment(1), Buffer.from('nonsense'));
    await expect
      .poll(() => catalog.list({ resource, at: 'any' }, signal).catch((error: Error) => error.message))
      .toContain('not a segment');
  });

  it('does not know of a write whose slot turns out to be damaged', async () => {
    const catalog = await fixture.open(memoryStore(objects), { interval: 1_000_000 });
    objects.set(segment(1), Buffer.from('nonsense'));
    await expect(add(catalog, 'a')).rejects.toMatchObject({ name: 'StorageUnknown', message: expect.stringContaining(segment(1)) });
    await expect(add(catalog, 'a')).rejects.toBeInstanceOf(StorageUnavailable);
  });
});

describe('a log that only later versions may write', () => {
  it('is read, and not written', async () => {
    await fill();
    const { header, records } = await openSegment(objects.get(segment(5)) ?? new Uint8Array(), '', { domain, n: 5 });
    objects.set(segment(5), (await sealSegment({ ...header, features: { read: [], write: ['runs'] } }, records)).bytes);
    const catalog = await fixture.open(memoryStore(objects), { index: 'later' });
    expect(catalog.readOnly).toBe('the log may only be written by versions of Kylon that know: runs');
    expect(await listed(catalog)).toHaveLength(2);
    await expect(add(catalog, 'd')).rejects.toThrow('may only be written by versions of Kylon that know: runs');
    await catalog.close();
    await expect(add(await fixture.open(memoryStore(objects), { index: 'later' }), 'd')).rejects.toBeInstanceOf(StorageUnavailable);
    expect(objects.has(segment(6))).toBe(false);
  });
});

describe('requests to the store', () => {
  it('are few: many writes share a segment', async () => {
    const catalog = await fixture.open(memoryStore(objects));
    await Promise.all(Array.from({ length: 1200 }, (_, i) => add(catalog, `n${i}`)));
    expect([...objects.keys()].filter((key) => key.endsWith('.seg'))).toEqual([1, 2, 3].map(segment));
  });

  it('hold about a megabyte, or one larger object', async () => {
    const catalog = await fixture.open(memoryStore(objects));
    const sizes = [400_000, 400_000, 400_000, 3_000_000, 10];
    const numbers = await Promise.all(
      sizes.map((size, i) => catalog.write({ op: 'create', key: keyOf(`n${i}`), json: `{"a":"${'x'.repeat(size)}"}` }, signal)),
    );
    expect(numbers).toEqual([2, 3, 4, 5, 6]);
    expect(objects.has(segment(4))).toBe(true);
    expect(objects.has(segment(5))).toBe(false);
  });

  it('are shared by readers, but only by those who came before them', async () => {
    let reads = 0;
    let release = Promise.resolve();
    const store = memoryStore(objects);
    const read = store.read.bind(store);
    store.read = async (...args) => {
      reads++;
      const answer = await read(...args).catch((error: Error) => error);
      await release;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const catalog = await fixture.open(store, { interval: 1_000_000 });
    const other = await fixture.open(memoryStore(objects));
    reads = 0;
    await Promise.all(Array.from({ length: 50 }, () => catalog.get(keyOf('a'), signal)));
    expect(reads).toBe(1);
    const gate = Promise.withResolvers<void>();
    release = gate.promise;
    const early = catalog.latest(signal);
    await expect.poll(() => reads).toBe(2);
    await add(other, 'a');
    const late = Promise.all([catalog.latest(signal), catalog.latest(signal)]);
    gate.resolve();
    expect(await early).toBe(1);
    expect(await late).toEqual([2, 2]);
  });

  it('have a bound: who comes when too many wait is refused', async () => {
    const { store } = new Unreliable(memoryStore(objects), inTurn(['delayed']));
    const catalog = await fixture.open(store);
    const replies = await Promise.allSettled(Array.from({ length: 5100 }, (_, i) => add(catalog, `n${i}`)));
    const refused = replies.flatMap((reply) => (reply.status === 'rejected' ? [reply.reason as Error] : []));
    expect(refused).toHaveLength(100);
    expect(refused[0]?.message).toBe('5000 writes are waiting already');
  });
});

describe('a catalog', () => {
  it('finds what others write without being asked', async () => {
    const catalog = await fixture.open(memoryStore(objects), { interval: 5 });
    const other = await fixture.open(memoryStore(objects));
    await add(other, 'a');
    await expect.poll(() => catalog.peek(keyOf('a'))?.rv).toBe(2);
  });

  it('is made once, however many open a new store at the same time', async () => {
    const catalogs = await Promise.all(Array.from({ length: 4 }, () => fixture.open(memoryStore(objects))));
    const numbers = await Promise.all(catalogs.map((catalog, i) => add(catalog, `n${i}`)));
    expect(numbers.sort((a, b) => a - b)).toEqual([2, 3, 4, 5]);
    expect([...objects.keys()].filter((key) => !key.startsWith('d/'))).toEqual(['kylon.json']);
  });

  it('refuses a key or a text that could not be told apart in the log', async () => {
    const catalog = await fixture.open(memoryStore(objects));
    for (const name of ['', 'a\0b']) await expect(add(catalog, name)).rejects.toThrow('not a key');
    for (const json of ['', '{\n}', 'null', '{"a":1} '])
      await expect(catalog.write({ op: 'create', key: keyOf('a'), json }, signal)).rejects.toThrow('JSON text on one line');
  });

  it.each(['', 'a/b', '..', 'ä', 'x'.repeat(64)])('refuses the domain %j', async (wrong) => {
    await expect(fixture.open(memoryStore(), { domain: wrong })).rejects.toThrow('cannot name a domain');
  });

  it('keeps its index in its folder alone, and closes twice without complaint', async () => {
    const catalog = await fixture.open(memoryStore(objects), { index: 'deep/er/index' });
    await catalog.close();
    await catalog.close();
    expect(await readdir(await fixture.path('deep/er'))).toEqual(['index']);
  });

  it('does not open once its signal has aborted', async () => {
    await expect(fixture.open(memoryStore(), { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
  });
});
