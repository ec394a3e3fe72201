import { once } from 'node:events';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { jsonAnswer } from '../../src/machinery/call.ts';
import type { Answer } from '../../src/machinery/call.ts';
import { unavailable } from '../../src/machinery/errors.ts';
import { warningHeaders } from '../../src/server/warnings.ts';
import { ask, master, open, start } from './running.ts';

const things = '/apis/g/v1/namespaces/n/things';
const watch = `${things}?watch=true`;
const gzip = { 'Accept-Encoding': 'gzip' };
const stream = (body: AsyncIterable<string | Uint8Array>, more: Partial<Answer> = {}): Promise<Answer> =>
  Promise.resolve({ status: 200, headers: { 'Content-Type': 'application/json' }, body, ...more });

describe('a stream', () => {
  it('has its headers out before the first event', async () => {
    const server = await start((call) =>
      stream(
        (async function* () {
          await once(call.signal, 'abort');
          yield '';
        })(),
      ),
    );
    const response = await open(server, watch, { as: master });
    expect([response.statusCode, response.headers['transfer-encoding']]).toEqual([200, 'chunked']);
    response.destroy();
  });

  it('of a watch is the last on its connection, as no other answer is', async () => {
    const server = await start(() =>
      stream(
        (async function* () {
          yield 'one\n';
        })(),
      ),
    );
    const agent = new Agent({ keepAlive: true });
    const connectionOf = async (path: string) => (await ask(server, path, { as: master, agent })).headers['connection'];
    expect([await connectionOf(things), await connectionOf(watch)]).toEqual(['keep-alive', 'close']);
    agent.destroy();
  });

  it('brings each event at once, never compressed (C19)', async () => {
    let next: () => void = () => {};
    const server = await start(() =>
      stream(
        (async function* () {
          yield 'one\n';
          await new Promise<void>((resolve) => (next = resolve));
          yield 'two\n';
        })(),
      ),
    );
    const response = await open(server, watch, { as: master, headers: gzip });
    expect(response.headers).not.toHaveProperty('content-encoding');
    const got: string[] = [];
    for await (const piece of response) {
      got.push(String(piece));
      next();
    }
    expect(got).toEqual(['one\n', 'two\n']);
  });

  it('ends with its client: the signal aborts, and the iterator is returned even if it does not listen', async () => {
    const seen: string[] = [];
    const server = await start((call) => {
      call.signal.addEventListener('abort', () => seen.push('aborted'));
      return stream({
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: () => {
            seen.push('returned');
            return Promise.resolve({ done: true, value: undefined });
          },
        }),
      });
    });
    (await open(server, watch, { as: master })).destroy();
    await expect.poll(() => seen).toEqual(['aborted', 'returned']);
  });

  it('waits for a slow reader', async () => {
    let made = 0;
    const server = await start(() =>
      stream(
        (async function* () {
          for (; made < 4000; made += 1) yield 'x'.repeat(64 * 1024);
        })(),
      ),
    );
    const response = await open(server, watch, { as: master });
    response.pause();
    await sleep(300);
    const before = made;
    await sleep(100);
    expect(made).toBe(before);
    expect(before).toBeLessThan(1000);
    response.destroy();
  });

  it('lets go of a slow reader who leaves', async () => {
    let ended = false;
    const server = await start(() =>
      stream(
        (async function* () {
          try {
            for (;;) yield 'x'.repeat(64 * 1024);
          } finally {
            ended = true;
          }
        })(),
      ),
    );
    const response = await open(server, watch, { as: master });
    response.pause();
    await sleep(200);
    response.destroy();
    await expect.poll(() => ended).toBe(true);
  });

  it('breaks the connection on an error in the middle, and appends nothing', async () => {
    const server = await start(() =>
      stream(
        (async function* () {
          yield 'one\n';
          await sleep(20);
          throw new Error('secret');
        })(),
      ),
    );
    const response = await open(server, watch, { as: master });
    let got = '';
    response.on('data', (piece) => (got += String(piece)));
    await expect(once(response, 'end')).rejects.toThrow(/aborted|hang up/);
    expect(got).toBe('one\n');
  });

  it('of known length is sent as such', async () => {
    const server = await start(() =>
      stream(
        (async function* () {
          yield Buffer.from('abc');
        })(),
        { status: 206, headers: { 'Content-Type': 'application/gzip', 'Content-Length': '3', 'Content-Range': 'bytes 0-2/9' } },
      ),
    );
    const { status, headers, body } = await ask(server, `${things}/x/download`, { as: master, headers: gzip });
    expect([status, headers['content-length'], headers['transfer-encoding'], body]).toEqual([206, '3', undefined, 'abc']);
  });

  it('to HEAD is not begun', async () => {
    let begun = false;
    const server = await start(() =>
      stream(
        (async function* () {
          begun = true;
          yield 'x';
        })(),
      ),
    );
    expect((await ask(server, things, { as: master, method: 'HEAD' })).body).toBe('');
    expect(begun).toBe(false);
  });
});

describe('a list', () => {
  async function* inPieces(all: readonly (string | Uint8Array)[]) {
    yield* all;
  }
  const pieces = (count: number, after: () => Promise<void> = () => Promise.resolve()) =>
    (async function* () {
      for (let i = 0; i < count; i++) yield 'é'.repeat(16 * 1024);
      await after();
    })();

  it('that is long is compressed for who takes it', async () => {
    const server = await start(() => stream(pieces(20), { list: true, headers: { 'Content-Type': 'application/json', Vary: 'Accept' } }));
    const { headers, bytes } = await ask(server, things, { as: master, headers: gzip });
    expect([headers['content-encoding'], headers['vary']]).toEqual(['gzip', 'Accept, Accept-Encoding']);
    expect(gunzipSync(bytes).toString()).toBe('é'.repeat(20 * 16 * 1024));
    const plain = await ask(server, things, { as: master, headers: { 'Accept-Encoding': 'gzip;q=0, br' } });
    expect([plain.headers['content-encoding'], plain.body.length]).toEqual([undefined, 20 * 16 * 1024]);
  });

  it('is compressed the same whether its bytes were sent before or not', async () => {
    const bytes = Buffer.from('ü'.repeat(100_000));
    const body = async function* () {
      yield '[';
      yield* [bytes, '', bytes];
      yield ']';
    };
    const server = await start(() => stream(body(), { list: true }));
    for (const _ of [1, 2]) {
      const answer = await ask(server, things, { as: master, headers: gzip });
      expect(answer.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(answer.bytes).toString()).toBe(`[${'ü'.repeat(200_000)}]`);
    }
  });

  it.each([
    ['plain', {}],
    ['compressed', gzip],
  ])('in small pieces, %s, is what they are together, also once one of them is another', async (_, headers) => {
    const small = Array.from({ length: 300 }, (__, n) => Buffer.from(`${n},`.repeat(400)));
    const server = await start(() => stream(inPieces(['[', ...small, ']']), { list: true }));
    for (const text of ['100,', 'other,', 'other,']) {
      small[100] = Buffer.from(text.repeat(400));
      const { bytes, body } = await ask(server, things, { as: master, headers });
      const whole = headers === gzip ? gunzipSync(bytes).toString() : body;
      expect(whole).toBe(`[${Buffer.concat(small).toString()}]`);
    }
  });

  it('that is short has its length told and is not compressed', async () => {
    const server = await start(() => stream(pieces(2), { list: true }));
    const { headers } = await ask(server, things, { as: master, headers: gzip });
    expect([headers['content-length'], headers['content-encoding']]).toEqual([String(64 * 1024), undefined]);
  });

  it('that fails early is a Status, later a broken connection', async () => {
    const fail = () => Promise.reject(unavailable('the store does not answer'));
    const server = await start((call) => stream(pieces(call.query.has('long') ? 20 : 1, fail), { list: true }));
    const early = await ask(server, things, { as: master });
    expect([early.status, early.headers['retry-after'], early.headers['content-type']]).toEqual([503, '1', 'application/json']);
    for (const headers of [{}, gzip])
      await expect(ask(server, `${things}?long`, { as: master, headers })).rejects.toThrow(/aborted|hang up/);
  });
});

describe('a text', () => {
  it('is compressed from 128 KiB on', async () => {
    const server = await start((call) => Promise.resolve(jsonAnswer(200, 'x'.repeat(call.query.has('long') ? 131_073 : 131_072))));
    const long = await ask(server, `${things}?long`, { as: master, headers: gzip });
    expect([long.headers['content-encoding'], long.headers['content-length']]).toEqual(['gzip', String(long.bytes.length)]);
    expect(gunzipSync(long.bytes).length).toBe(131_073);
    expect((await ask(server, things, { as: master, headers: gzip })).headers).not.toHaveProperty('content-encoding');
    expect((await ask(server, `${things}?long`, { as: master })).headers).not.toHaveProperty('content-encoding');
  });

  it('is not compressed where it is none', async () => {
    const body = Buffer.alloc(200_000);
    const server = await start(() => Promise.resolve({ status: 200, headers: { 'Content-Type': 'application/gzip' }, body }));
    const { headers, bytes } = await ask(server, things, { as: master, headers: gzip });
    expect([headers['content-encoding'], bytes.length]).toEqual([undefined, 200_000]);
  });

  it('of an unchanged document is left out', async () => {
    const server = await start(() => Promise.resolve({ status: 304, headers: { ETag: '"x"' }, body: '' }));
    const { status, headers, body } = await ask(server, '/apis', { as: master });
    expect([status, headers['etag'], body]).toEqual([304, '"x"', '']);
  });
});

describe('warningHeaders', () => {
  it('cuts long ones when there is too much to say, and then leaves out', () => {
    const long = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(300, 'ü'));
    const headers = warningHeaders(long);
    expect(headers.length).toBe(16);
    expect(headers.every((header) => Array.from(header).length === 256 + '299 - ""'.length)).toBe(true);
    expect(warningHeaders(['x'.repeat(4096)])[0]).toHaveLength(4096 + 8);
  });
});
