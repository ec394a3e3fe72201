/** A store that has gone back is refused, and changed by nobody. */
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import { fileAnchor } from '../../src/catalog/rollback/file-anchor.ts';
import { checkpointKey } from '../../src/catalog/paths.ts';
import { RolledBack } from '../../src/catalog/rollback/rollback.ts';
import { StorageUnavailable } from '../../src/machinery/storage.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import type { StoreUnderTest } from '../conformance/objectstore.ts';
import { settled, ManualClock } from '../manual-clock.ts';
import { stores } from '../objectstore/stores.ts';
import { CatalogFixture, domain } from './fixture.ts';
import { add, contentOf, MemoryAnchor, restore, segment, signal } from './gone-back.ts';

const key = { resource: 'widgets.example.com', namespace: 'ns', name: 'a' };

describe.each(stores)('a store ($name) that has gone back', ({ create }) => {
  let fixture: CatalogFixture;
  let under: StoreUnderTest;
  let store: ObjectStore;
  beforeEach(async () => {
    fixture = new CatalogFixture();
    under = await create();
    store = under.clients[0];
  });
  afterEach(async () => {
    await fixture.destroy();
    await under.destroy();
  });

  const anchorOf = async (name = 'anchor') => fileAnchor(await fixture.path(`${name}.json`));
  const remove = (...keys: string[]) => Promise.all(keys.map((key) => store.delete(key, signal)));

  /** Four segments; closed. Its index is `kept`, its anchor `anchor`. */
  async function fill(names = ['a', 'b', 'c', 'd']): Promise<void> {
    const catalog = await fixture.open(store, { index: 'kept', anchor: await anchorOf() });
    for (const name of names) await add(catalog, name);
    await catalog.close();
  }

  async function refusal(options: Parameters<CatalogFixture['open']>[1] = {}): Promise<string> {
    const before = await contentOf(store);
    const error: unknown = await fixture.open(store, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RolledBack);
    expect(await contentOf(store)).toEqual(before);
    const { message } = error as RolledBack;
    expect(message).toContain(
      `(${store.name}); restore the missing objects, or stop all replicas and run "kylon store accept-rollback URL --domain ${domain}"`,
    );
    expect(message).not.toMatch(/\. |\n/);
    return message;
  }

  it('is refused by who has its index, which stays', async () => {
    await fill();
    const whole = await contentOf(store);
    await remove(segment(4));
    for (let i = 0; i < 2; i++)
      expect(await refusal({ index: 'kept' })).toContain(`${segment(4)}: is missing, but was seen here: the store was rolled back`);
    await restore(store, whole);
    const again = await fixture.open(store, { index: 'kept' });
    expect(await add(again, 'e')).toBe(6);
  });

  it('is refused by who has lost its index, and has an anchor', async () => {
    await fill();
    await remove(segment(3), segment(4));
    expect(await refusal({ anchor: await anchorOf() })).toContain(`${segment(4)}: is missing, but was seen here`);
  });

  it('is refused when it was written anew since', async () => {
    await fill();
    await remove(segment(4));
    const amnesiac = await fixture.open(store);
    await add(amnesiac, 'other');
    await add(amnesiac, 'more');
    await amnesiac.close();
    const told = `${segment(4)}: is not the segment that was seen here`;
    expect(await refusal({ index: 'kept' })).toContain(told);
    expect(await refusal({ anchor: await anchorOf() })).toContain(told);
  });

  it('is refused when it was emptied', async () => {
    await fill();
    await restore(store, new Map());
    expect(await refusal({ anchor: await anchorOf() })).toContain('kylon.json: is missing, but 4 segments were seen here');
  });

  it('is refused when it was emptied and begun anew', async () => {
    await fill();
    await restore(store, new Map());
    await (await fixture.open(store)).close();
    expect(await refusal({ anchor: await anchorOf(), index: 'kept' })).toMatch(
      /kylon.json: names the store .* was seen here: the store was emptied/,
    );
  });

  it('is refused when its oldest objects were deleted, with the marker or without', async () => {
    await fill();
    const [marker] = [await store.read('kylon.json', signal)];
    await remove('kylon.json', segment(1));
    expect(await refusal()).toContain(`kylon.json: is missing, but ${segment(2)} is there: old objects were deleted, as a lifecycle rule`);
    await store.putIfAbsent('kylon.json', marker, signal);
    const told = `${segment(1)}: is missing, but segment 2 is there: old objects were deleted, as a lifecycle rule of the bucket does; remove the rule`;
    expect(await refusal()).toContain(told);
    expect(await refusal({ index: 'kept' })).toContain(told);
  });

  it('is refused when it has a gap', async () => {
    await fill();
    await remove(segment(2));
    expect(await refusal()).toContain(`${segment(2)}: is missing, but segment 3 is there: the log has a gap`);
  });

  it('is refused when a checkpoint is ahead of it', async () => {
    await fill();
    const ahead = checkpointKey(domain, 9, '0123456789abcdef');
    await store.putIfAbsent(ahead, Buffer.from('the state at segment 9'), signal);
    expect(await refusal({ index: 'kept' })).toContain(`${segment(5)}: is missing, but ${ahead} was made of later ones`);
    expect(await refusal()).toContain(`${segment(5)}: is missing`);
  });

  it('is noticed by a process that runs, within a minute', async () => {
    await fill();
    const clock = new ManualClock();
    const catalog = await fixture.open(store, { index: 'kept', clock });
    await remove(segment(4));
    await clock.pass(59_000);
    expect(catalog.peek(key)?.rv).toBe(2);
    await clock.pass(1_000);
    await expect.poll(() => ended(catalog), { timeout: 5000 }).toContain(`${segment(4)}: is missing`);
    expect(() => catalog.peek(key)).toThrow(StorageUnavailable);
  });

  const ended = (catalog: { readonly ended: Promise<Error> }) =>
    Promise.race([catalog.ended.then(({ message }) => message), settled().then(() => '')]);

  it('is noticed before anything is acknowledged, when the last look was more than a minute ago', async () => {
    let later = 0;
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + later };
    const catalog = await fixture.open(store, { clock, interval: 1_000_000 });
    await add(catalog, 'a');
    await add(catalog, 'b');
    await remove(segment(2));
    later = 61_000;
    await expect(add(catalog, 'c')).rejects.toThrow(`${segment(2)}: is missing, but was seen here`);
    await expect(add(catalog, 'c')).rejects.toBeInstanceOf(StorageUnavailable);
    expect([...(await contentOf(store)).keys()]).not.toContain(segment(3));
  });

  it('is noticed though the process has put segments behind the gap since', async () => {
    let later = 0;
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + later };
    const catalog = await fixture.open(store, { clock, interval: 1_000_000 });
    for (const name of ['a', 'b', 'c', 'd']) await add(catalog, name);
    await remove(segment(2), segment(3));
    await add(catalog, 'e');
    later = 61_000;
    await expect(add(catalog, 'f')).rejects.toThrow(`${segment(2)}: is missing, but segment 5 is there`);
  });

  it('is noticed at the start, behind what the index stands at', async () => {
    await fill();
    await remove(segment(3));
    expect(await refusal({ index: 'kept' })).toContain(`${segment(3)}: is missing, but segment 4 is there`);
    expect(await refusal({ index: 'kept', anchor: await anchorOf() })).toContain(segment(3));
  });

  it('is refused by who has only its index when the store was emptied, and the index stays', async () => {
    await fill();
    const whole = await contentOf(store);
    await restore(store, new Map());
    const anchor = await anchorOf('lost');
    expect(await refusal({ index: 'kept', anchor })).toContain('is missing, but 4 segments were seen here: the store was emptied');
    await (await fixture.open(store)).close();
    expect(await refusal({ index: 'kept', anchor })).toContain('was seen here: the store was emptied, or another one has its place');
    await restore(store, whole);
    expect(await add(await fixture.open(store, { index: 'kept', anchor }), 'e')).toBe(6);
  });

  it('is refused without harm to an index of another store, while the anchor says no', async () => {
    await fill();
    const whole = await contentOf(store);
    await restore(store, new Map());
    await (await fixture.open(store)).close();
    await refusal({ anchor: await anchorOf(), index: 'kept' });
    await restore(store, whole);
    await remove(segment(4));
    expect(await refusal({ index: 'kept' })).toContain(segment(4));
  });

  it('is not seen by who knows nothing of it', async () => {
    await fill();
    await remove(segment(4));
    await rm(await fixture.path('kept'), { recursive: true });
    expect((await fixture.open(store, { index: 'kept' })).current()).toBe(4);
  });
});

describe('an anchor', () => {
  const fixture = new CatalogFixture();
  afterEach(() => fixture.destroy());

  it('is written when a catalog is opened, every ten seconds while it grows, and at the end', async () => {
    const [clock, anchor] = [new ManualClock(), new MemoryAnchor()];
    const [memory] = stores;
    const { clients } = await memory!.create();
    const catalog = await fixture.open(clients[0], { clock, anchor });
    expect(anchor.point).toMatchObject({ n: 0, rv: 1 });
    await add(catalog, 'a');
    await clock.pass(9_000);
    expect(anchor.point).toMatchObject({ n: 0 });
    await clock.pass(1_000);
    expect(anchor.point).toMatchObject({ n: 1, rv: 2 });
    await add(catalog, 'b');
    await catalog.close();
    expect(anchor.point).toMatchObject({ n: 2, rv: 3 });
  });
});
