/** A server on loopback that answers each request to S3 as a test says, and remembers what it was asked. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Pair } from '../auth/pki.ts';

export interface Asked {
  readonly method: string;
  /** Without the bucket: `/key?query`. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** False leaves the connection open behind the body. */
  readonly ends?: boolean;
}

/** An answer, `cut` to break the connection instead, or `hang` to leave it alone. */
export type Answerer = (asked: Asked) => Answer | 'cut' | 'hang' | Promise<Answer | 'cut' | 'hang'>;

export interface S3Server {
  readonly endpoint: string;
  readonly asked: readonly Asked[];
  /** From now on; forgets what was asked. */
  answer(answerer: Answerer): void;
  close(): Promise<void>;
}

const bucket = 'bucket';

/** With TLS where there is a certificate. */
export async function startS3Server(certificate?: Pair): Promise<S3Server> {
  let answerer: Answerer = () => emptyList;
  const asked: Asked[] = [];
  const hear = async (request: IncomingMessage, response: ServerResponse) => {
    const body: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) body.push(chunk);
    const { method = '', url = '', headers } = request;
    const one = { method, path: url.replace(`/${bucket}`, ''), headers, body: Buffer.concat(body) };
    asked.push(one);
    give(response, await answerer(one));
  };
  // A request that the client has cut is of no interest.
  const listener: RequestListener = (request, response) => void hear(request, response).catch(() => {});
  const server = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (next) => {
      answerer = next;
      asked.length = 0;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function give(response: ServerResponse, answer: Answer | 'cut' | 'hang'): void {
  if (answer === 'cut') response.destroy();
  else if (answer !== 'hang') {
    response.writeHead(answer.status ?? 200, answer.headers).write(answer.body ?? '');
    if (answer.ends ?? true) response.end();
  }
}

/** As S3 words its errors. */
export function failure(status: number, code: string, more = '', headers: Readonly<Record<string, string>> = {}): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>in the words of the store</Message>${more}</Error>`;
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

export function listOf(keys: readonly string[], next?: string): Answer {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('');
  const rest = next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`;
  return {
    body: `<ListBucketResult><Name>${bucket}</Name><IsTruncated>${next !== undefined}</IsTruncated>${rest}${contents}</ListBucketResult>`,
  };
}

export const emptyList = listOf([]);
