/** Whose a snapshot or a lock is: what somebody reaches with the ticket of a mover that is not his. */
import { beforeEach, describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import type { Access } from '../../src/repository/repositories.ts';
import { collect, inPieces } from '../conformance/objectstore/subject.ts';
import { createWorkbench, folder, hour, idOf, shop, signal, to } from './workbench.ts';

const minute = 60_000;
const snapshot = Buffer.from('a snapshot');
const id = idOf(snapshot);
const lock = Buffer.from('a lock');
const lockPath = `locks/${idOf(lock)}`;
const keysBelow = async (store: ObjectStore, prefix: string) => (await collect(store.list(prefix, signal))).map(({ key }) => key);

let store: ObjectStore;
let bench: ReturnType<typeof createWorkbench>;
let mine: Access;
let others: Access;
let reading: Access;

beforeEach(async () => {
  store = memoryStore();
  bench = createWorkbench({ store });
  const ticket = (...given: Parameters<typeof to>) => bench.repositories.access(shop, to(...given), hour, signal);
  [mine, others, reading] = [await ticket('append', 'mine'), await ticket('append', 'others'), await ticket('read', 'reader')];
});

const post = (as: Access, path: string, body: Uint8Array | AsyncIterable<Uint8Array>) => bench.send('POST', path, { as, body });
const isWrittenFor = (holder: string) => bench.repositories.isWrittenFor(shop, id, holder, signal);

describe('a snapshot', () => {
  it.each([
    ['with its length', (content: Uint8Array) => content],
    ['without', (content: Uint8Array) => inPieces(content, 4)],
  ])('sent %s is of whoever wrote it first, by however many tickets of the same holder', async (_, bodyOf) => {
    expect(await isWrittenFor('mine')).toBe(false);
    for (const _ of [1, 2]) expect(await post(mine, `snapshots/${id}`, bodyOf(snapshot))).toMatchObject({ status: 200 });
    expect([await isWrittenFor('mine'), await isWrittenFor('others')]).toEqual([true, false]);
    expect(await post(others, `snapshots/${id}`, bodyOf(snapshot))).toMatchObject({ status: 403 });
    expect([await isWrittenFor('mine'), await isWrittenFor('others')]).toEqual([true, false]);
  });

  it("is nobody else's where nobody has noted who wrote it", async () => {
    await store.putIfAbsent(`${folder}/restic/snapshots/${id}`, snapshot, signal);
    expect(await post(others, `snapshots/${id}`, snapshot)).toMatchObject({ status: 403 });
    expect(await isWrittenFor('others')).toBe(false);
  });

  it("that never came is nobody's, and leaves no note", async () => {
    expect(await post(mine, `snapshots/${id}`, Buffer.from('other bytes'))).toMatchObject({ status: 400 });
    expect(await isWrittenFor('mine')).toBe(false);
    expect(await keysBelow(store, `${folder}/writers/`)).toEqual([]);
  });

  it('that is forgotten leaves no note', async () => {
    await post(mine, `snapshots/${id}`, snapshot);
    await bench.repositories.forget(shop, id, signal);
    expect(await isWrittenFor('mine')).toBe(false);
    expect(await keysBelow(store, `${folder}/writers/`)).toEqual([]);
  });
});

describe('a lock', () => {
  it('is taken away by its own ticket alone, as long as its holder may be alive', async () => {
    expect(await post(mine, lockPath, lock)).toMatchObject({ status: 200 });
    await bench.clock.pass(19 * minute);
    for (const as of [others, reading]) expect(await bench.send('DELETE', lockPath, { as })).toMatchObject({ status: 403 });
    expect(await bench.send('HEAD', lockPath, { as: reading })).toMatchObject({ status: 200 });
    expect(await bench.send('DELETE', lockPath, { as: mine })).toMatchObject({ status: 200 });
    expect(await bench.send('DELETE', lockPath, { as: mine })).toMatchObject({ status: 200 });
    expect(await keysBelow(store, `${folder}/writers/`)).toEqual([]);
  });

  it('of the dead is taken away by anybody', async () => {
    await post(mine, lockPath, lock);
    await bench.clock.pass(20 * minute);
    expect(await bench.send('DELETE', lockPath, { as: reading })).toMatchObject({ status: 200 });
    expect([...(await keysBelow(store, `${folder}/writers/`)), ...(await keysBelow(store, `${folder}/restic/locks/`))]).toEqual([]);
  });

  it('is short, and there are few: whoever may only read fills no store', async () => {
    expect(await post(reading, `locks/${idOf(Buffer.alloc(5000))}`, Buffer.alloc(5000))).toMatchObject({ status: 413 });
    for (let n = 0; n < 1000; n++) await store.putIfAbsent(`${folder}/restic/locks/${idOf(`${n}`)}`, Buffer.from('x'), signal);
    expect(await post(reading, lockPath, lock)).toMatchObject({ status: 403, text: 'there are 1000 locks already\n' });
    expect(await keysBelow(store, `${folder}/writers/`)).toEqual([]);
  });
});
