/** A server on loopback for tests, and a client that says exactly what it is told to. */
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Agent } from 'node:https';
import { request } from 'node:https';
import { onTestFinished } from 'vitest';
import { createAuthenticator } from '../../src/auth/authenticate.ts';
import { mastersOnly } from '../../src/auth/masters-only.ts';
import { createTokenAuthenticator } from '../../src/auth/token.ts';
import type { Trust } from '../../src/auth/trust.ts';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { jsonAnswer } from '../../src/machinery/call.ts';
import type { Answer, Call } from '../../src/machinery/call.ts';
import { startServer } from '../../src/server/listen.ts';
import type { RunningServer, ServerOptions } from '../../src/server/listen.ts';
import { authority, issue } from '../auth/pki.ts';
import type { Pair } from '../auth/pki.ts';

export const servingCA = authority('serving-ca');
export const serving = issue(servingCA, { cn: 'localhost', usage: 'server' });
export const clientCA = authority('client-ca');
export const proxyCA = authority('proxy-ca');
export const master = issue(clientCA, { cn: 'root', o: ['system:masters'] });
export const alice = issue(clientCA, { cn: 'alice', o: ['dev'] });
export const proxy = issue(proxyCA, { cn: 'front-proxy-client' });

export const trustIn = (cas: readonly Pair[]): Trust => ({
  clientCAs: [new X509Certificate(clientCA.cert)],
  requestHeader: {
    cas: cas.map(({ cert }) => new X509Certificate(cert)),
    allowedNames: ['front-proxy-client'],
    usernameHeaders: ['X-Remote-User'],
    uidHeaders: ['X-Remote-Uid'],
    groupHeaders: ['X-Remote-Group'],
    extraHeadersPrefix: ['X-Remote-Extra-'],
  },
});

/** Says who asked and what for. */
export const whoami = (call: Call): Promise<Answer> =>
  Promise.resolve(jsonAnswer(200, JSON.stringify({ ...call, query: call.query.toString(), body: call.body.length, signal: undefined })));

type Options = Partial<ServerOptions> & { readonly trust?: { current: () => Trust } };

/** Ends with the test. */
export async function start(handle: (call: Call) => Promise<Answer>, { trust, ...options }: Options = {}): Promise<RunningServer> {
  const fixed = trustIn([proxyCA]);
  const tokens = createTokenAuthenticator(
    { reviewToken: (token) => Promise.resolve(token === 'good' ? { name: 'robot', groups: ['system:masters'], extra: {} } : undefined) },
    systemClock,
  );
  const log = createLog('silent');
  const server = await startServer(
    {
      ...serving,
      host: '127.0.0.1',
      port: 0,
      clock: systemClock,
      ids: randomIds,
      log,
      metrics: createMetrics(),
      authenticate: createAuthenticator({ trust: trust ?? { current: () => fixed }, tokens, clock: systemClock, log }),
      authorizer: mastersOnly,
      handle,
      serveRepository: () => Promise.reject(new Error('there are no repositories here')),
      shutdownDelayMs: 0,
      drainMs: 2000,
      healthChecks: [],
      ...options,
    },
    new AbortController().signal,
  );
  onTestFinished(() => server.close());
  return server;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  readonly as?: Pair;
  readonly agent?: Agent;
}

export interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly bytes: Buffer;
}

/** The answer as soon as its headers are there. */
export function open(
  server: RunningServer,
  path: string,
  { method = 'GET', headers = {}, body, as, agent }: Asked = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]));
    const client = request(
      { host: '127.0.0.1', port: server.port, path, method, headers: sent, ca: servingCA.cert, agent: agent ?? false, ...as },
      resolve,
    );
    client.on('error', reject);
    client.end(body);
  });
}

export async function ask(server: RunningServer, path: string, asked: Asked = {}): Promise<Got> {
  const response = await open(server, path, asked);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const bytes = Buffer.concat(pieces);
  return { status: response.statusCode ?? 0, headers: response.headers, rawHeaders: response.rawHeaders, body: bytes.toString(), bytes };
}
