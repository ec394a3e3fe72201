/** A scripted API server on loopback, for what a real one does too rarely: it answers each request as the test says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import type { Clock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { connectCluster } from '../../src/cluster/kubernetes.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingMessage['headersDistinct'];
  readonly body: string;
}
export interface Scripted {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** JSON, unless it is text. */
  readonly body?: unknown;
}
/** Answers, or takes the response into its own hands and returns undefined. */
export type Script = (request: Received, response: http.ServerResponse) => Scripted | undefined | Promise<Scripted | undefined>;

export const never = new AbortController().signal;

export function status(code: number, reason: string, message: string, more: object = {}): Scripted {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, ...more } };
}

/** A clock whose waits are over at once, and written down. */
export function hurriedClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  const sleep: Clock['sleep'] = (ms, signal) => {
    if (ms >= 10_000) return systemClock.sleep(ms, signal);
    slept.push(ms);
    return systemClock.sleep(Math.min(ms, 5), signal);
  };
  return { ...systemClock, sleep, slept };
}

/** A cluster behind which `script` answers; `received` is what arrived. Dispose of it at the end. */
export async function scriptedCluster(script: Script, clock: Clock = hurriedClock()) {
  const received: Received[] = [];
  const server = http.createServer((request, response) => void answer(request, response, script, received));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'kylon-cluster-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  const cluster = await connectCluster({ kubeconfig }, { clock, log: createLog('silent') });
  return {
    cluster,
    kubeconfig,
    received,
    async [Symbol.asyncDispose]() {
      await cluster.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

async function answer(request: http.IncomingMessage, response: http.ServerResponse, script: Script, received: Received[]): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? '', 'http://server');
  const got = {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headersDistinct,
    body: Buffer.concat(chunks).toString(),
  };
  received.push(got);
  const scripted = await script(got, response);
  if (!scripted) return;
  const { status = 200, headers = {}, body = {} } = scripted;
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: 'secret-token' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  });
}
