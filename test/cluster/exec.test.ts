/** Programs in containers, as an API server speaks of them; it is played by a server of WebSockets. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { createClient } from '../../src/cluster/client.ts';
import { execute } from '../../src/cluster/exec.ts';
import http from 'node:http';

const running: (() => void)[] = [];
afterEach(() => {
  for (const stop of running.splice(0)) stop();
});

type Play = (socket: WebSocket, url: string) => void;

/** `refuse`: the status with which it turns the request away. */
async function server(play: Play, refuse?: number) {
  const listening = createServer();
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (protocols) => [...protocols][0] ?? false });
  const asked: string[] = [];
  listening.on('upgrade', (request, socket, head) => {
    asked.push(`${request.headers['sec-websocket-protocol']} ${request.url}`);
    if (refuse === undefined) sockets.handleUpgrade(request, socket, head, (open) => play(open, request.url ?? ''));
    else {
      const status = JSON.stringify({ kind: 'Status', reason: 'Forbidden', message: 'pods "p" is forbidden' });
      socket.end(`HTTP/1.1 ${refuse} No\r\nContent-Type: application/json\r\nContent-Length: ${status.length}\r\n\r\n${status}`);
    }
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const agent = new http.Agent();
  running.push(() => {
    listening.closeAllConnections();
    listening.close();
    for (const one of sockets.clients) one.terminate();
    agent.destroy();
  });
  const url = new URL(`http://127.0.0.1:${(listening.address() as AddressInfo).port}`);
  const credentials = {
    server: url,
    namespace: undefined,
    current: async () => ({ agent, headers: {}, auth: undefined }),
    close: () => {},
  };
  const client = createClient({
    credentials,
    clock: systemClock,
    log: createLog('silent'),
    headers: { 'Impersonate-User': 'ann' },
  });
  return { client, asked };
}

const target = { namespace: 'shop', pod: 'p', container: 'c', command: ['tar', '-cf', '-'] };
const message = (channel: number, text: string | Uint8Array) => Buffer.concat([Uint8Array.of(channel), Buffer.from(text)]);
const status = (object: object) => message(3, JSON.stringify(object));
const success = status({ status: 'Success' });

interface Heard {
  output: Buffer[];
  errors: string;
}

function hearing() {
  const heard: Heard = { output: [], errors: '' };
  const streams = {
    output: async (piece: Uint8Array) => void heard.output.push(Buffer.from(piece)),
    errors: (piece: Uint8Array) => void (heard.errors += Buffer.from(piece).toString()),
  };
  return { heard, streams };
}

const run = (client: Parameters<typeof execute>[0], streams: Parameters<typeof execute>[3], signal = AbortSignal.timeout(20_000)) =>
  execute(client, systemClock, target, streams, signal);

describe('a program in a container', () => {
  it('is asked for as it is, and gives its output, its complaints and its exit code', async () => {
    const { client, asked } = await server((socket) => {
      socket.send(message(1, 'one '));
      socket.send(message(2, 'hm'));
      socket.send(message(1, 'two'));
      socket.send(status({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '2' }] } }));
      socket.close();
    });
    const { heard, streams } = hearing();
    expect(await run(client, streams)).toBe(2);
    expect([Buffer.concat(heard.output).toString(), heard.errors]).toEqual(['one two', 'hm']);
    expect(asked).toEqual([
      'v5.channel.k8s.io,v4.channel.k8s.io /api/v1/namespaces/shop/pods/p/exec?container=c&stdout=true&stderr=true&command=tar&command=-cf&command=-',
    ]);
  });

  it('reads its input to the end, and is told that there is no more', async () => {
    const got: Buffer[] = [];
    const { client, asked } = await server((socket) => {
      socket.on('message', (data: Buffer) => {
        if (data[0] === 0) got.push(data.subarray(1));
        if (data[0] === 255 && data[1] === 0) socket.send(success);
      });
    });
    async function* input() {
      yield Buffer.alloc(200_000, 1);
      yield Buffer.from('end');
    }
    expect(await run(client, { ...hearing().streams, input: input() })).toBe(0);
    expect(Buffer.concat(got).length).toBe(200_003);
    expect(Math.max(...got.map(({ length }) => length))).toBeLessThanOrEqual(64 << 10);
    expect(asked[0]).toMatch(/^v5\.channel\.k8s\.io .*stdin=true/);
  });

  it('may wait for a word, which any API server can bring it', async () => {
    const got: string[] = [];
    const { client, asked } = await server((socket) => {
      socket.on('message', (data: Buffer) => {
        got.push(data.toString());
        socket.send(success);
      });
      socket.send(message(1, 'all'));
    });
    const { promise: reply, resolve } = Promise.withResolvers<Uint8Array>();
    const output = async () => resolve(Buffer.from('go'));
    expect(await run(client, { ...hearing().streams, output, reply })).toBe(0);
    expect(got).toEqual(['\u0000go']);
    expect(asked[0]).toMatch(/^v5\.channel\.k8s\.io,v4\.channel\.k8s\.io .*stdin=true/);
  });

  it('may end without the word that it would have waited for', async () => {
    const { client } = await server((socket) => socket.send(success));
    expect(await run(client, { ...hearing().streams, reply: new Promise(() => {}) })).toBe(0);
  });

  it('may end before it has read all of its input', async () => {
    const { client } = await server((socket) => {
      socket.send(status({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '20' }] } }));
    });
    async function* endless() {
      for (;;) yield Buffer.alloc(1 << 16);
    }
    expect(await run(client, { ...hearing().streams, input: endless() })).toBe(20);
  });

  it('is not taken for ended where the connection is', async () => {
    const { client } = await server((socket) => {
      socket.send(message(1, 'half'));
      setTimeout(() => socket.terminate(), 50);
    });
    await expect(run(client, hearing().streams)).rejects.toMatchObject({ name: 'ClusterError', code: 0 });
  });

  it('is not read faster than its output is taken', async () => {
    let sent = 0;
    const { client } = await server((socket) => {
      const more = () => {
        if (sent < 400) socket.send(message(1, Buffer.alloc(1 << 20)), more);
        else socket.send(success);
        sent++;
      };
      more();
    });
    const hold = Promise.withResolvers<void>();
    let taken = 0;
    const output = async (piece: Uint8Array) => {
      if (taken === 0) await hold.promise;
      taken += piece.length;
    };
    const end = run(client, { output, errors: () => {} });
    await systemClock.sleep(1_000, AbortSignal.timeout(5_000));
    expect(sent).toBeLessThan(100);
    hold.resolve();
    expect(await end).toBe(0);
    expect(taken).toBe(400 << 20);
  });

  it('that does not come to run is told in the words of the server', async () => {
    const { client } = await server((socket) =>
      socket.send(
        status({ status: 'Failure', code: 500, reason: 'InternalError', message: 'exec: "tar": executable file not found in $PATH' }),
      ),
    );
    await expect(run(client, hearing().streams)).rejects.toMatchObject({ code: 500, message: expect.stringContaining('not found') });
    const refusing = await server(() => {}, 403);
    await expect(run(refusing.client, hearing().streams)).rejects.toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: 'pods "p" is forbidden',
    });
  });

  it('is left as soon as nobody wants it any more', async () => {
    const { client } = await server(() => {});
    const stop = new AbortController();
    const end = run(client, hearing().streams, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(end).rejects.toThrow('enough');
    await expect(run(client, hearing().streams, stop.signal)).rejects.toThrow('enough');
  });

  it('whose taker of output fails ends with that', async () => {
    const { client } = await server((socket) => socket.send(message(1, 'x')));
    const output = () => Promise.reject(new Error('no room'));
    await expect(run(client, { output, errors: () => {} })).rejects.toThrow('no room');
  });
});
