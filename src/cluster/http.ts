/** One request over a kept-alive connection: sends it, waits for the head of the answer, reads a body up to a limit. */
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/lifetime.ts';
import { ClusterError } from './cluster.ts';

export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: http.OutgoingHttpHeaders;
  readonly auth: string | undefined;
  readonly agent: http.Agent;
  /** Bytes, not text: Node would encode headers together with a text, as UTF-8, and so spoil their bytes. */
  readonly body: Buffer | undefined;
}

const connectMs = 10_000;
const none = Buffer.alloc(0);

/** Resolves with the head of the answer. Rejects with ClusterError code 0 when none came, or with the signal's reason. */
export function exchange(request: HttpRequest, clock: Clock, signal: AbortSignal): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { url, method, headers, auth, agent, body } = request;
    const { request: open } = url.protocol === 'https:' ? https : http;
    const sent = open(url, { method, headers, auth, agent, signal }, resolve);
    sent.on('error', (error) => reject(failure(`${method} ${url.pathname}`, error, signal)));
    sent.on('socket', (socket) => limitConnecting(socket, sent, url, clock));
    sent.end(body);
  });
}

/** Rejects with ResponseTooLarge behind `limit` bytes; then the connection is closed. A body that fits into `memory` is a view of it. */
export function readBody(response: http.IncomingMessage, limit: number, signal: AbortSignal, memory: Buffer = none): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const rest: Buffer[] = [];
    let size = 0;
    let filled = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) response.destroy(new ResponseTooLarge(limit));
      else if (size > memory.length) rest.push(chunk);
      else filled += chunk.copy(memory, filled);
    });
    response.on('end', () => resolve(rest.length === 0 ? memory.subarray(0, size) : Buffer.concat([memory.subarray(0, filled), ...rest])));
    response.on('error', (error) => reject(error instanceof ResponseTooLarge ? error : failure('reading the answer', error, signal)));
  });
}

/** The answer is longer than we are ready to hold in memory. */
export class ResponseTooLarge extends Error {
  override readonly name = 'ResponseTooLarge';
  constructor(limit: number) {
    super(`the answer is longer than ${limit} bytes`);
  }
}

/** True for the failure of a connection that had been established. */
export function lostConnection(error: unknown): boolean {
  if (!(error instanceof ClusterError) || error.code !== 0) return false;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
}

function limitConnecting(socket: Socket, request: http.ClientRequest, url: URL, clock: Clock): void {
  if (!socket.connecting) return;
  const connected = new AbortController();
  const stop = () => connected.abort();
  socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', stop);
  socket.once('close', stop);
  clock.sleep(connectMs, connected.signal).then(
    () => request.destroy(new Error(`no connection to ${url.host} within ${connectMs / 1000} s`)),
    () => {},
  );
}

function failure(what: string, error: Error, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new Error('aborted');
  return new ClusterError(0, '', `${what}: ${messageOf(error)}`, { cause: error });
}
