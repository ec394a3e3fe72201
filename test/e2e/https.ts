/** Requests straight to a server, past kube-apiserver, with exactly the certificate and the headers that are given. */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { RequestOptions } from 'node:https';

export interface Direct {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly cert?: string;
  readonly key?: string;
  readonly body?: string | Uint8Array;
}

export interface DirectReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export async function direct(asked: Direct): Promise<DirectReply> {
  const response = await opened(asked);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

/** The answer as soon as it begins. The server's own certificate is not looked at: whoever answers is to be tested, not trusted. */
export function opened({ port, path, method = 'GET', headers = {}, body, ...client }: Direct): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { host: 'localhost', port, path, method, headers, rejectUnauthorized: false, agent: false, ...client };
    request(options, resolve).on('error', reject).end(body);
  });
}
