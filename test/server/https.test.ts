import { once } from 'node:events';
import { Agent } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createHttp1Server } from '../../src/server/http1.ts';
import type { RunningServer } from '../../src/server/listen.ts';
import { issue } from '../auth/pki.ts';
import { ask, master, open, servingCA, start, whoami } from './running.ts';

const things = '/apis/g/v1/namespaces/n/things';

async function handshake(server: RunningServer, options: ConnectionOptions = {}) {
  const socket = connect({ host: '127.0.0.1', port: server.port, ca: servingCA.cert, servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

describe('TLS', () => {
  it.each([
    ['HTTP/2', ['h2', 'http/1.1'], 'h2'],
    ['HTTP/1.1', ['http/1.1'], 'http/1.1'],
    ['HTTP/1.1', undefined, false],
  ])('agrees on %s with who offers %s', async (_, ALPNProtocols, agreed) => {
    const socket = await handshake(await start(whoami), ALPNProtocols && { ALPNProtocols });
    expect(socket.alpnProtocol).toBe(agreed);
    socket.destroy();
  });

  it('is of 1.2 and up', async () => {
    const server = await start(whoami);
    await expect(handshake(server, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow();
  });

  it('takes a new certificate while it runs, and keeps the rules', async () => {
    const server = await start(whoami);
    const before = await handshake(server);
    const renewed = issue(servingCA, { cn: 'renewed', usage: 'server' });
    server.setCertificate(renewed);
    const after = await handshake(server, { ALPNProtocols: ['http/1.1'] });
    expect([before.getPeerCertificate().subject.CN, after.getPeerCertificate().subject.CN]).toEqual(['localhost', 'renewed']);
    before.destroy();
    after.destroy();
    expect((await ask(server, things, { as: master })).status).toBe(200);
    expect(() => server.setCertificate({ cert: renewed.cert, key: 'x' })).toThrow();
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes no sessions of %s', async (maxVersion) => {
    const server = await start(whoami);
    const sessions: Buffer[] = [];
    const first = await handshake(server, { maxVersion });
    first.on('session', (session) => sessions.push(session));
    first.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(first, 'data');
    first.destroy();
    const session = sessions[0] ?? first.getSession();
    const second = await handshake(server, { maxVersion, ...(session && { session }) });
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });
});

describe('connections', () => {
  it('have none of the limits that would break watches, uploads and long headers (C2 C3 C5 C6)', () => {
    const { headersTimeout, keepAliveTimeout, maxHeadersCount, requestTimeout, timeout } = createHttp1Server(() => {});
    expect({ maxHeadersCount, timeout }).toEqual({ maxHeadersCount: 0, timeout: 0 });
    expect(keepAliveTimeout).toBeGreaterThanOrEqual(120_000);
    expect(headersTimeout).toBeGreaterThan(keepAliveTimeout);
    expect(requestTimeout).toBeGreaterThanOrEqual(300_000);
  });

  it('stay open between requests, longer than the proxy keeps them (C5)', async () => {
    const server = await start(whoami);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { headers } = await ask(server, '/livez', { agent });
    expect(headers['keep-alive']).toBe('timeout=120');
    const again = await open(server, '/livez', { agent });
    expect(again.headers['connection']).toBe('keep-alive');
    again.resume();
    agent.destroy();
  });

  it('that do not speak HTTP get a Status, and are closed', async () => {
    const server = await start(whoami);
    const socket = await handshake(server);
    socket.write('HELLO\r\n\r\n');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application\/json\r\n/);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ kind: 'Status', code: 400, reason: 'BadRequest' });
  });

  it.each([
    ['without a Host get a Status', 'GET /livez HTTP/1.1\r\n\r\n', 400],
    ['for no path get a Status', 'GET file:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 403],
    ['of HTTP/1.0 need no Host', 'GET /livez HTTP/1.0\r\n\r\n', 200],
    [
      'that expect what nobody knows are answered all the same',
      'GET /livez HTTP/1.1\r\nHost: x\r\nExpect: x\r\nConnection: close\r\n\r\n',
      200,
    ],
  ])('requests %s', async (_, sent, status) => {
    const socket = await handshake(await start(whoami));
    socket.end(sent);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toContain(`HTTP/1.1 ${status} `);
    if (status >= 400) expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: status });
  });

  describe('with a request that waits for 100 Continue behind another', () => {
    const first = `GET ${things}/slow HTTP/1.1\r\nHost: x\r\n\r\n`;
    const second = (length: number) =>
      `POST ${things} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

    async function connected() {
      const slow = Promise.withResolvers<void>();
      const server = await start(async (call) => {
        if (call.path.endsWith('slow')) await slow.promise;
        return whoami(call);
      });
      return { slow, socket: await handshake(server, master) };
    }

    it('send no 100 where it is refused before its turn', async () => {
      const { slow, socket } = await connected();
      socket.write(first + second(4_000_000));
      await sleep(100);
      slow.resolve();
      const [, ...answers] = (await text(socket)).split(/(?=HTTP\/1\.1 )/);
      expect(answers).toEqual([expect.stringMatching(/^HTTP\/1\.1 413 [^{]*\r\n\r\n\{"kind":"Status"[^\n]*\}\n$/)]);
    });

    it('send it when it is its turn', async () => {
      const { slow, socket } = await connected();
      socket.write(first + second(2));
      await sleep(100);
      slow.resolve();
      let got = '';
      for await (const piece of socket as AsyncIterable<Buffer>) {
        got += piece.toString();
        if (got.endsWith('HTTP/1.1 100 Continue\r\n\r\n')) socket.write('{}');
      }
      expect(got.split(/(?=HTTP\/1\.1 )/).map((answer) => answer.slice(9, 12))).toEqual(['200', '100', '200']);
    });
  });

  it('read a request whole that begins while its client still has to take the answer before', async () => {
    const long = { status: 200, headers: {}, body: Buffer.alloc(16 * 1024 * 1024, 'x') };
    const server = await start((call) => (call.path.endsWith('long') ? Promise.resolve(long) : whoami(call)));
    const socket = await handshake(server, master);
    socket.write(`GET ${things}/long HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'readable');
    socket.write(`POST ${things} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n${'y'.repeat(60_000)}`);
    await sleep(100);
    const [first, second] = (await text(socket)).split(/(?=HTTP\/1\.1 )/);
    expect(first).toMatch(/^HTTP\/1\.1 200 /);
    expect(second).toMatch(/^HTTP\/1\.1 200 [^{]*\r\n\r\n\{[^\n]*"body":60000/);
  });
});
