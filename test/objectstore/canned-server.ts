/** A server on loopback that keeps what it is sent and answers as a test says. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Canned {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is no text is sent as JSON. */
  readonly body?: unknown;
}

/** `cut` breaks the connection when all of the request has come, `silence` keeps it and says nothing. */
export type Answer = (request: Received) => Canned | 'cut' | 'silence';

export interface CannedServer extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly Received[];
}

export async function startCannedServer(answer: Answer): Promise<CannedServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '', 'http://server');
      const one = { method: request.method ?? '', url, headers: request.headers, body: Buffer.concat(chunks) };
      received.push(one);
      send(answer(one), response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function send(answer: ReturnType<Answer>, response: ServerResponse): void {
  if (answer === 'cut') response.socket?.destroy();
  if (answer === 'cut' || answer === 'silence') return;
  const { status, headers = {}, body = '' } = answer;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-length': String(Buffer.byteLength(text)), ...headers }).end(status === 204 ? undefined : text);
}
