/** Requests straight to a server, past kube-apiserver, with exactly the certificate and the headers that are given. */
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

/** The server's own certificate is not looked at: whoever answers is to be tested, not trusted. */
export function direct({ port, path, method = 'GET', headers = {}, body, ...client }: Direct): Promise<DirectReply> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = { host: 'localhost', port, path, method, headers, rejectUnauthorized: false, agent: false, ...client };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
