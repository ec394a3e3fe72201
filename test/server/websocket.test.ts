import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { jsonAnswer } from '../../src/machinery/call.ts';
import type { Answer } from '../../src/machinery/call.ts';
import { notFound } from '../../src/machinery/errors.ts';
import type { RunningServer } from '../../src/server/listen.ts';
import { ask, master, servingCA, start } from './running.ts';

const watch = '/apis/g/v1/namespaces/n/things?watch=1';
/** The example of RFC 6455, with what a server has to say to it. */
const [key, accept] = ['dGhlIHNhbXBsZSBub25jZQ==', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='];
const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': key, 'Sec-WebSocket-Version': '13' };

const lines = (texts: Iterable<string> | AsyncIterable<string>): Promise<Answer> =>
  Promise.resolve(
    jsonAnswer(
      200,
      (async function* () {
        for await (const text of texts) yield `${text}\n`;
      })(),
    ),
  );

/** It does not end its side because the server ends the other. */
const staying = { allowHalfOpen: true };

function connect(server: RunningServer, headers: object = {}): Promise<{ response: IncomingMessage; socket: Duplex; frames: Buffer }> {
  return new Promise((resolve, reject) => {
    request({
      host: '127.0.0.1',
      port: server.port,
      path: watch,
      ca: servingCA.cert,
      agent: false,
      ...staying,
      headers: { ...upgrade, ...headers },
      ...master,
    })
      .on('upgrade', (response, socket, frames) => resolve({ response, socket, frames }))
      .on('response', ({ statusCode }) => reject(new Error(`no upgrade, but ${statusCode}`)))
      .on('error', reject)
      .end();
  });
}

/** The frames that a server has sent: what each is, and what it carries. */
function* framesIn(bytes: Buffer): Generator<[opcode: number, text: string]> {
  for (let at = 0; at < bytes.length;) {
    const short = bytes.readUInt8(at + 1);
    const header = short === 127 ? 10 : short === 126 ? 4 : 2;
    const length = short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
    yield [bytes.readUInt8(at), bytes.subarray(at + header, at + header + length).toString()];
    at += header + length;
  }
}

describe('a watch by WebSocket', () => {
  it('is one text message for each event, and ends with a close', async () => {
    const texts = ['{"a":1}', 'x'.repeat(125), 'ä'.repeat(63), 'y'.repeat(65_535), 'z'.repeat(65_536)];
    const { response, socket, frames } = await connect(await start(() => lines(texts)));
    expect(response.statusCode).toBe(101);
    expect(response.headers).toMatchObject({ upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-accept': accept });
    expect(response.headers).not.toHaveProperty('sec-websocket-protocol');
    expect(response.headers['audit-id']).toBeTruthy();
    const pieces = [frames];
    for await (const piece of socket) pieces.push(piece as Buffer);
    expect([...framesIn(Buffer.concat(pieces))]).toEqual([...texts.map((text) => [0x81, text]), [0x88, '\u0003\ufffd']]);
  });

  it('is one text message for each of the events that come together', async () => {
    const { socket, frames } = await connect(await start(() => lines(['{"a":1}\n{"b":2}', '{"c":3}'])));
    const pieces = [frames];
    for await (const piece of socket) pieces.push(piece as Buffer);
    const texts = ['{"a":1}', '{"b":2}', '{"c":3}'];
    expect([...framesIn(Buffer.concat(pieces))]).toEqual([...texts.map((text) => [0x81, text]), [0x88, '\u0003\ufffd']]);
  });

  it('takes the first protocol that is no token', async () => {
    const protocols = 'base64url.bearer.authorization.k8s.io.c2VjcmV0, base64.binary.k8s.io, other';
    const { response, socket } = await connect(await start(() => lines([])), { 'Sec-WebSocket-Protocol': protocols });
    expect(response.headers['sec-websocket-protocol']).toBe('base64.binary.k8s.io');
    socket.destroy();
  });

  it.each([
    ['closes', (socket: Duplex) => socket.write(Buffer.from([0x88, 0x80, 0, 0, 0, 0]))],
    ['goes', (socket: Duplex) => socket.destroy()],
  ])('ends with a client that %s', async (_, leave) => {
    const left = Promise.withResolvers<void>();
    const { socket } = await connect(
      await start(({ signal }) => {
        signal.addEventListener('abort', () => left.resolve());
        return lines(endless());
      }),
    );
    socket.write(Buffer.from([0x89, 0x80, 0, 0, 0, 0]));
    leave(socket);
    await left.promise;
    socket.destroy();
  });

  it('ends when the server does, though its client stays', async () => {
    const server = await start(() => lines(endless()));
    const { socket } = await connect(server);
    const closed = server.close();
    const pieces: Buffer[] = [];
    for await (const piece of socket) pieces.push(piece as Buffer);
    await closed;
    expect([...framesIn(Buffer.concat(pieces))]).toEqual([[0x88, '\u0003\ufffd']]);
  });
});

describe('an upgrade', () => {
  it('for what is no watch is answered as any request', async () => {
    const list = await ask(await start(() => Promise.resolve(jsonAnswer(200, '{}'))), '/apis/g/v1/things', {
      as: master,
      headers: upgrade,
    });
    expect([list.status, list.body, list.headers.connection]).toEqual([200, '{}', 'close']);
    const missing = await start(() => Promise.reject(notFound({ group: 'g', resource: 'things' }, 'x')));
    expect(JSON.parse((await ask(missing, watch, { as: master, headers: upgrade })).body)).toMatchObject({ kind: 'Status', code: 404 });
    expect((await ask(missing, watch, { headers: upgrade })).status).toBe(403);
  });

  it('that was answered keeps no connection, though its client stays', async () => {
    const server = await start(() => Promise.resolve(jsonAnswer(200, '{}')));
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = { host: '127.0.0.1', port: server.port, path: '/apis/g/v1/things', ca: servingCA.cert, agent: false as const };
      request({ ...asked, headers: upgrade, ...staying, ...master }, resolve)
        .on('error', reject)
        .end();
    });
    expect(response.statusCode).toBe(200);
    await server.close();
    response.destroy();
  });

  it.each([{ Connection: 'close' }, { Upgrade: 'SPDY/3.1' }, { 'Sec-WebSocket-Version': '8' }, { 'Sec-WebSocket-Key': '' }])(
    '%j is not done',
    async (other) => {
      const server = await start(() => lines(['{}']));
      expect(await ask(server, watch, { as: master, headers: { ...upgrade, ...other } })).toMatchObject({ status: 200, body: '{}\n' });
    },
  );
});

async function* endless(): AsyncGenerator<string> {
  await new Promise(() => {});
  yield '';
}
