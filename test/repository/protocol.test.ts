import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreFull, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import type { Access } from '../../src/repository/repositories.ts';
import { credentialsOf } from '../../src/repository/tickets.ts';
import { collect, inPieces, pattern } from '../conformance/objectstore/subject.ts';
import { keysOf } from '../objectstore/keyrings.ts';
import { parts, stores } from '../objectstore/stores.ts';
import { changed } from '../objectstore/changed.ts';
import { authorizationOf, createWorkbench, folder, hour, idOf, nothing, shop, signal, to } from './workbench.ts';

const MiB = 1024 * 1024;
const v2 = 'application/vnd.x.restic.rest.v2';
const pack = Buffer.from(pattern(300_000));
const packId = idOf(pack);

const encryptedStore = {
  name: 'encrypted',
  create: async () => ({ clients: [encrypted(memoryStore(), keysOf('one'), parts.ids)] as const, destroy: async () => {} }),
};

/** As restic sends files; without its length it is not gathered, but uploaded as it comes, like one that is long. */
const manners = [
  { manner: 'with their length', bodyOf: (content: Uint8Array) => content },
  { manner: 'without', bodyOf: (content: Uint8Array) => inPieces(content, 64 * 1024) },
];
const places = [...stores, encryptedStore].flatMap((store) => manners.map((manner) => ({ ...store, ...manner })));

describe.each(places)('files of a repository in a store that is $name, sent $manner,', ({ create, bodyOf }) => {
  let bench: ReturnType<typeof createWorkbench>;
  let as: Access;
  let destroy: () => Promise<void>;
  afterEach(() => destroy());
  beforeEach(async () => {
    const made = await create();
    destroy = made.destroy;
    bench = createWorkbench({ store: made.clients[0] });
    as = await bench.repositories.access(shop, to('append'), hour, signal);
  });

  it('are saved, told, read whole and in part, and listed in both versions', async () => {
    const { send } = bench;
    const path = `data/${packId}`;
    expect(await send('HEAD', path, { as })).toMatchObject({ status: 404 });
    expect(await send('POST', path, { as, body: bodyOf(pack) })).toMatchObject({ status: 200 });
    expect(await send('HEAD', path, { as })).toMatchObject({ status: 200, headers: { 'Content-Length': '300000' } });
    const whole = await send('GET', path, { as });
    expect([whole.status, whole.headers['Content-Length'], whole.text === pack.toString()]).toEqual([200, '300000', true]);
    const part = await send('GET', path, { as, range: 'bytes=1000-1099' });
    expect(part).toMatchObject({ status: 206, headers: { 'Content-Length': '100', 'Content-Range': 'bytes 1000-1099/300000' } });
    expect(part.text).toBe(pack.subarray(1000, 1100).toString());
    const end = await send('GET', path, { as, range: 'bytes=299990-' });
    expect(end).toMatchObject({ status: 206, headers: { 'Content-Range': 'bytes 299990-299999/300000' } });
    expect(await send('GET', path, { as, range: 'bytes=299990-400000' })).toMatchObject({ status: 206, text: end.text });
    expect(await send('GET', path, { as, range: 'bytes=300000-' })).toMatchObject({
      status: 416,
      headers: { 'Content-Range': 'bytes */300000' },
    });
    const named = await send('GET', 'data/', { as });
    expect([named.headers['Content-Type'], JSON.parse(named.text)]).toEqual(['application/vnd.x.restic.rest.v1', [packId]]);
    const sized = await send('GET', 'data/', { as, accept: v2 });
    expect([sized.headers['Content-Type'], JSON.parse(sized.text)]).toEqual([v2, [{ name: packId, size: 300_000 }]]);
    expect(await send('GET', 'index/', { as, accept: v2 })).toMatchObject({ status: 200, text: '[]' });
    expect(await bench.store.size(`${folder}/restic/data/${packId.slice(0, 2)}/${packId}`, signal)).toBe(300_000);
  });

  it('are refused where the name is not the hash of the bytes, and leave nothing', async () => {
    const cut = pack.subarray(0, 100_000);
    expect(await bench.send('POST', `data/${packId}`, { as, body: bodyOf(cut) })).toMatchObject({ status: 400 });
    expect(await bench.send('HEAD', `data/${packId}`, { as })).toMatchObject({ status: 404 });
    expect(await bench.send('GET', 'data/', { as })).toMatchObject({ text: '[]' });
    expect(await bench.send('POST', `data/${packId}`, { as, body: bodyOf(pack) })).toMatchObject({ status: 200 });
  });

  it('are not replaced, while sending the same once more is well', async () => {
    const path = `data/${packId}`;
    for (const _ of [1, 2]) expect(await bench.send('POST', path, { as, body: bodyOf(pack) })).toMatchObject({ status: 200 });
    expect(await bench.send('POST', path, { as, body: bodyOf(Buffer.from('other')) })).toMatchObject({ status: 400 });
    expect((await bench.send('GET', path, { as })).text).toBe(pack.toString());
  });

  it('leave nothing when the sender breaks off', async () => {
    const breaking = (async function* () {
      yield pack.subarray(0, 1000);
      throw new Error('aborted');
    })();
    expect((await bench.send('POST', `data/${packId}`, { as, body: breaking })).status).toBe(400);
    expect(await bench.send('GET', 'data/', { as })).toMatchObject({ text: '[]' });
  });

  it('are at most as long as restic makes them, whatever the sender says of their length', async () => {
    let sent = 0;
    const endless = (async function* () {
      for (;;) {
        sent += 256 * 1024;
        yield Buffer.alloc(256 * 1024);
      }
    })();
    expect((await bench.send('POST', `locks/${packId}`, { as, body: endless })).status).toBe(413);
    expect(sent).toBeLessThan(3 * MiB);
    expect((await bench.send('POST', `data/${packId}`, { as, contentLength: 600 * MiB })).status).toBe(413);
    expect(await collect(bench.store.list(`${folder}/restic/locks/`, signal))).toEqual([]);
  });
});

describe('the rights of a ticket', () => {
  const small = Buffer.from('small');
  const path = (kind: string) => `${kind}/${idOf(small)}`;

  /** What each rights get for each request. */
  const table: readonly [method: string, path: string, append: number, prune: number, read: number][] = [
    ['POST', '?create=true', 200, 403, 403],
    ['DELETE', '', 403, 403, 403],
    ['GET', 'config', 200, 200, 200],
    ['HEAD', 'config', 200, 200, 200],
    ['POST', 'config', 403, 403, 403],
    ['DELETE', 'config', 403, 403, 403],
    ...['data', 'index'].flatMap((kind): [string, string, number, number, number][] => [
      ['GET', `${kind}/`, 200, 200, 200],
      ['POST', path(kind), 200, 200, 403],
      ['DELETE', path(kind), 403, 200, 403],
    ]),
    ['GET', 'snapshots/', 200, 200, 200],
    ['POST', path('snapshots'), 200, 403, 403],
    ['DELETE', path('snapshots'), 403, 403, 403],
    ['GET', 'keys/', 200, 200, 200],
    ['POST', path('keys'), 403, 403, 403],
    ['DELETE', path('keys'), 403, 403, 403],
    ['POST', path('locks'), 200, 200, 200],
    ['GET', path('locks'), 200, 200, 200],
    ['GET', 'locks/', 200, 200, 200],
    ['DELETE', path('locks'), 200, 200, 200],
    ['DELETE', path('locks'), 200, 200, 200],
    ['PUT', 'config', 405, 405, 405],
    ['POST', 'data/', 405, 405, 405],
    ['GET', '', 405, 405, 405],
    ['__proto__', 'config', 405, 405, 405],
  ];

  it.each([
    ['append', 2],
    ['prune', 3],
    ['read', 4],
  ] as const)('%s allows so much, and no more', async (rights, column) => {
    const { send, repositories } = createWorkbench();
    const as = await repositories.access(shop, to(rights), hour, signal);
    const got: unknown[] = [];
    for (const [method, path] of table) got.push([method, path, (await send(method, path, { as, body: small })).status]);
    expect(got).toEqual(table.map((row) => [row[0], row[1], row[column]]));
  });

  it('end with its time, and at no other replica sooner or later', async () => {
    const { send, repositories, clock, store } = createWorkbench();
    const other = createWorkbench({ store, clock });
    const as = await repositories.access(shop, to('read'), hour, signal);
    await clock.pass(hour - 1000);
    expect([await send('GET', 'config', { as }), await other.send('GET', 'config', { as })]).toMatchObject([
      { status: 200 },
      { status: 200 },
    ]);
    await clock.pass(1001);
    const late = await other.send('GET', 'config', { as });
    expect(late).toMatchObject({ status: 401, headers: { 'WWW-Authenticate': expect.stringMatching(/^Basic /) } });
  });

  it('are of one namespace', async () => {
    const { send, repositories } = createWorkbench();
    await repositories.access(shop, to('append'), hour, signal);
    const other = await repositories.access({ storeName: 'default', namespace: 'other' }, to('append'), hour, signal);
    expect(await send('GET', 'config', { as: other })).toMatchObject({ status: 403, text: 'the ticket is of another namespace\n' });
    expect(await send('GET', '/repositories/default/other/config', { as: other })).toMatchObject({ status: 200 });
  });

  it('are of one store', async () => {
    const stores = new Map(['default', 'archive'].map((name) => [name, memoryStore()]));
    const storeNamed = (name: string) => stores.get(name) ?? memoryStore();
    const { repositories, send } = createWorkbench({ storeNamed });
    const [as, other] = await Promise.all(
      ['default', 'archive'].map((storeName) => repositories.access({ storeName, namespace: 'shop' }, to('append'), hour, signal)),
    );
    expect(other?.path).toBe('repositories/archive/shop/');
    expect(await send('GET', 'config', { as })).toMatchObject({ status: 200 });
    expect(await send('GET', '/repositories/archive/shop/config', { as: other })).toMatchObject({ status: 200 });
    for (const [path, shown] of [
      ['config', other],
      ['/repositories/archive/shop/config', as],
      ['/repositories/none/shop/config', as],
    ] as const)
      expect(await send('GET', path, { as: shown })).toMatchObject({ status: 401 });
  });

  it('cannot be changed by whoever has one', async () => {
    const { send, repositories, clock } = createWorkbench();
    const read = await repositories.access(shop, to('read'), hour, signal);
    const other = await repositories.access({ storeName: 'default', namespace: 'other' }, to('append'), hour, signal);
    const [, expires = ''] = read.username.split('.');
    const forged = [
      { ...read, username: read.username.replace('read', 'append') },
      { ...read, username: `read.${Number(expires) + 1}.shop.uid-1` },
      { ...read, username: other.username.replace('other', 'shop') },
      { ...other, username: other.username.replace('other', 'shop') },
      { ...read, username: read.username.replace('uid-1', 'uid-2') },
      { ...read, username: read.username.replace('.uid-1', '') },
      { ...read, password: `${read.password.slice(0, -2)}AA` },
      { ...read, password: read.password.slice(0, -1) },
      { ...read, password: '' },
      { ...read, password: `${read.password}:` },
      { ...read, username: `read.${expires}.unknown.uid-1` },
      credentialsOf({ namespace: 'shop', ...to('append'), expires: clock.now() / 1000 + 60 }, Buffer.alloc(32)),
      { username: 'x'.repeat(10_000), password: 'y' },
    ];
    for (const as of forged) expect((await send('GET', 'config', { as })).status, as.username).toBe(401);
    expect((await send('GET', 'config')).status).toBe(401);
    expect((await send('GET', 'config', { as: read })).status).toBe(200);
  });
});

describe('paths', () => {
  const id = idOf('x');
  it.each([
    '/repositories/',
    '/repositories/default/shop',
    '/repositories/default//config',
    '/repositories/default/shop/../other/config',
    '/repositories/default/shop/%2e%2e/other/config',
    '/repositories/default/shop%2fconfig',
    '/repositories/default/SHOP/config',
    '/repositories/default/shop/CONFIG',
    '/repositories/default/shop/config/',
    '/repositories/default/shop//config',
    '/repositories/default/shop/secrets.json',
    '/repositories/default/shop/../secrets.json',
    '/repositories/default/shop/data',
    `/repositories/default/shop/data/${id.toUpperCase()}`,
    `/repositories/default/shop/data/${id}0`,
    `/repositories/default/shop/data/${id}/`,
    `/repositories/default/shop/data/${id.slice(0, 2)}/${id}`,
    `/repositories/default/shop/data/${id}\n`,
    `/repositories/default/shop/other/${id}`,
    `/repositories/default/${'a'.repeat(64)}/config`,
    `/repositories/default/shop/data/${'a'.repeat(100_000)}`,
    '/repositories/default/-shop/config',
    'https://host/repositories/default/shop/config',
  ])('%s is none', async (url) => {
    const { serve, repositories } = createWorkbench();
    const authorization = authorizationOf(await repositories.access(shop, to('append'), hour, signal));
    const answer = await serve({ method: 'GET', url, authorization, accept: '', range: '', contentLength: 0, body: nothing() }, signal);
    expect(answer.status).toBe(404);
  });
});

describe('a store that fails', () => {
  const failing = (store: ObjectStore, fault: Error) => {
    const fail = async () => {
      throw fault;
    };
    return changed(store, { putIfAbsent: fail, upload: fail, size: fail, stream: fail });
  };

  it.each([
    [new StoreUnavailable('s3://bucket: d/domain: 10.0.0.1 does not answer'), 503],
    [new StoreFull('s3://bucket: no room'), 507],
    [new StoreDenied('s3://bucket: no rights'), 500],
    [new TypeError('undefined is not a function'), 500],
  ])('%s', async (error, status) => {
    const { repositories, store, clock } = createWorkbench();
    const as = await repositories.access(shop, to('append'), hour, signal);
    const { send, lines } = createWorkbench({ store: failing(store, error), clock });
    for (const [method, path] of [
      ['GET', `data/${packId}`],
      ['HEAD', 'config'],
      ['POST', `data/${packId}`],
    ] as const) {
      const answer = await send(method, path, { as, body: pack });
      expect([answer.status, answer.headers['Retry-After']]).toEqual([status, status === 503 ? '5' : undefined]);
      expect(answer.text).not.toMatch(/bucket|function|at /);
    }
    expect(lines.filter((line) => line.includes(error.message))).toHaveLength(3);
    for (const secret of [as.password, as.repositoryPassword]) expect(lines.join('\n')).not.toContain(secret);
  });
});

describe('load', () => {
  it('is bounded where files are saved, and those who wait are not read', async () => {
    const store = memoryStore();
    let open = 0;
    let most = 0;
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const slow = changed(store, {
      upload: async (...args) => {
        most = Math.max(most, ++open);
        await released;
        const uploaded = await store.upload(...args);
        open -= 1;
        return uploaded;
      },
    });
    const { send, repositories } = createWorkbench({ store: slow });
    const as = await repositories.access(shop, to('append'), hour, signal);
    let begun = 0;
    const sending = Array.from({ length: 12 }, (_, i) => {
      const content = Buffer.from(`file ${i}`);
      const body = (async function* () {
        begun += 1;
        yield content;
      })();
      return send('POST', `data/${idOf(content)}`, { as, body });
    });
    await expect.poll(() => open).toBe(4);
    expect(begun).toBe(0);
    release();
    expect((await Promise.all(sending)).map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 200));
    expect([most, begun]).toEqual([4, 12]);
  });

  it('is bounded where files are read, until the request is over', async () => {
    const { serve, send, repositories } = createWorkbench();
    const as = await repositories.access(shop, to('append'), hour, signal);
    await send('POST', `data/${packId}`, { as, body: pack });
    const over = new AbortController();
    const request = {
      method: 'GET',
      url: `/repositories/default/shop/data/${packId}`,
      authorization: authorizationOf(as),
      accept: '',
      range: '',
      contentLength: undefined,
    };
    const read = (signal: AbortSignal) => serve({ ...request, body: nothing() }, signal);
    const opened = await Promise.all(Array.from({ length: 8 }, () => read(over.signal)));
    expect(opened.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    let isOpen = false;
    const ninth = read(signal).then(({ status }) => {
      isOpen = true;
      return status;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOpen).toBe(false);
    over.abort(new Error('the requests are over'));
    expect(await ninth).toBe(200);
  });
});

describe('a list', () => {
  it('is whole over many pages, and leaves out what is no file of a repository', async () => {
    const objects = new Map<string, Uint8Array>();
    const { send, repositories } = createWorkbench({ store: memoryStore(objects) });
    const as = await repositories.access(shop, to('read'), hour, signal);
    const names = Array.from({ length: 2500 }, (_, i) => idOf(`${i}`)).sort();
    for (const name of names) objects.set(`${folder}/restic/data/${name.slice(0, 2)}/${name}`, Buffer.from('x'));
    objects.set(`${folder}/restic/data/ff/README`, Buffer.from('x'));
    expect(JSON.parse((await send('GET', 'data/', { as })).text)).toEqual(names);
  });
});

describe('figures', () => {
  it('count requests by what was done and what came of it', async () => {
    const { send, repositories, metrics } = createWorkbench();
    const as = await repositories.access(shop, to('read'), hour, signal);
    await send('GET', 'config', { as });
    await send('GET', 'config');
    await send('GET', '/repositories/default/shop/nothing', { as });
    const { body } = await metrics.text();
    expect(body.split('\n').filter((line) => line.startsWith('kylon_repository_requests_total'))).toEqual([
      'kylon_repository_requests_total{operation="read",code="200"} 1',
      'kylon_repository_requests_total{operation="read",code="401"} 1',
      'kylon_repository_requests_total{operation="none",code="404"} 1',
    ]);
  });
});
