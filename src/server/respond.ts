/** An Answer becomes bytes on the wire. The only place that writes responses. */
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { unlessAborted } from '../base/lifetime.ts';
import { gathered } from '../base/pieces.ts';
import type { Answer } from '../machinery/call.ts';
import { compression, gzipped } from './gzip.ts';
import { closingFrame, messages, upgradeHeaders } from './websocket.ts';
import type { WebSocketOffer } from './websocket.ts';

export interface Delivery {
  /** HEAD: headers only. */
  readonly head: boolean;
  readonly acceptsGzip: boolean;
  /** Where the client would rather have a watch by WebSocket. */
  readonly webSocket: WebSocketOffer | undefined;
  /** Beside those of the answer. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Aborts when the client is gone or the time is up: then the connection is of no more use. */
  readonly signal: AbortSignal;
  /** Aborts when a stream without an end of its own is to stop, cleanly. */
  readonly ending: AbortSignal | undefined;
}

type Piece = string | Uint8Array;

/** Bytes from which on compressing pays. */
const compressFrom = 128 * 1024;
/** Of a list, in bytes; who reads a list waits for all of it. */
const leastWrite = 64 * 1024;

/** Resolves when all is handed to the operating system; rejects when it cannot be, maybe in the middle. */
export async function respond(response: ServerResponse, answer: Answer, delivery: Delivery): Promise<void> {
  delivery.signal.throwIfAborted();
  const { body } = answer;
  if (isPiece(body)) return sendWhole(response, answer, body, delivery);
  if (delivery.head) return sendHead(response, answer, body, delivery);
  if (delivery.webSocket && isWatch(answer)) return sendMessages(response, answer, body, delivery.webSocket, delivery);
  if (!answer.list) return sendStream(response, answer, body, delivery);
  const { start, rest } = await gather(body, delivery.signal);
  if (!rest) return sendWhole(response, answer, joined(start), delivery);
  return sendStream(response, answer, concatenated(start, rest), delivery);
}

async function sendWhole(response: ServerResponse, answer: Answer, body: Piece, delivery: Delivery): Promise<void> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const packed = bytes.length > compressFrom && mayCompress(answer, delivery);
  const sent = packed ? await promisify(gzip)(bytes, compression) : bytes;
  const empty = answer.status === 204 || answer.status === 304;
  writeHead(response, answer, delivery, { ...(packed && gzipHeaders(answer)), ...(!empty && { 'Content-Length': String(sent.length) }) });
  await end(response, delivery.head || empty ? undefined : sent, delivery.signal);
}

async function sendHead(response: ServerResponse, answer: Answer, body: AsyncIterable<Piece>, delivery: Delivery): Promise<void> {
  abandon(body[Symbol.asyncIterator]());
  writeHead(response, answer, delivery, {});
  await end(response, undefined, delivery.signal);
}

async function sendStream(response: ServerResponse, answer: Answer, body: AsyncIterable<Piece>, delivery: Delivery): Promise<void> {
  const packed = answer.list === true && mayCompress(answer, delivery);
  writeHead(response, answer, delivery, packed ? gzipHeaders(answer) : {});
  if (answer.list) await pump(response, gathered(packed ? gzipped(body) : body, leastWrite), delivery);
  else {
    response.flushHeaders();
    await pump(response, body, delivery);
  }
  await end(response, undefined, delivery.signal);
}

async function sendMessages(
  response: ServerResponse,
  answer: Answer,
  body: AsyncIterable<Piece>,
  offer: WebSocketOffer,
  delivery: Delivery,
): Promise<void> {
  const { socket } = response;
  if (!socket) throw new Error('the client went away');
  writeHead(response, { ...answer, status: 101 }, delivery, upgradeHeaders(offer));
  response.flushHeaders();
  await pump(socket, messages(body), delivery);
  await unlessAborted(new Promise<void>((resolve) => socket.end(closingFrame, resolve)), delivery.signal);
  socket.destroy();
}

/** The only stream of JSON that is no list. */
const isWatch = ({ list, headers }: Answer) => list !== true && headers['Content-Type'] === 'application/json';

/** Piece by piece, none asked for before the client took the one before. */
async function pump(response: Writable, body: AsyncIterable<Piece>, { signal, ending }: Delivery): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  const stop = ending ? AbortSignal.any([signal, ending]) : signal;
  try {
    for (;;) {
      const next = await unlessAborted(iterator.next(), stop);
      if (next.done) return;
      if (!response.write(next.value)) await unlessAborted(drained(response), stop);
    }
  } catch (error) {
    abandon(iterator);
    if (!ending?.aborted || signal.aborted) throw error;
  }
}

/** Not waited for: a generator in the middle of a step takes the request only after that. */
function abandon(iterator: AsyncIterator<Piece>): void {
  iterator.return?.().catch(() => {});
}

function end(response: ServerResponse, body: Uint8Array | undefined, signal: AbortSignal): Promise<void> {
  const flushed = new Promise<void>((resolve) => {
    response.end(body, () => resolve());
  });
  return unlessAborted(flushed, signal);
}

/** A connection that broke never drains, but it closes. */
function drained(response: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}

/** The first pieces of a body, and what comes after if it is long. */
async function gather(
  body: AsyncIterable<Piece>,
  signal: AbortSignal,
): Promise<{ start: Piece[]; rest: AsyncIterator<Piece> | undefined }> {
  const iterator = body[Symbol.asyncIterator]();
  const start: Piece[] = [];
  try {
    for (let size = 0; size <= compressFrom;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done) return { start, rest: undefined };
      start.push(next.value);
      size += next.value.length;
    }
  } catch (error) {
    abandon(iterator);
    throw error;
  }
  return { start, rest: iterator };
}

async function* concatenated(start: readonly Piece[], rest: AsyncIterator<Piece>): AsyncGenerator<Piece> {
  try {
    yield* start;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    abandon(rest);
  }
}

const isPiece = (body: Answer['body']): body is Piece => typeof body === 'string' || body instanceof Uint8Array;

const joined = (pieces: readonly Piece[]): Piece =>
  Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));

const gzipHeaders = ({ headers }: Answer) => ({
  'Content-Encoding': 'gzip',
  Vary: [headers['Vary'], 'Accept-Encoding'].filter((name) => name).join(', '),
});

function mayCompress({ status, headers }: Answer, { acceptsGzip }: Delivery): boolean {
  const packedAlready = 'Content-Encoding' in headers || 'Content-Range' in headers;
  return acceptsGzip && status === 200 && !packedAlready && /json|yaml|^text\//.test(headers['Content-Type'] ?? '');
}

const usualHeaders = { 'Cache-Control': 'no-cache, private', 'X-Content-Type-Options': 'nosniff' };

function writeHead(response: ServerResponse, answer: Answer, delivery: Delivery, more: Readonly<Record<string, string>>): void {
  const headers = Object.entries({ ...usualHeaders, ...delivery.headers, ...answer.headers, ...more });
  /** HTTP/2 says by other means what is to become of a connection, and has no such header. */
  const sent = response.req.httpVersionMajor === 1 ? headers : headers.filter(([name]) => name !== 'Connection');
  response.writeHead(answer.status, Object.fromEntries(sent.map(([name, value]) => [name, asBytes(value)])));
}

/** Node writes header values as latin1, one byte a character; what is to go out is UTF-8. */
function asBytes(value: string | readonly string[]): string | string[] {
  if (typeof value !== 'string') return value.map((one) => Buffer.from(one).toString('latin1'));
  return Buffer.from(value).toString('latin1');
}
