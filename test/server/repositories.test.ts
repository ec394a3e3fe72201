import { once } from 'node:events';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { Log } from '../../src/base/log.ts';
import { usualLimits } from '../../src/server/in-flight.ts';
import type { RunningServer } from '../../src/server/listen.ts';
import type { ServeRepository } from '../../src/server/repositories.ts';
import { ask, master, servingCA, start, whoami } from './running.ts';

const MiB = 1024 * 1024;
const file = `/repositories/shop/data/${'ab'.repeat(32)}`;

const answer = (status: number, body = '') => ({ status, headers: { 'Content-Type': 'text/plain' }, body });

const bytesOf = async (body: AsyncIterable<Uint8Array>) => {
  let bytes = 0;
  for await (const piece of body) bytes += piece.length;
  return bytes;
};

/** Sends as much as the server takes, up to `bytes`. */
function upload(server: RunningServer, path: string, bytes: number) {
  const client = request({ host: '127.0.0.1', port: server.port, path, method: 'POST', ca: servingCA.cert, agent: false });
  client.setHeader('Content-Length', bytes);
  let sent = 0;
  const push = () => {
    while (sent < bytes) {
      sent += 64 * 1024;
      if (!client.write(Buffer.alloc(64 * 1024))) return client.once('drain', push);
    }
    return client.end();
  };
  push();
  const status = new Promise<number>((resolve, reject) => {
    client.on('error', reject);
    client.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
  });
  return { status, sent: () => sent, client };
}

describe('requests of restic', () => {
  it('are handed on as they are, and need no user of the API', async () => {
    const seen: unknown[] = [];
    const serveRepository: ServeRepository = async ({ body, ...request }) => {
      seen.push({ ...request, body: await bytesOf(body) });
      return answer(200, 'done');
    };
    const server = await start(whoami, { serveRepository });
    const headers = { Authorization: 'Basic x', Accept: 'application/vnd.x.restic.rest.v2', Range: 'bytes=1-2' };
    expect(await ask(server, `${file}?a=%2f`, { method: 'POST', headers, body: 'abc' })).toMatchObject({ status: 200, body: 'done' });
    expect(await ask(server, '/repositories/shop/../x')).toMatchObject({ status: 200 });
    expect(seen).toEqual([
      {
        method: 'POST',
        url: `${file}?a=%2f`,
        authorization: 'Basic x',
        accept: headers.Accept,
        range: 'bytes=1-2',
        contentLength: 3,
        body: 3,
      },
      { method: 'GET', url: '/repositories/shop/../x', authorization: '', accept: '', range: '', contentLength: undefined, body: 0 },
    ]);
    expect((await ask(server, '/repositories', { as: master })).body).toContain('"path":"/repositories"');
  });

  it('get the headers of a file for HEAD, and the whole of it for GET', async () => {
    const headers = { 'Content-Type': 'binary/octet-stream', 'Content-Length': '5' };
    const body = async function* () {
      yield Buffer.from('he');
      yield Buffer.from('llo');
    };
    const server = await start(whoami, { serveRepository: async () => ({ status: 200, headers, body: body() }) });
    expect(await ask(server, file, { method: 'HEAD' })).toMatchObject({ status: 200, body: '', headers: { 'content-length': '5' } });
    expect(await ask(server, file)).toMatchObject({ status: 200, body: 'hello', headers: { 'content-length': '5' } });
  });

  it('send no more of a file than is taken from them', async () => {
    let take: () => void = () => {};
    const taken = new Promise<void>((resolve) => (take = resolve));
    const serveRepository: ServeRepository = async ({ body, contentLength }) => {
      await taken;
      return answer((await bytesOf(body)) === contentLength ? 200 : 400);
    };
    const server = await start(whoami, { serveRepository });
    const { status, sent } = upload(server, file, 64 * MiB);
    await sleep(300);
    expect(sent()).toBeLessThan(24 * MiB);
    take();
    expect(await status).toBe(200);
  });

  it('are answered before they have sent all, and the connection carries the next', async () => {
    const serveRepository: ServeRepository = async ({ method, body }) => {
      if (method === 'GET') return answer(200);
      await body[Symbol.asyncIterator]().next();
      return answer(413);
    };
    const server = await start(whoami, { serveRepository });
    const socket = connect({ host: '127.0.0.1', port: server.port, ca: servingCA.cert, servername: 'localhost' });
    let received = '';
    socket.on('data', (piece: Buffer) => (received += piece.toString()));
    socket.write(`POST ${file} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${8 * MiB}\r\n\r\n`);
    socket.write(Buffer.alloc(MiB));
    await expect.poll(() => received).toContain('HTTP/1.1 413 ');
    socket.write(Buffer.alloc(7 * MiB));
    socket.write(`GET ${file} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await expect.poll(() => received).toContain('HTTP/1.1 200 ');
    socket.destroy();
  });

  it('are over for who serves them when the client goes, and when they are answered', async () => {
    let over = 0;
    const begun: AbortSignal[] = [];
    const serveRepository: ServeRepository = async ({ method, body }, signal) => {
      begun.push(signal);
      signal.addEventListener('abort', () => (over += 1));
      if (method === 'POST') await bytesOf(body);
      return answer(200);
    };
    const server = await start(whoami, { serveRepository });
    await ask(server, file);
    await expect.poll(() => over).toBe(1);
    const { client, status } = upload(server, file, 1024 * MiB);
    status.catch(() => {});
    await expect.poll(() => begun.length).toBe(2);
    client.destroy();
    await expect.poll(() => over).toBe(2);
  });

  it('break off where a file breaks off', async () => {
    const body = async function* () {
      yield Buffer.from('half');
      await sleep(20);
      throw new Error('the store is gone');
    };
    const headers = { 'Content-Type': 'binary/octet-stream', 'Content-Length': '8' };
    const server = await start(whoami, { serveRepository: async () => ({ status: 200, headers, body: body() }) });
    await expect(ask(server, file)).rejects.toThrow(/aborted/);
  });

  it('have a limit of their own, and take no place of the API', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const serveRepository: ServeRepository = async () => {
      await released;
      return answer(200);
    };
    const server = await start(whoami, { serveRepository, limits: { ...usualLimits, moving: 2 } });
    const two = [ask(server, file), ask(server, file)];
    await expect.poll(async () => (await ask(server, file)).status).toBe(429);
    expect((await ask(server, '/apis/g/v1/namespaces/n/things', { as: master })).status).toBe(200);
    release();
    expect((await Promise.all(two)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('are brought to their end by a shutdown, which takes no new ones', async () => {
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const serveRepository: ServeRepository = async ({ body }) => {
      await released;
      return answer((await bytesOf(body)) === 4 * MiB ? 200 : 400);
    };
    const server = await start(whoami, { serveRepository });
    const underWay = upload(server, file, 4 * MiB);
    await once(underWay.client, 'socket');
    await sleep(100);
    const closed = server.close();
    await sleep(50);
    release();
    expect(await underWay.status).toBe(200);
    await closed;
  });

  it('are told of in the log without anything that is secret', async () => {
    const lines: string[] = [];
    const write = (message: string, fields = {}) => void lines.push(JSON.stringify({ message, ...fields }));
    const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
    const serveRepository: ServeRepository = () => Promise.reject(new Error('unforeseen'));
    const server = await start(whoami, { serveRepository, log });
    const got = await ask(server, `${file}?password=geheim`, { headers: { Authorization: 'Basic Z2VoZWlt' } });
    expect([got.status, got.body.includes('unforeseen; the log of the server tells more')]).toEqual([500, true]);
    await expect.poll(() => lines.some((line) => line.includes('request of a repository'))).toBe(true);
    expect(lines.join('\n')).toMatch(new RegExp(`"method":"GET","path":"${file}","code":500`));
    expect(lines.join('\n')).not.toMatch(/geheim|Z2VoZWlt/);
  });
});
