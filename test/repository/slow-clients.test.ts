/** Who sends or takes its files slowly, and what others see of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { limited } from '../../src/objectstore/wrappers/limited.ts';
import type { Access } from '../../src/repository/repositories.ts';
import { pattern } from '../conformance/objectstore/subject.ts';
import { ManualClock, settled } from '../manual-clock.ts';
import { changed } from '../objectstore/changed.ts';
import { authorizationOf, createWorkbench, hour, idOf, nothing, shop, signal, to } from './workbench.ts';

const MiB = 1024 * 1024;
const pack = Buffer.from(pattern(3 * MiB));
const packId = idOf(pack);
/** Seconds for which whoever is not slow may wait beside those who are. */
const soon = 6;

let clock: ManualClock;
let bench: ReturnType<typeof createWorkbench>;
let as: Access;
let other: Access;
/** Streams that are open in the store. */
let streams: number;

beforeEach(async () => {
  clock = new ManualClock();
  const bare = memoryStore();
  streams = 0;
  const counting = changed(bare, {
    stream: async (...args) => {
      const { size, body } = await bare.stream(...args);
      return { size, body: counted(body) };
    },
  });
  bench = createWorkbench({ store: limited(counting, { clock }), clock });
  as = await bench.repositories.access(shop, to('append'), hour, signal);
  other = await bench.repositories.access({ storeName: 'default', namespace: 'other' }, to('append'), hour, signal);
});

async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  streams += 1;
  try {
    yield* body;
  } finally {
    streams -= 1;
  }
}

const ofOther = (path: string) => `/repositories/default/other/${path}`;

/** A byte a second, of a file whose length was said or not. */
async function* dripping(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at++) {
    await clock.sleep(1000, signal);
    yield content.subarray(at, at + 1);
  }
}

/** The statuses of those requests that are over, of `count` to save. */
function slowSenders(count: number, contentLength?: number, namespace = 'shop', access = as) {
  const statuses: number[] = [];
  const begin = async (i: number) => {
    const said = contentLength === undefined ? {} : { contentLength };
    const path = `/repositories/default/${namespace}/data/${idOf(`${i}`)}`;
    statuses.push((await bench.send('POST', path, { as: access, body: dripping(pack), ...said })).status);
  };
  for (let i = 0; i < count; i++) void begin(i);
  return statuses;
}

/** Whether it is there in time. */
async function inTime<T>(promise: Promise<T>): Promise<T | 'waits'> {
  for (let i = 0; i < soon; i++) await clock.pass(1000);
  return Promise.race([promise, settled().then(() => 'waits' as const)]);
}

describe('slow senders of one namespace', () => {
  it.each([
    ['with their length', pack.length],
    ['without', undefined],
    ['of small files', 4096],
  ])('who send %s do not keep those of another waiting', async (_, contentLength) => {
    slowSenders(30, contentLength);
    await clock.pass(30_000);
    for (let i = 0; i < 3; i++) {
      const content = Buffer.from(`${i}`.repeat(100_000));
      const saved = bench.send('POST', ofOther(`data/${idOf(content)}`), { as: other, body: content });
      expect(await inTime(saved)).toMatchObject({ status: 200 });
    }
  });

  it('are ended for others only, and no more than have to be', async () => {
    const statuses = slowSenders(12, pack.length);
    await clock.pass(120_000);
    expect(statuses).toEqual([]);
    const saved = bench.send('POST', ofOther(`data/${packId}`), { as: other, body: pack });
    expect(await inTime(saved)).toMatchObject({ status: 200 });
    expect(statuses).toEqual([503]);
  });

  it('of two namespaces do not keep those of a third waiting', async () => {
    const statuses = [slowSenders(30, pack.length), slowSenders(30, pack.length, 'other', other)];
    await clock.pass(60_000);
    const ended = statuses.flat().length;
    const third = await bench.repositories.access({ storeName: 'default', namespace: 'third' }, to('append'), hour, signal);
    const saved = bench.send('POST', `/repositories/default/third/data/${packId}`, { as: third, body: pack });
    expect(await inTime(saved)).toMatchObject({ status: 200 });
    expect(statuses.flat()).toHaveLength(ended + 1);
  });

  it('do not keep small files of their own waiting: locks and snapshots', async () => {
    slowSenders(30, pack.length);
    await clock.pass(1000);
    const small = Buffer.from('small');
    for (const kind of ['locks', 'snapshots'])
      expect(await bench.send('POST', `${kind}/${idOf(small)}`, { as, body: small })).toMatchObject({ status: 200 });
    expect(await bench.send('GET', `locks/${idOf(small)}`, { as })).toMatchObject({ status: 200, text: 'small' });
  });
});

describe('slow readers', () => {
  beforeEach(async () => {
    await bench.send('POST', `data/${packId}`, { as, body: pack });
    await bench.send('POST', ofOther(`data/${packId}`), { as: other, body: pack });
  });

  const request = (access: Access, path: string, range = '') => ({
    method: 'GET',
    url: path,
    authorization: authorizationOf(access),
    accept: '',
    range,
    contentLength: undefined,
    body: nothing(),
  });
  const read = async (access: Access, path: string, range = '') => {
    const gone = new AbortController();
    const { status, body } = await bench.serve(request(access, path, range), gone.signal);
    return { status, gone, pieces: (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]() };
  };

  /** Each takes one piece, and no more. */
  async function slowReaders(count: number, range = '') {
    const begun: Awaited<ReturnType<typeof read>>[] = [];
    const begin = async () => {
      const one = await read(as, `/repositories/default/shop/data/${packId}`, range);
      begun.push(one);
      await one.pieces.next();
    };
    for (let i = 0; i < count; i++) void begin();
    await settled();
    return begun;
  }

  const rest = async (pieces: AsyncIterator<Uint8Array>) => {
    const found: Uint8Array[] = [];
    for (let next = await pieces.next(); !next.done; next = await pieces.next()) found.push(next.value);
    return Buffer.concat(found);
  };

  it('of one namespace do not keep those of another waiting', async () => {
    await slowReaders(40);
    await clock.pass(30_000);
    const whole = bench.send('GET', ofOther(`data/${packId}`), { as: other });
    expect(await inTime(whole)).toMatchObject({ status: 200, text: pack.toString() });
  });

  it.each([
    ['the whole', '', pack],
    ['a part', `bytes=100-${2 * MiB}`, pack.subarray(100, 2 * MiB + 1)],
  ])('hold no stream of the store when others wait, and get %s', async (_, range, content) => {
    const begun = await slowReaders(9, range);
    expect([begun.length, streams]).toEqual([8, 8]);
    await clock.pass(5000);
    expect([begun.length, streams]).toEqual([9, 8]);
    const [first] = begun;
    expect(first?.status).toBe(range === '' ? 200 : 206);
    const got = await rest(first!.pieces);
    expect(got.equals(content.subarray(content.length - got.length))).toBe(true);
    expect(content.length - got.length).toBeLessThan(2 * MiB);
  });

  it('give their place back at the end of the file, and when they go', async () => {
    const begun = await slowReaders(10);
    expect(begun).toHaveLength(8);
    await rest(begun[0]!.pieces);
    await settled();
    expect(begun).toHaveLength(9);
    begun[1]?.gone.abort(new Error('gone'));
    await settled();
    expect(begun).toHaveLength(10);
    for (const { gone } of begun) gone.abort(new Error('gone'));
    await settled();
    expect([streams, clock.sleepers]).toEqual([0, 0]);
  });

  it('who lose their place are cut off', async () => {
    const begun = await slowReaders(24);
    await clock.pass(20_000);
    expect(begun).toHaveLength(24);
    expect(await inTime(bench.send('GET', ofOther(`data/${packId}`), { as: other }))).toMatchObject({ status: 200 });
    const failed = await Promise.all(
      begun.map(({ pieces }) =>
        rest(pieces).then(
          () => 'whole',
          (error: unknown) => error,
        ),
      ),
    );
    expect(failed.filter((outcome) => outcome !== 'whole')).toMatchObject([{ status: 503 }]);
  });
});
