/** A proxy on loopback between a store and its client that breaks HTTP in the ways networks do. */
import { once } from 'node:events';
import { createServer, request as requestOf } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `refuse`: the connection is closed at once. `hang`: nothing is read or answered. `cut-request`: the connection breaks after so
 * many bytes of the body; the store never gets a whole request. `lose-response`: the store has done it, and the connection breaks
 * before anything of the answer. `cut-response`: it breaks after so many bytes of the body of the answer. `slow`: so many bytes
 * a second of the body each way. `answer`: the store never hears of it, and this status is the answer.
 */
export type Fault =
  | { readonly is: 'refuse' | 'hang' | 'lose-response' }
  | { readonly is: 'cut-request' | 'cut-response'; readonly after: number }
  | { readonly is: 'slow'; readonly bytesPerSecond: number }
  | { readonly is: 'answer'; readonly status: number };

/** Asked once for each request. */
export type FaultOf = (request: { readonly method: string; readonly url: string }) => Fault | undefined;

export interface FlakyProxy {
  /** http://127.0.0.1:PORT, without a slash behind. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Before `target`, the URL of a server without TLS. Close it after its clients. */
export async function startFlakyProxy(target: string, faultOf: FaultOf): Promise<FlakyProxy> {
  const server = createServer((request, response) => {
    pass(request, response, { target: new URL(target), fault: faultOf({ method: request.method ?? '', url: request.url ?? '' }) });
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Passage {
  readonly target: URL;
  readonly fault: Fault | undefined;
}

function pass(request: IncomingMessage, response: ServerResponse, { target, fault }: Passage): void {
  if (fault?.is === 'hang') return;
  if (fault?.is === 'refuse') return void request.socket.destroy();
  if (fault?.is === 'answer') return answer(request, response, fault.status);
  const { method, url, rawHeaders, socket } = request;
  const onward = requestOf({
    host: target.hostname,
    port: target.port,
    method,
    path: url,
    headers: rawHeaders,
    setHost: false,
    agent: false,
  });
  onward.on('error', () => socket.destroy());
  response.on('close', () => onward.destroy());
  onward.on('response', (answered) => void bringBack(answered, response, fault).catch(() => socket.destroy()));
  carry(request, onward, fault?.is === 'cut-request' ? fault.after : Number.POSITIVE_INFINITY, rateOf(fault)).then(
    () => onward.end(),
    () => {
      onward.destroy();
      socket.destroy();
    },
  );
}

function answer(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume().on('end', () => response.writeHead(status).end());
}

async function bringBack(answered: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
  if (fault?.is === 'lose-response') {
    for await (const _ of answered);
    throw new Error('lost');
  }
  response.writeHead(answered.statusCode ?? 0, answered.rawHeaders);
  response.flushHeaders();
  await carry(answered, response, fault?.is === 'cut-response' ? fault.after : Number.POSITIVE_INFINITY, rateOf(fault));
  response.end();
}

const rateOf = (fault: Fault | undefined) => (fault?.is === 'slow' ? fault.bytesPerSecond : Number.POSITIVE_INFINITY);

interface Sink {
  write(bytes: Uint8Array, done: () => void): boolean;
}

/** Rejects once `most` bytes are through and more would follow. */
async function carry(from: AsyncIterable<Uint8Array>, to: Sink, most: number, bytesPerSecond: number): Promise<void> {
  let left = most;
  for await (const piece of from) {
    const part = piece.subarray(0, left);
    await new Promise<void>((resolve) => to.write(part, resolve));
    left -= part.length;
    if (part.length < piece.length) throw new Error('cut');
    if (Number.isFinite(bytesPerSecond)) await sleep((1000 * part.length) / bytesPerSecond);
  }
}
