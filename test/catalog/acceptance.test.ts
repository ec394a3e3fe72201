/** After an operator has accepted that a store has gone back, everybody goes on, and no number is ever given out twice. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptRollback, surveyRollback } from '../../src/catalog/rollback/acceptance.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { openIndex } from '../../src/catalog/local-index/index-store.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { checkpointKey } from '../../src/catalog/paths.ts';
import { RolledBack } from '../../src/catalog/rollback/rollback.ts';
import { StorageExpired } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import type { StoreUnderTest } from '../conformance/objectstore.ts';
import { collect } from '../conformance/storage-samples.ts';
import { stores } from '../objectstore/stores.ts';
import { CatalogFixture, domain } from './fixture.ts';
import { accept, add, contentOf, MemoryAnchor, partsOf, resource, restore, segment, signal } from './gone-back.ts';

const billion = 1_000_000_000;

let fixture: CatalogFixture;
beforeEach(() => {
  fixture = new CatalogFixture();
});
afterEach(() => fixture.destroy());

const namesIn = async (catalog: Catalog) =>
  (await collect(await catalog.list({ resource, at: 'latest' }, signal))).map(({ key }) => key.name).join('');

const nextOf = (catalog: Catalog, since: number) => catalog.watch({ resource, since }, signal)[Symbol.asyncIterator]().next();

describe.each(stores)('an accepted roll-back of a store ($name)', ({ create }) => {
  let under: StoreUnderTest;
  let store: ObjectStore;
  let anchor: MemoryAnchor;
  beforeEach(async () => {
    under = await create();
    store = under.clients[0];
    anchor = new MemoryAnchor();
  });
  afterEach(() => under.destroy());

  const remove = (...keys: string[]) => Promise.all(keys.map((key) => store.delete(key, signal)));

  async function fill(names = 'abcdef'): Promise<void> {
    const catalog = await fixture.open(store, { index: 'kept', anchor });
    for (const name of names) await add(catalog, name);
    await catalog.close();
  }

  /** The one with index and anchor, the one that lost its index, the one without an anchor, and a new one. */
  async function openAll(): Promise<readonly Catalog[]> {
    const lost = new MemoryAnchor();
    lost.point = anchor.point;
    const alone = await fixture.open(store, { anchor: lost });
    const whole = await fixture.open(store, { index: 'kept', anchor });
    await whole.close();
    return [alone, await fixture.open(store, { index: 'kept', anchor }), await fixture.open(store)];
  }

  async function expectSound(names: string, above: number): Promise<void> {
    for (const [i, catalog] of (await openAll()).entries()) {
      expect(await namesIn(catalog)).toBe(names);
      expect(catalog.current()).toBeGreaterThan(above);
      await expect(nextOf(catalog, 3)).rejects.toBeInstanceOf(StorageExpired);
      await expect(catalog.list({ resource, at: { rv: 3, exact: true } }, signal)).rejects.toBeInstanceOf(StorageExpired);
      const number = await add(catalog, `z${i}`);
      expect(number).toBeGreaterThan(above);
      expect((await nextOf(catalog, number - 1)).value).toMatchObject([{ rv: number }]);
      await catalog.write({ op: 'delete', key: { resource, namespace: 'ns', name: `z${i}` }, expect: number }, signal);
      await catalog.close();
    }
  }

  it('goes on with what is left, for everybody', async () => {
    await fill();
    await remove(segment(5), segment(6));
    await expect(fixture.open(store, { index: 'kept' })).rejects.toBeInstanceOf(RolledBack);
    expect(await accept(fixture, store)).toMatchObject({ head: { n: 4, rv: 5 }, beyond: [], hasMarker: true, firstRV: 5 + billion });
    await expectSound('abcd', 7);
  });

  it('puts aside what lies beyond a gap, and checkpoints of it', async () => {
    await fill();
    const before = await contentOf(store);
    const ahead = checkpointKey(domain, 6, '0123456789abcdef');
    await store.putIfAbsent(ahead, Buffer.from('torn'), signal);
    await remove(segment(4));
    const { beyond } = await accept(fixture, store, anchor.point);
    expect(beyond).toEqual([segment(5), segment(6), ahead]);
    const after = await contentOf(store);
    for (const key of [segment(6), ahead]) expect(after.has(key)).toBe(false);
    const aside = [...after.keys()].filter((key) => key.includes('/lost/'));
    expect(aside.map((key) => key.replace(/lost\/[^/]+\//, ''))).toEqual([ahead, segment(5), segment(6)]);
    expect(after.get(aside[1] ?? '')).toEqual(before.get(segment(5)));
    await expectSound('abc', 7);
  });

  it('puts aside what follows on another log', async () => {
    await fill();
    const before = await contentOf(store);
    await remove(segment(5), segment(6));
    const amnesiac = await fixture.open(store);
    await add(amnesiac, 'x');
    await amnesiac.close();
    await store.putIfAbsent(segment(6), before.get(segment(6)) ?? Buffer.of(), signal);
    expect((await accept(fixture, store)).beyond).toEqual([segment(6)]);
    await expectSound('abcdx', 7);
  });

  it('begins an emptied store anew, behind the numbers of the anchor', async () => {
    await fill();
    await restore(store, new Map());
    expect(await accept(fixture, store, anchor.point)).toMatchObject({ head: { n: 0 }, hasMarker: false, firstRV: 7 + billion });
    await expectSound('', 7);
  });

  it('begins an emptied store anew that somebody has begun anew', async () => {
    await fill();
    await restore(store, new Map());
    const amnesiac = await fixture.open(store);
    await add(amnesiac, 'x');
    await amnesiac.close();
    await accept(fixture, store, anchor.point);
    await expectSound('x', 7);
  });

  it('goes on behind the numbers of what is put aside, though nobody remembers them', async () => {
    await fill();
    await remove(segment(1), 'kylon.json');
    expect(await accept(fixture, store)).toMatchObject({ beyond: [2, 3, 4, 5, 6].map(segment), firstRV: 7 + billion });
    await expectSound('', 7);
  });

  it('keeps everything where old objects were deleted, but a checkpoint is there', async () => {
    const catalog = await fixture.open(store, { index: 'kept', anchor, checkpoints: { segments: 1, bytes: 1, interval: 5 } });
    for (const name of 'abcd') await add(catalog, name);
    const made = async () => [...(await contentOf(store)).keys()].some((key) => key.startsWith(checkpointKey(domain, 4, '').slice(0, -5)));
    await expect.poll(made, { timeout: 5000 }).toBe(true);
    for (const name of 'ef') await add(catalog, name);
    await catalog.close();
    await remove(segment(1), segment(2));
    for (const index of ['kept', 'new'])
      await expect(fixture.open(store, { index })).rejects.toThrow('as a lifecycle rule of the bucket does');
    expect(await accept(fixture, store)).toMatchObject({ head: { n: 6, rv: 7 }, beyond: [] });
    await expectSound('abcdef', 7);
    await remove(...[3, 4, 5, 6, 7].map(segment));
    for (const index of ['kept', 'newer'])
      await expect(fixture.open(store, { index })).rejects.toThrow('as a lifecycle rule of the bucket does');
  });

  it('puts aside what lies before a gap that a checkpoint bridges', async () => {
    const catalog = await fixture.open(store, { index: 'kept', anchor, checkpoints: { segments: 1, bytes: 1, interval: 5 } });
    for (const name of 'abcd') await add(catalog, name);
    const made = async () => [...(await contentOf(store)).keys()].some((key) => key.startsWith(checkpointKey(domain, 4, '').slice(0, -5)));
    await expect.poll(made, { timeout: 5000 }).toBe(true);
    for (const name of 'ef') await add(catalog, name);
    await catalog.close();
    await remove(segment(3));
    await expect(fixture.open(store)).rejects.toBeInstanceOf(RolledBack);
    expect(await accept(fixture, store)).toMatchObject({ head: { n: 6 }, beyond: [], bridged: [1, 2].map(segment) });
    expect(await accept(fixture, store)).toMatchObject({ fault: undefined, firstRV: undefined });
    await expectSound('abcdef', 7);
  });

  it('is not forgotten by a second one that goes back behind it', async () => {
    await fill();
    const early = await contentOf(store);
    await remove(segment(6));
    await accept(fixture, store);
    const catalog = await fixture.open(store, { index: 'kept', anchor });
    const last = await add(catalog, 'x');
    await catalog.close();
    await restore(store, early);
    await remove(segment(5), segment(6));
    await accept(fixture, store);
    // Without what the replica remembers the numbers do not jump far enough; it sees that.
    await expect(fixture.open(store, { anchor })).rejects.toBeInstanceOf(RolledBack);
    await accept(fixture, store, anchor.point);
    await expectSound('abcd', last);
  });

  it('needs to be done once', async () => {
    await fill();
    await remove(segment(6));
    await accept(fixture, store, anchor.point);
    const content = await contentOf(store);
    expect(await accept(fixture, store, anchor.point)).toMatchObject({ beyond: [], hasMarker: true, firstRV: undefined });
    expect(await contentOf(store)).toEqual(content);
  });

  it('refuses a domain that is not in the store', async () => {
    await fill();
    const parts = { ...(await partsOf(fixture, store)), domain: 'slip' };
    await expect(surveyRollback(parts, signal)).rejects.toThrow(`nothing of the domain slip, but d/${domain}/log/`);
  });

  it('refuses a log that is damaged, since that may be mended', async () => {
    await fill();
    await remove(segment(4));
    await store.putIfAbsent(segment(4), Buffer.of(), signal);
    await expect(surveyRollback(await partsOf(fixture, store), signal)).rejects.toThrow(`${segment(4)}: is not a segment`);
  });
});

describe('an acceptance', () => {
  it('can be ended at any request and begun again, and the store is refused until it is done', async () => {
    const store = memoryStore();
    const anchor = new MemoryAnchor();
    const catalog = await fixture.open(store, { anchor });
    for (const name of 'abcdef') await add(catalog, name);
    await catalog.close();
    for (const key of [segment(4), 'kylon.json']) await store.delete(key, signal);
    const before = await contentOf(store);
    const remembered = anchor.point;
    for (let requests = 0; ; requests++) {
      await restore(store, before);
      anchor.point = remembered;
      if (!(await dies(store, requests))) break;
      await expect(fixture.open(store), `after ${requests} requests`).rejects.toBeInstanceOf(RolledBack);
      await expect(fixture.open(store, { anchor })).rejects.toBeInstanceOf(RolledBack);
      await accept(fixture, store, anchor.point);
      const again = await fixture.open(store, { anchor });
      expect(await namesIn(again)).toBe('abc');
      expect(again.current()).toBeGreaterThan(billion);
      await again.close();
    }
  });

  it('moves the newest first, which replicas remember, and checkpoints after the segments', async () => {
    const store = memoryStore();
    const catalog = await fixture.open(store);
    for (const name of 'abcdef') await add(catalog, name);
    await catalog.close();
    const ahead = [5, 6].map((n) => checkpointKey(domain, n, '0123456789abcdef'));
    for (const key of ahead) await store.putIfAbsent(key, Buffer.from('torn'), signal);
    await store.delete(segment(3), signal);
    const deleted: string[] = [];
    const watched = wrapped(store, (name, key) => {
      if (name === 'delete') deleted.push(key);
    });
    await accept(fixture, watched);
    expect(deleted).toEqual([...[6, 5, 4].map(segment), ...ahead.toReversed()]);
  });

  it('is refused where somebody writes meanwhile', async () => {
    const store = memoryStore();
    const catalog = await fixture.open(store);
    for (const name of 'abcdef') await add(catalog, name);
    await catalog.close();
    const last = await store.read(segment(6), signal);
    await store.delete(segment(3), signal);
    const parts = await partsOf(fixture, store);
    const survey = await surveyRollback(parts, signal);
    await store.putIfAbsent(segment(7), last, signal);
    const before = await contentOf(store);
    await expect(acceptRollback(parts, survey, signal)).rejects.toThrow(`${segment(7)}: the log changes meanwhile`);
    expect(await contentOf(store)).toEqual(before);
    await store.delete(segment(7), signal);
    const busy = wrapped(store, async (name, key) => {
      if (name === 'delete' && key === segment(5)) await store.putIfAbsent(segment(7), last, signal);
    });
    await expect(acceptRollback({ ...parts, store: busy }, survey, signal)).rejects.toThrow(`${segment(7)}: the log changes meanwhile`);
  });

  /** A store whose changes are told before they are done. */
  function wrapped(right: ObjectStore, tell: (name: string, key: string) => unknown): ObjectStore {
    return new Proxy(right, {
      get: (target, name: keyof ObjectStore) => {
        const method = target[name];
        if (typeof method !== 'function') return method;
        const isChange = name === 'putIfAbsent' || name === 'upload' || name === 'delete';
        return (...args: never[]) => {
          const done = isChange ? tell(name, args[0] ?? '') : undefined;
          const call = () => (method as (...given: never[]) => unknown).apply(target, args);
          return done instanceof Promise ? done.then(call) : call();
        };
      },
    });
  }

  /** Accepts with a store that takes so many changes, and then none; true if it needed more. */
  async function dies(right: ObjectStore, requests: number): Promise<boolean> {
    let left = requests;
    const counted = wrapped(right, () => {
      if (left-- <= 0) throw new Error('killed');
    });
    const parts = await partsOf(fixture, counted);
    return surveyRollback(parts, signal)
      .then((survey) => acceptRollback(parts, survey, signal))
      .then(
        () => false,
        () => true,
      );
  }
});

describe('a jump', () => {
  it('ends watches of a process that runs, and what it kept of history is gone', async () => {
    const objects = new Map<string, Uint8Array>();
    const store = memoryStore(objects);
    const catalog = await fixture.open(store, { index: 'running', interval: 5 });
    await add(catalog, 'a');
    const number = await add(catalog, 'b');
    await catalog.write({ op: 'update', key: { resource, namespace: 'ns', name: 'b' }, json: '{"b":2}', expect: number }, signal);
    const watched = expect(nextOf(catalog, catalog.current())).rejects.toBeInstanceOf(StorageExpired);
    const exact = await catalog.list({ resource, at: { rv: 2, exact: true } }, signal);
    expect(await collect(exact)).toHaveLength(1);
    await accept(fixture, store);
    await watched;
    expect(await namesIn(catalog)).toBe('ab');
    await expect(catalog.list({ resource, at: { rv: 2, exact: true } }, signal)).rejects.toBeInstanceOf(StorageExpired);
    const since = catalog.current();
    const next = nextOf(catalog, since);
    const added = await add(catalog, 'c');
    expect((await next).value).toMatchObject([{ rv: added }]);
    expect(added).toBe(since + 1);
    await catalog.close();
    const index = await openIndex(indexHome(await fixture.path('running')), await identityOf(store));
    const view = index.view();
    const keys: string[] = [];
    for await (const page of view.historyKeys()) keys.push(...page);
    expect(keys).toHaveLength(1);
    expect(index.found).toMatchObject({ rv: added, horizon: since });
    await view.close();
    await index.close();
  });

  const identityOf = async (store: ObjectStore) => ({
    store: (JSON.parse(Buffer.from(await store.read('kylon.json', signal)).toString()) as { store: string }).store,
    domain,
  });
});

describe('numbers', () => {
  /** What happens to a store, by two replicas; `cut` is where it is cut off, as a part of its length. */
  const step = fc.record({
    writes: fc.array(fc.nat(1), { maxLength: 4 }),
    cut: fc.double({ min: 0, max: 1, noNaN: true }),
    told: fc.nat(1),
  });

  it('are given out once, however often the store goes back', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        const store = memoryStore();
        const anchors = [new MemoryAnchor(), new MemoryAnchor()];
        const given = new Map<number, string>();
        const name = `run-${run++}`;
        for (const [round, { writes, cut, told }] of steps.entries()) {
          const replicas = await Promise.all(anchors.map((anchor, i) => fixture.open(store, { anchor, index: `${name}-${i}` })));
          for (const [i, replica] of writes.entries()) {
            const text = `n${round}-${i}`;
            const number = await add(replicas[replica]!, text);
            expect(given.get(number), `${number} was given to ${given.get(number)}`).toBeUndefined();
            given.set(number, text);
          }
          // A list has a number too, which must stay what it was.
          for (const replica of replicas) expect(await replica.latest(signal)).toBeGreaterThanOrEqual(Math.max(1, ...given.keys()));
          await Promise.all(replicas.map((replica) => replica.close()));
          const logged = [...(await contentOf(store)).keys()].filter((key) => key.includes('/log/'));
          for (const key of logged.slice(Math.round(cut * logged.length))) await store.delete(key, signal);
          await accept(fixture, store, anchors[told]!.point);
        }
      }),
      { numRuns: 15, seed: 20261121 },
    );
  });
});
