/** Requests to the API server: authenticated, in time, repeated where that is safe, and with Status turned into ClusterError. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type WebSocket from 'ws';
import type { Clock } from '../base/clock.ts';
import { parseExactly, textExactly } from '../base/exact-json.ts';
import type { Log } from '../base/log.ts';
import { messageOf, withDeadline } from '../base/lifetime.ts';
import { ClusterError } from './cluster.ts';
import type { Credentials } from './credentials.ts';
import { exchange, lostConnection, readBody, ResponseTooLarge } from './http.ts';
import type { HttpRequest } from './http.ts';
import { errorOf, retryAfterOf } from './status.ts';
import type { Answer } from './status.ts';
import { openWebSocket } from './web-socket.ts';

export interface ApiRequest {
  /** GET where left out. */
  readonly method?: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Asking twice does no harm. True for every GET where left out; reviews are reads that are written as POST. */
  readonly safe?: boolean;
  /** From sending to the last byte of the answer, 60 s where left out. */
  readonly timeoutMs?: number;
  /** 32 MiB where left out. */
  readonly limitBytes?: number;
  /** Where the body of the answer goes, if it fits: nothing else may use it until the answer is there. */
  readonly memory?: Buffer;
}

export interface ApiClient {
  /** The whole answer, whatever its status. Rejects with ClusterError code 0, ResponseTooLarge, or the signal's reason. */
  ask(request: ApiRequest, signal: AbortSignal): Promise<Answer>;
  /** The body of a good answer, as JSON. Rejects with ClusterError otherwise. */
  json<T>(request: ApiRequest, signal: AbortSignal): Promise<T>;
  /** The answer once its head is there, whatever its status; its body piece by piece, for as long as it comes. `timeoutMs` is for the head. */
  open(request: ApiRequest, signal: AbortSignal): Promise<OpenAnswer>;
  /** The body of a good answer, piece by piece, for as long as it comes. */
  stream(request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
  /** A connection both ways, in the first of the protocols that the server knows. `timeoutMs` is for the opening. */
  webSocket(request: ApiRequest, protocols: readonly string[], signal: AbortSignal): Promise<WebSocket>;
  /** The same client with more headers on every request. */
  withHeaders(headers: OutgoingHttpHeaders): ApiClient;
}

export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Rejects with ClusterError code 0 when the connection is cut, or with the signal's reason. */
  readonly body: AsyncIterable<Buffer>;
  /** All of the body at once, where it is short: the words of a refusal. */
  readonly whole: () => Promise<Buffer>;
}

export interface Wire {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly log: Log;
  /** Sent with every request. */
  readonly headers: OutgoingHttpHeaders;
}

const defaultTimeoutMs = 60_000;
const defaultLimitBytes = 32 << 20;
const maxRetries = 5;
const longestWaitSeconds = 30;

export function createClient(wire: Wire): ApiClient {
  return {
    ask: (request, signal) => askPatiently(wire, request, signal),
    json: (request, signal) => askForJson(wire, request, signal),
    open: (request, signal) => openPatiently(wire, request, signal),
    stream: (request, signal) => openStream(wire, request, signal),
    webSocket: (request, protocols, signal) => openSocket(wire, request, protocols, signal),
    withHeaders: (headers) => createClient({ ...wire, headers: { ...wire.headers, ...headers } }),
  };
}

async function askForJson<T>(wire: Wire, request: ApiRequest, signal: AbortSignal): Promise<T> {
  try {
    const { status, headers, body } = await askPatiently(wire, request, signal);
    if (!isGood(status)) throw errorOf(nameOf(request), { status, headers, body });
    return parseExactly(Buffer.from(body.buffer, body.byteOffset, body.length).toString()) as T;
  } catch (error) {
    if (!(error instanceof ResponseTooLarge) && !(error instanceof SyntaxError)) throw error;
    throw new ClusterError(0, '', `${nameOf(request)}: ${error.message}`, { cause: error });
  }
}

/** Repeats after 429 and, where that is safe, 503 when the server says when; and once after a lost connection, where that is safe. */
async function askPatiently(wire: Wire, request: ApiRequest, signal: AbortSignal): Promise<Answer> {
  const safe = isSafe(request);
  let lost = false;
  for (let retry = 0; ; retry++) {
    try {
      const answer = await askOnce(wire, request, signal);
      const seconds = waitOf(answer, safe);
      if (seconds === undefined || retry === maxRetries) return answer;
      wire.log.debug('the API server asks to wait', { request: nameOf(request), seconds });
      await wire.clock.sleep(seconds * 1000, signal);
    } catch (error) {
      if (!safe || lost || !lostConnection(error)) throw error;
      lost = true;
    }
  }
}

function waitOf({ status, headers }: Pick<Answer, 'status' | 'headers'>, safe: boolean): number | undefined {
  if (status !== 429 && !(status === 503 && safe)) return undefined;
  const seconds = retryAfterOf(headers);
  return seconds !== undefined && seconds <= longestWaitSeconds ? seconds : undefined;
}

function askOnce(wire: Wire, request: ApiRequest, signal: AbortSignal): Promise<Answer> {
  const ms = request.timeoutMs ?? defaultTimeoutMs;
  return withDeadline(wire.clock, ms, signal, lateness(request, ms), async (signal) => {
    const response = await send(wire, request, signal);
    const body = await readBody(response, request.limitBytes ?? defaultLimitBytes, signal, request.memory);
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  });
}

/** As askPatiently where the server says when. A connection that is lost is for who reads on. */
async function openPatiently(wire: Wire, request: ApiRequest, signal: AbortSignal): Promise<OpenAnswer> {
  for (let retry = 0; ; retry++) {
    const answer = await openAnswer(wire, request, signal);
    const seconds = waitOf(answer, isSafe(request));
    if (seconds === undefined || retry === maxRetries) return answer;
    await answer.whole();
    await wire.clock.sleep(seconds * 1000, signal);
  }
}

async function openStream(wire: Wire, request: ApiRequest, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  const answer = await openAnswer(wire, request, signal);
  if (isGood(answer.status)) return answer.body;
  throw errorOf(nameOf(request), { ...answer, body: await answer.whole() });
}

async function openAnswer(wire: Wire, request: ApiRequest, signal: AbortSignal): Promise<OpenAnswer> {
  const ms = request.timeoutMs ?? defaultTimeoutMs;
  const response = await withDeadline(wire.clock, ms, signal, lateness(request, ms), (signal) => send(wire, request, signal));
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: piecesOf(response, request, signal),
    whole: () =>
      withDeadline(wire.clock, defaultTimeoutMs, signal, lateness(request, defaultTimeoutMs), (signal) =>
        readBody(response, defaultLimitBytes, signal),
      ),
  };
}

async function openSocket(wire: Wire, request: ApiRequest, protocols: readonly string[], signal: AbortSignal): Promise<WebSocket> {
  const ms = request.timeoutMs ?? defaultTimeoutMs;
  return withDeadline(wire.clock, ms, signal, lateness(request, ms), async (signal) =>
    openWebSocket(await requestOf(wire, request), protocols, signal),
  );
}

async function* piecesOf(response: IncomingMessage, request: ApiRequest, signal: AbortSignal): AsyncIterable<Buffer> {
  const stop = () => response.destroy();
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    for await (const piece of response as AsyncIterable<Buffer>) yield piece;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new ClusterError(0, '', `${nameOf(request)}: ${messageOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function send(wire: Wire, request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
  return exchange(await requestOf(wire, request), wire.clock, signal);
}

async function requestOf({ credentials, headers }: Wire, request: ApiRequest): Promise<HttpRequest> {
  const { agent, auth, headers: identity } = await credentials.current();
  const body = request.body === undefined ? undefined : Buffer.from(textExactly(request.body));
  const content = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': body.length };
  return {
    url: urlOf(credentials.server, request),
    method: methodOf(request),
    headers: { Accept: 'application/json', 'User-Agent': 'kylon', ...content, ...request.headers, ...identity, ...headers },
    auth,
    agent,
    body,
  };
}

function urlOf(server: URL, { path, query = {} }: ApiRequest): URL {
  const url = new URL(server);
  url.pathname = server.pathname.replace(/\/$/, '') + path;
  for (const [name, value] of Object.entries(query)) for (const one of [value ?? []].flat()) url.searchParams.append(name, one);
  return url;
}

const isGood = (status: number) => status >= 200 && status <= 299;
const methodOf = ({ method = 'GET' }: ApiRequest) => method;
const isSafe = (request: ApiRequest) => request.safe ?? methodOf(request) === 'GET';
const nameOf = (request: ApiRequest) => `${methodOf(request)} ${request.path}`;
const lateness = (request: ApiRequest, ms: number) => () =>
  new ClusterError(0, '', `${nameOf(request)} was not answered within ${ms / 1000} s`);
