import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { jsonAnswer } from '../../src/machinery/call.ts';
import type { Answer, Call } from '../../src/machinery/call.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { RunningServer } from '../../src/server/listen.ts';
import { framesIn, opening, requestOn, resetOf, uploadOn } from '../fuzz/http2-frames.ts';
import { ask, connection, open, whole } from './http2-client.ts';
import { ask as askHttp1, alice, master, proxy, servingCA, start, whoami } from './running.ts';

const things = '/apis/g/v1/namespaces/n/things';
const json = { 'content-type': 'application/json' };
const MiB = 1024 * 1024;

interface Told extends Omit<Call, 'query' | 'body' | 'signal'> {
  readonly body: number;
}
const told = (body: string) => JSON.parse(body) as Told;

/** Of JSON lines, as a watch has them; tells what became of it. */
function streaming(lines: (signal: AbortSignal) => AsyncIterable<string>) {
  const calls: Call[] = [];
  const handle = (call: Call): Promise<Answer> => {
    calls.push(call);
    return Promise.resolve({ status: 200, headers: { 'Content-Type': 'application/json' }, body: lines(call.signal) });
  };
  return { calls, handle };
}

async function* never(): AsyncGenerator<string> {
  yield '{"type":"ADDED"}\n';
  await new Promise(() => {});
}

const closed = (stream: ClientHttp2Stream) =>
  new Promise<number>((resolve) => stream.on('error', () => {}).on('close', () => resolve(stream.rstCode ?? 0)));

describe('HTTP/2', () => {
  it('is answered as HTTP/1.1 is, on the same port, but for what concerns the connection', async () => {
    const server = await start(whoami);
    const session = await connection(server);
    const two = await ask(session, things);
    const one = await askHttp1(server, things, { as: master });
    expect([two.status, two.body]).toEqual([200, one.body]);
    const strip = (headers: object) =>
      Object.keys(headers).filter((name) => !name.startsWith(':') && !['connection', 'keep-alive'].includes(name));
    expect(strip(two.headers).toSorted()).toEqual(strip(one.headers).toSorted());
  });

  it('tells users by the certificate of the connection, refuses others', async () => {
    const server = await start(whoami);
    expect(told((await ask(await connection(server), things)).body).user.name).toBe('root');
    expect((await ask(await connection(server, alice), things)).status).toBe(403);
    expect((await ask(await connection(server, { cert: '', key: '' }), things)).status).toBe(403);
  });

  it('carries many users on the connection of a proxy, some in 1 500 groups', async () => {
    const server = await start(whoami);
    const session = await connection(server, proxy, { maxSendHeaderBlockLength: MiB });
    const groups = ['system:masters', ...Array.from({ length: 1500 }, (_, n) => `group-${n}-${'g'.repeat(50)}`)];
    const names = Array.from({ length: 20 }, (_, n) => `user-${n}`);
    const answers = await Promise.all(
      names.map((name) => ask(session, things, { headers: { 'x-remote-user': name, 'x-remote-group': groups } })),
    );
    expect(answers.map(({ body }) => told(body).user.name)).toEqual(names);
    for (const { body } of answers) expect(told(body).user.groups).toEqual(expect.arrayContaining(groups));
  });

  it('has UTF-8 in headers both ways', async () => {
    const server = await start((call) => {
      call.warn(`grüezi ${call.userAgent}`);
      return whoami(call);
    });
    const { headers } = await ask(await connection(server), things, {
      headers: { 'user-agent': Buffer.from('zoë/1').toString('latin1') },
    });
    expect(Buffer.from(String(headers['warning']), 'latin1').toString()).toBe('299 - "grüezi zoë/1"');
  });

  it.each(['HEAD', 'OPTIONS', 'DELETE'])('knows %s', async (method) => {
    const server = await start(whoami);
    const two = await ask(await connection(server), things, { method });
    const one = await askHttp1(server, things, { method, as: master });
    expect([two.status, two.headers['content-length'], two.body]).toEqual([one.status, one.headers['content-length'], one.body]);
  });

  it('takes bodies up to the limit, and answers above it', async () => {
    const session = await connection(await start(whoami));
    const post = (size: number, headers = {}) =>
      ask(session, things, { method: 'POST', headers: { ...json, ...headers }, body: Buffer.alloc(size, ' ') });
    expect(told((await post(3 * MiB)).body).body).toBe(3 * MiB);
    expect((await post(3 * MiB + 1)).status).toBe(413);
    expect((await post(9, { expect: '100-continue' })).status).toBe(200);
    expect((await ask(session, things)).status).toBe(200);
  });

  it('takes an empty body that comes with its request', async () => {
    const session = await connection(await start(whoami));
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(session, things, { method: 'POST', headers: json, body: '' })));
    expect(answers.map(({ body }) => told(body).body)).toEqual(answers.map(() => 0));
  });

  it('is not held by who does not take its refusal', async () => {
    const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 10_000 ? 50 : ms, signal) };
    const stranger = { cert: '', key: '' };
    const session = await connection(await start(whoami, { clock }), stranger, { settings: { initialWindowSize: 0 } });
    const { stream, status } = await open(session, things);
    expect([status, await closed(stream)]).toEqual([403, constants.NGHTTP2_INTERNAL_ERROR]);
  });

  it('sends answers of many megabytes', async () => {
    const text = JSON.stringify('x'.repeat(20 * MiB));
    const session = await connection(await start(() => Promise.resolve(jsonAnswer(200, text))));
    expect((await ask(session, things)).body.length).toBe(text.length);
  });

  it('does not take a body that broke off for the whole', async () => {
    let bodies = 0;
    const server = await start((call) => {
      bodies += 1;
      return whoami(call);
    });
    const { socket, frames } = await raw(server);
    socket.write(uploadOn(3, things));
    await sleep(100);
    socket.write(Buffer.concat([resetOf(3), requestOn(5, things)]));
    await expect.poll(() => frames().filter((type) => type === 'headers').length).toBe(2);
    await sleep(50);
    expect(bodies).toBe(1);
  });
});

describe('a stream', () => {
  it('that its client leaves stops the work', async () => {
    const { calls, handle } = streaming(never);
    const session = await connection(await start(handle));
    const { stream } = await open(session, `${things}?watch=1`);
    stream.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => calls[0]?.signal.aborted).toBe(true);
    expect(session.closed).toBe(false);
  });

  it('is stopped with its connection', async () => {
    const { calls, handle } = streaming(never);
    const session = await connection(await start(handle));
    await Promise.all([1, 2, 3].map(() => open(session, `${things}?watch=1`)));
    session.destroy();
    await expect.poll(() => calls.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
  });

  it('that breaks off ends with an error, not as if it were whole', async () => {
    const { handle } = streaming(async function* () {
      yield '{"type":"ADDED"}\n';
      await sleep(50);
      throw new Error('the store is gone');
    });
    const session = await connection(await start(handle));
    const { stream } = await open(session, `${things}/x/download`);
    const code = closed(stream);
    await expect(whole(stream)).rejects.toThrow('NGHTTP2_INTERNAL_ERROR');
    expect(await code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });

  it('that nobody reads is not fed, and holds up no other on its connection', async () => {
    let given = 0;
    const { handle } = streaming(async function* () {
      for (;;) {
        given += 1;
        yield `${'x'.repeat(64 * 1024)}\n`;
      }
    });
    const session = await connection(await start(handle));
    const unread = await Promise.all(Array.from({ length: 50 }, () => open(session, `${things}?watch=1`)));
    unread.forEach(({ stream }) => stream.pause());
    await sleep(300);
    const before = given;
    for (let n = 0; n < 20; n++) expect((await ask(session, '/livez')).status).toBe(200);
    expect(given).toBe(before);
    expect(given).toBeLessThan(50 * 8);
  });

  it('with a body, which means nothing there, keeps none of it', async () => {
    const session = await connection(await start(streaming(never).handle));
    const { stream } = await open(session, `${things}?watch=1`, { body: Buffer.alloc(MiB) });
    await once(stream, 'finish');
  });

  it('that is taken back at once is never begun', async () => {
    const { calls, handle } = streaming(never);
    const session = await connection(await start(handle));
    for (let n = 0; n < 100; n++) session.request({ ':path': `${things}?watch=1` }).close(constants.NGHTTP2_CANCEL);
    expect((await ask(session, '/livez')).status).toBe(200);
    expect(calls.length).toBe(0);
  });

  it('is refused to nobody, however many there are of the watches', async () => {
    const { handle } = streaming(never);
    const session = await connection(await start(handle));
    const watches = await Promise.all(Array.from({ length: 2000 }, () => open(session, `${things}?watch=1`)));
    watches.slice(0, 1000).forEach(({ stream }) => stream.close(constants.NGHTTP2_CANCEL));
    const more = await Promise.all(Array.from({ length: 1000 }, () => open(session, `${things}?watch=1`)));
    expect(new Set([...watches, ...more].map(({ status }) => status))).toEqual(new Set([200]));
  });
});

/** A connection whose frames are written by hand; it sends no more than that, and does not hear what it is asked. */
async function raw(server: RunningServer): Promise<{ readonly socket: TLSSocket; readonly frames: () => readonly string[] }> {
  const socket = connect({
    host: '127.0.0.1',
    port: server.port,
    servername: 'localhost',
    ca: servingCA.cert,
    ...master,
    ALPNProtocols: ['h2'],
  });
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece)).on('error', () => {});
  await once(socket, 'secureConnect');
  socket.write(opening);
  const frames = () => framesIn(Buffer.concat(pieces));
  await expect.poll(frames).toContain('data');
  return { socket, frames };
}

describe('a server that stops', () => {
  it('asks for another connection, and serves what was on its way before that was heard', async () => {
    let served = 0;
    const server = await start((call) => {
      served += 1;
      return whoami(call);
    });
    const { socket, frames } = await raw(server);
    const over = server.close();
    await expect.poll(frames).toContain('goAway');
    for (let stream = 3; stream < 203; stream += 2) {
      socket.write(requestOn(stream, things));
      if (stream % 20 === 3) await sleep(10);
    }
    await once(socket, 'close');
    await over;
    expect(served).toBe(100);
    expect(frames().filter((type) => type === 'headers')).toHaveLength(101);
    expect(frames()).not.toContain('rstStream');
  });

  it('lets every request under way finish', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const server = await start(async (call) => {
      await released;
      return whoami(call);
    });
    const session = await connection(server);
    const answers = Promise.all(Array.from({ length: 20 }, () => ask(session, things)));
    await sleep(100);
    const over = server.close();
    await once(session, 'goaway');
    await sleep(100);
    release();
    expect(new Set((await answers).map(({ status }) => status))).toEqual(new Set([200]));
    await over;
  });

  it('fails none of the requests of a busy client while it waits to be left, and gives each connection one at least', async () => {
    const delay = 12_345;
    let left: () => void = () => {};
    const leaving = new Promise<void>((resolve) => (left = resolve));
    const clock: Clock = { ...systemClock, sleep: (ms, signal) => (ms === delay ? leaving : systemClock.sleep(ms, signal)) };
    const server = await start(whoami, { shutdownDelayMs: delay, clock });
    const seen: number[] = [];
    const state = { connections: 0, over: false };
    const busy = async () => {
      while (!state.over) {
        const session = await connection(server);
        state.connections += 1;
        while (!state.over && !session.closed && !session.destroyed) seen.push((await ask(session, things)).status);
      }
    };
    const clients = Promise.all([busy(), busy(), busy(), busy()]);
    await expect.poll(() => seen.length).toBeGreaterThan(50);
    expect(state.connections).toBe(4);
    const over = server.close();
    const before = state.connections;
    await expect.poll(() => state.connections, { timeout: 10_000 }).toBeGreaterThan(before + 20);
    state.over = true;
    await clients;
    left();
    await over;
    expect(new Set(seen)).toEqual(new Set([200]));
    expect(seen.length).toBeGreaterThanOrEqual(state.connections - 4);
  });

  it('ends watches as if they were over, and cuts a download that does not end', async () => {
    const { handle } = streaming(never);
    const server = await start(handle, { drainMs: 300 });
    const session = await connection(server);
    const [watch, download] = await Promise.all(['?watch=1', '/x/download'].map((rest) => open(session, `${things}${rest}`)));
    const texts = Promise.all([watch, download].map((answer) => whole(answer!.stream)));
    await server.close();
    await texts;
    expect([watch, download].map((answer) => answer!.stream.rstCode)).toEqual([constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL]);
  });

  it('waits for no client that does not hear', { timeout: 10_000 }, async () => {
    const server = await start(whoami);
    const { socket } = await raw(server);
    socket.pause();
    await Promise.all([server.close(), once(socket.resume(), 'close')]);
  });
});
