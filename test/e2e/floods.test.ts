/** Attacks by many and by much: memory stays bounded, others are served meanwhile within a second, and afterwards all is given back. */
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { damageOf } from '../fuzz/attack.ts';
import { bytesOf } from '../fuzz/draft.ts';
import type { Draft } from '../fuzz/draft.ts';
import { floods, framesIn, opening, requestOn } from '../fuzz/http2-frames.ts';
import { Playground } from '../fuzz/playground.ts';
import { Connection } from '../fuzz/wire.ts';
import type { Reply } from '../fuzz/wire.ts';
import { MiB } from './memory.ts';

const KiB = 1024;
/** In MiB: what is too much for it ends the process. */
const heap = 192;
const largestBody = 3 * MiB;
/** Objects that V8 has not collected yet, and what the probes and the playground's own work take meanwhile. */
const idle = heap * MiB;
/** Of a connection: its TLS state with two records of 16 KiB, and the parser. */
const perConnection = 96 * KiB;

/** Milliseconds of the server's own time, for who has a connection, as kube-apiserver does, and for who comes anew and stands in line with the attackers. */
const longestWait = 1000;
const longestWaitNew = 5000;
/** Milliseconds of work for the first request of a connection: who it is stands in its certificate. */
const perFirstRequest = 2;
/** And for a further one, and for one that is taken back at once. */
const perRequest = 0.5;
const perReset = 0.1;

const configMaps = '/api/v1/namespaces/default/configmaps';
const json: Draft['headers'] = [['Content-Type', 'application/json']];

describe('floods', () => {
  let playground: Awaited<ReturnType<typeof Playground.start>>;

  beforeAll(async () => {
    playground = await Playground.start([`--max-old-space-size=${heap}`]);
  });
  afterAll(async () => {
    expect(await playground?.stop()).toBe(0);
  });

  const asBytes = (draft: Partial<Draft>) =>
    bytesOf({ who: 'owner', method: 'GET', path: configMaps, query: [], headers: [], body: undefined, chunked: false, ...draft });

  async function ask(draft: Partial<Draft>): Promise<Reply | undefined> {
    const connection = await Connection.open(playground.addresses[draft.who ?? 'owner']);
    const reply = await connection.ask(asBytes(draft), { isHead: false, mayStream: false });
    connection.close();
    return reply;
  }

  /** Connections that read nothing unless somebody listens. */
  async function open(count: number, options: ConnectionOptions = {}): Promise<readonly TLSSocket[]> {
    const sockets: TLSSocket[] = [];
    for (let n = 0; n < count; n += 50) {
      const some = Array.from({ length: Math.min(50, count - n) }, () =>
        connect({ host: '127.0.0.1', servername: 'localhost', ...playground.addresses.owner, ...options }),
      );
      some.forEach((socket) => socket.on('error', () => {}));
      await Promise.all(some.map((socket) => once(socket, 'secureConnect')));
      sockets.push(...some);
    }
    return sockets;
  }

  /** Twice: what the first wave leaves behind would show in the second. Who asks waits for the `line` of milliseconds that may be before. */
  async function survives(bound: number, attack: () => Promise<void>, line = 0): Promise<void> {
    for (const wave of ['first', 'second']) {
      const { grown, longest, longestNew, answers } = await damageOf(playground.process, playground.addresses.owner, attack);
      expect(grown, `bytes in the ${wave} wave`).toBeLessThan(bound);
      expect(longest, `milliseconds that others waited in the ${wave} wave`).toBeLessThan(longestWait + line);
      expect(longestNew, `milliseconds that a new connection took in the ${wave} wave`).toBeLessThan(longestWaitNew + line);
      expect(answers).toBeGreaterThan(3);
    }
  }

  const gone = (sockets: readonly Socket[]) => sockets.forEach((socket) => socket.destroy());

  it('slow-loris headers', async () => {
    const count = 500;
    await survives(idle + count * perConnection, async () => {
      const sockets = await open(count);
      sockets.forEach((socket) => socket.write(`GET ${configMaps} HTTP/1.1\r\nHost: localhost\r\n`));
      for (let n = 0; n < 15; n++) {
        sockets.forEach((socket) => socket.write(`X-Slow-${n}: a\r\n`));
        await sleep(200);
      }
      gone(sockets);
    });
  });

  it('slow-loris bodies', async () => {
    const count = 300;
    const sent = 15 * KiB;
    await survives(idle + count * (perConnection + 2 * sent), async () => {
      const sockets = await open(count);
      const head = `POST ${configMaps} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${largestBody}\r\n\r\n{`;
      sockets.forEach((socket) => socket.write(head));
      for (let n = 0; n < 15; n++) {
        sockets.forEach((socket) => socket.write(Buffer.alloc(KiB, ' ')));
        await sleep(200);
      }
      gone(sockets);
    });
  });

  it('half-open connections: those that say nothing before TLS, after it, and those that end in the middle', async () => {
    const count = 300;
    await survives(idle + 3 * count * perConnection, async () => {
      const plain = Array.from({ length: count }, () =>
        connectPlain({ host: '127.0.0.1', port: playground.addresses.owner.port, allowHalfOpen: true }),
      );
      plain.forEach((socket) => socket.on('error', () => {}));
      const silent = await open(count);
      const ended = await open(count);
      ended.forEach((socket) => socket.end(`GET ${configMaps} HTT`));
      await sleep(2000);
      gone([...plain, ...silent, ...ended]);
    });
  });

  it('10 000 headers, and more bytes of headers than anybody needs', async () => {
    const many: Draft['headers'] = Array.from({ length: 10_000 }, (_, n) => [`X-Header-${n}`, 'v']);
    const long: Draft['headers'] = Array.from({ length: 300 }, (_, n) => [`X-Long-${n}`, 'v'.repeat(4 * KiB)]);
    const count = 20;
    await survives(idle + 2 * count * 4 * MiB, async () => {
      const replies = await Promise.all(Array.from({ length: count }, (_, n) => ask({ headers: n % 2 ? many : long })));
      // Who is still sending when the server has read enough may find the connection closed, without the answer.
      for (const [n, reply] of replies.entries()) expect(n % 2 ? [200] : [431, undefined]).toContain(reply?.status);
      expect(replies.map((reply) => reply?.status)).toContain(431);
      for (const reply of replies)
        if (reply?.status === 431) expect(JSON.parse(String(reply.body))).toMatchObject({ kind: 'Status', code: 431 });
    });
  });

  it('users with 1 500 groups', async () => {
    const groups: Draft['headers'] = Array.from({ length: 1500 }, (_, n) => ['Impersonate-Group', `group-${n}-${'g'.repeat(100)}`]);
    const count = 100;
    await survives(idle + count * MiB, async () => {
      const headers: Draft['headers'] = [['Impersonate-User', 'many'], ...groups];
      const replies = await Promise.all(Array.from({ length: count }, (_, n) => ask({ headers, path: n % 2 ? '/apis' : configMaps })));
      for (const [n, reply] of replies.entries()) expect(reply?.status).toBe(n % 2 ? 200 : 403);
      expect(String(replies[0]?.body)).toContain('User \\"many\\"');
    });
  });

  it('bodies of 3 MiB and above, announced and not', async () => {
    const body = Buffer.alloc(largestBody + 1, ' ');
    const most = Buffer.from(JSON.stringify({ metadata: { name: 'x' }, data: { x: 'x'.repeat(largestBody - 100) } }));
    const count = 60;
    await survives(idle + count * 3 * largestBody, async () => {
      const replies = await Promise.all(
        Array.from({ length: count }, (_, n) => ask({ method: 'POST', headers: json, body: n % 3 ? body : most, chunked: n % 3 === 2 })),
      );
      expect(replies.map((reply) => reply?.status)).toEqual(replies.map(() => 413));
    });
  });

  it('deeply nested JSON and bombs of YAML', async () => {
    const depth = 200_000;
    const bomb = [
      'a0: &a0 [x,x,x,x,x,x,x,x,x]',
      ...Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join()}]`),
    ].join('\n');
    const yaml: Draft['headers'] = [['Content-Type', 'application/yaml']];
    const bad: readonly Partial<Draft>[] = [
      { headers: json, body: Buffer.from('['.repeat(depth)) },
      { headers: json, body: Buffer.from('{"a":'.repeat(depth) + '1' + '}'.repeat(depth)) },
      { headers: json, body: Buffer.from(`{"data":${'['.repeat(depth)}${']'.repeat(depth)}}`) },
      { headers: yaml, body: Buffer.from('['.repeat(depth)) },
      { headers: yaml, body: Buffer.from('- '.repeat(depth)) },
      { headers: yaml, body: Buffer.from(bomb) },
      { headers: yaml, body: Buffer.from(`a: ${'&a '.repeat(1000)}`) },
      { headers: yaml, body: Buffer.from(Array.from({ length: 100_000 }, (_, n) => `k${n}: v`).join('\n')) },
    ];
    await survives(idle + bad.length * 3 * 16 * MiB, async () => {
      const replies = await Promise.all([...bad, ...bad, ...bad].map((draft) => ask({ method: 'POST', ...draft })));
      expect(replies.map((reply) => reply?.status)).toEqual(replies.map(() => 400));
    });
  });

  it('thousands of idle connections', async () => {
    const count = 2000;
    await survives(idle + count * perConnection, async () => {
      const sockets = await open(count);
      const request = asBytes({ path: '/livez' });
      for (let n = 0; n < count; n += 50) await Promise.all(sockets.slice(n, n + 50).map((socket) => answered(socket, request)));
      await sleep(2000);
      gone(sockets);
    });
  });

  it('a request on each of thousands of connections at the same moment', async () => {
    const count = 2000;
    const line = count * perFirstRequest;
    const attack = async () => {
      const sockets = await open(count);
      const request = asBytes({ path: '/livez' });
      await Promise.all(sockets.map((socket) => answered(socket, request)));
      gone(sockets);
    };
    await survives(idle + count * perConnection, attack, line);
  });

  describe('readers that do not read', () => {
    const objects = 200;
    const size = 100 * KiB;
    const fill = (char: string) => Buffer.from(JSON.stringify({ data: { filling: char.repeat(size) } }));

    beforeAll(async () => {
      for (let n = 0; n < objects; n++) {
        const body = Buffer.from(JSON.stringify({ metadata: { name: `large-${n}` }, data: { filling: 'x'.repeat(size) } }));
        expect((await ask({ method: 'POST', headers: json, body }))?.status).toBe(201);
      }
    });

    it('of lists', async () => {
      const count = 60;
      await survives(idle + count * MiB, async () => {
        const sockets = await open(count);
        const request = asBytes({});
        sockets.forEach((socket) => socket.write(request));
        await sleep(3000);
        gone(sockets);
      });
    });

    it('of watches, while others write', async () => {
      const count = 60;
      const writes = 300;
      await survives(idle + count * MiB + writes * 4 * size, async () => {
        const sockets = await open(count);
        const request = asBytes({ query: ['watch=true'] });
        sockets.forEach((socket) => socket.write(request));
        const headers: Draft['headers'] = [['Content-Type', 'application/merge-patch+json']];
        const connection = await Connection.open(playground.addresses.owner);
        for (let n = 0; n < writes; n++) {
          const patch = asBytes({ method: 'PATCH', path: `${configMaps}/large-${n % objects}`, headers, body: fill(String(n % 10)) });
          expect((await connection.ask(patch, { isHead: false, mayStream: false }))?.status).toBe(200);
        }
        connection.close();
        gone(sockets);
      });
    });
  });

  describe('HTTP/2', () => {
    const http2 = { ALPNProtocols: ['h2'] };

    it.each(Object.keys(floods))('a flood of %s', async (name) => {
      const count = 50;
      const flood = Buffer.concat([opening, floods[name]?.(2000) ?? Buffer.alloc(0)]);
      const line = name === 'rapid reset' ? count * 2000 * perReset : 0;
      const attack = async () => {
        const sockets = await open(count, http2);
        sockets.forEach((socket) => socket.resume().write(flood));
        await sleep(3000);
        gone(sockets);
      };
      await survives(idle + count * (perConnection + MiB), attack, line);
    });

    it('a flood of resets cuts off nobody who uses the same connection', async () => {
      const [socket] = await open(1, http2);
      const pieces: Buffer[] = [];
      socket?.on('data', (piece: Buffer) => pieces.push(piece));
      const resets = 20_000;
      socket?.write(Buffer.concat([opening, floods['rapid reset']?.(resets) ?? Buffer.alloc(0)]));
      socket?.write(requestOn(2 * resets + 3, '/livez'));
      const answers = () => framesIn(Buffer.concat(pieces)).filter((type) => type === 'headers').length;
      await expect.poll(answers, { timeout: 20_000 }).toBe(2);
      socket?.destroy();
    });

    it('streams that nobody reads', async () => {
      const count = 20;
      const streams = 200;
      const attack = async () => {
        const sockets = await open(count, http2);
        const watches = Array.from({ length: streams }, (_, n) => requestOn(2 * n + 3, `${configMaps}?watch=true`));
        const lists = Array.from({ length: streams }, (_, n) => requestOn(2 * (streams + n) + 3, configMaps));
        sockets.forEach((socket, n) => socket.write(Buffer.concat([opening, ...(n % 2 ? watches : lists)])));
        await sleep(3000);
        gone(sockets);
      };
      await survives(idle + count * streams * (64 * KiB), attack, count * streams * perRequest);
    });

    it.each(Object.keys(floods))('a flood of %s where HTTP/1.1 was agreed on is refused at its first bytes', async (name) => {
      const count = 200;
      const flood = Buffer.concat([opening, floods[name]?.(2000) ?? Buffer.alloc(0)]);
      await survives(idle + count * (perConnection + 64 * KiB), async () => {
        const sockets = await open(count);
        const answers = sockets.map(answerOf);
        sockets.forEach((socket) => socket.write(flood));
        for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^(HTTP\/1\.1 400 |$)/);
        gone(sockets);
        await sleep(500);
      });
    });
  });
});

async function answered(socket: TLSSocket, request: Buffer): Promise<void> {
  socket.write(request);
  await once(socket, 'data');
}

/** All that comes until the server closes. */
async function answerOf(socket: TLSSocket): Promise<string> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  const closed = new Promise((resolve) => socket.on('close', resolve));
  await Promise.race([closed, sleep(5000).then(() => expect.fail('the connection stays open'))]);
  return Buffer.concat(pieces).toString('latin1');
}
