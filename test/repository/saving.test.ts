/** How a file comes into the store: gathered or as it comes, by senders of any sort. */
import { describe, expect, it, vi } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { StoreConflict, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { collect, inPieces, pattern } from '../conformance/objectstore/subject.ts';
import { changed } from '../objectstore/changed.ts';
import { createWorkbench, folder, hour, idOf, shop, signal, to } from './workbench.ts';

const MiB = 1024 * 1024;
const pack = Buffer.from(pattern(300_000));
const packId = idOf(pack);
const keyOf = (id: string) => `${folder}/restic/data/${id.slice(0, 2)}/${id}`;
const packKey = keyOf(packId);

describe('a store that tells of a file before it has read the new one', () => {
  it('gets the same answers for it', async () => {
    const { repositories, store, clock, send } = createWorkbench();
    const as = await repositories.access(shop, to('append'), hour, signal);
    await send('POST', `data/${packId}`, { as, body: pack });
    const early = async () => {
      throw new StoreConflict('it exists already');
    };
    const other = createWorkbench({ store: changed(store, { upload: early }), clock });
    const post = (content: Uint8Array) => other.send('POST', `data/${packId}`, { as, body: inPieces(content, 64 * 1024) });
    expect(await post(pack)).toMatchObject({ status: 200 });
    expect(await post(Buffer.from('other'))).toMatchObject({ status: 400 });
    await store.delete(packKey, signal);
    await store.putIfAbsent(packKey, pack.subarray(1), signal);
    expect(await post(pack)).toMatchObject({ status: 403 });
  });
});

describe('a file that is gathered', () => {
  it('is one request to the store, with its hash, up to 25 MiB', async () => {
    const store = memoryStore();
    const put = vi.fn(store.putIfAbsent.bind(store));
    const upload = vi.fn(store.upload.bind(store));
    const { send, repositories } = createWorkbench({ store: changed(store, { putIfAbsent: put, upload }) });
    const as = await repositories.access(shop, to('append'), hour, signal);
    put.mockClear();
    for (const length of [25 * MiB, 25 * MiB + 1]) {
      const content = Buffer.alloc(length, 'x');
      expect(await send('POST', `data/${idOf(content)}`, { as, body: content })).toMatchObject({ status: 200 });
    }
    const [small, large] = [25 * MiB, 25 * MiB + 1].map((length) => idOf(Buffer.alloc(length, 'x'))) as [string, string];
    expect(put.mock.calls.map(([key, , , hash]) => [key, hash])).toEqual([[keyOf(small), small]]);
    expect(upload.mock.calls.map(([key]) => key)).toEqual([keyOf(large)]);
  });

  it('is refused where another of its name is there, and well where it is the same', async () => {
    const { send, repositories, store } = createWorkbench();
    const as = await repositories.access(shop, to('append'), hour, signal);
    await store.putIfAbsent(packKey, pack.subarray(1), signal);
    expect(await send('POST', `data/${packId}`, { as, body: pack })).toMatchObject({ status: 403 });
    await store.delete(packKey, signal);
    await store.putIfAbsent(packKey, pack, signal);
    expect(await send('POST', `data/${packId}`, { as, body: pack })).toMatchObject({ status: 200 });
  });

  it('is never longer than was said', async () => {
    const { send, repositories, store } = createWorkbench();
    const as = await repositories.access(shop, to('append'), hour, signal);
    const said = { as, body: inPieces(pack, 64 * 1024), contentLength: pack.length - 1 };
    expect(await send('POST', `data/${packId}`, said)).toMatchObject({ status: 413 });
    expect(await store.size(packKey, signal)).toBeUndefined();
  });

  it('is what was sent, whatever was gathered there before', async () => {
    const { send, repositories, store } = createWorkbench();
    const as = await repositories.access(shop, to('append'), hour, signal);
    for (const length of [3000, 1000, 0, 2000]) {
      const content = Buffer.from(pattern(length));
      expect(await send('POST', `data/${idOf(content)}`, { as, body: content })).toMatchObject({ status: 200 });
      expect(Buffer.from(await store.read(keyOf(idOf(content)), signal)).equals(content)).toBe(true);
    }
  });

  it('leaves its memory to a store that may be sending it still', async () => {
    const store = memoryStore();
    const given: Uint8Array[] = [];
    const { repositories, clock } = createWorkbench({ store });
    const as = await repositories.access(shop, to('append'), hour, signal);
    const slow = changed(store, {
      putIfAbsent: async (_key, body) => {
        given.push(body);
        throw new StoreUnavailable('nobody knows what became of it');
      },
    });
    const { send } = createWorkbench({ store: slow, clock });
    for (const text of ['first', 'second'])
      expect(await send('POST', `data/${idOf(text)}`, { as, body: Buffer.from(text) })).toMatchObject({ status: 503 });
    expect(given.map((body) => Buffer.from(body).toString())).toEqual(['first', 'second']);
  });
});

describe('a sender', () => {
  it('that falls silent is taken for dead, and leaves nothing', async () => {
    const { send, repositories, store, clock } = createWorkbench();
    const as = await repositories.access(shop, to('append'), hour, signal);
    const silent = async function* () {
      yield pack.subarray(0, 1000);
      await new Promise(() => {});
    };
    const four = Array.from({ length: 4 }, (_, i) => {
      const length = i % 2 === 0 ? {} : { contentLength: pack.length };
      return send('POST', `data/${idOf(`${i}`)}`, { as, body: silent(), ...length });
    });
    await clock.pass(59_999);
    expect(await Promise.race([...four, Promise.resolve('waits')])).toBe('waits');
    await clock.pass(1);
    for (const { status, headers } of await Promise.all(four)) expect([status, headers['Connection']]).toEqual([408, 'close']);
    expect(await send('POST', `data/${packId}`, { as, body: pack })).toMatchObject({ status: 200 });
    expect(await collect(store.list(`${folder}/restic/data/`, signal))).toHaveLength(1);
  });
});
