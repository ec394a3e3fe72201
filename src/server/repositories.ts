/** Requests of restic, which have their own path, authentication and limit, and no API: HTTP in, HTTP out, and nothing decided here. */
import { on } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import { messageOf } from '../base/lifetime.ts';
import type { Log } from '../base/log.ts';
import type { Answer } from '../machinery/call.ts';
import { unavailable } from '../machinery/errors.ts';
import type { Drain } from './drain.ts';
import { apiErrorOf, statusAnswer, whileTaken } from './failure.ts';
import type { InFlight } from './in-flight.ts';
import { addressOf } from './peer.ts';
import { respond } from './respond.ts';

interface RepositoryRequest {
  /** Upper case. */
  readonly method: string;
  /** As sent, with the query. */
  readonly url: string;
  /** Headers as sent; empty where there was none. */
  readonly authorization: string;
  readonly accept: string;
  readonly range: string;
  /** Bytes; undefined where the sender does not say. */
  readonly contentLength: number | undefined;
  /** May be left in the middle: then the rest is dropped. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Knows who asks by the request alone. Its signal aborts when the client goes away, and as soon as the answer is out. */
export type ServeRepository = (request: RepositoryRequest, signal: AbortSignal) => Promise<Answer>;

interface RepositoryParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly inFlight: InFlight;
  readonly drain: Drain;
  readonly serveRepository: ServeRepository;
}

/** Of a body, that wait to be read: 16 KiB each, as TLS has it. */
const mostPieces = 8;
const prefix = '/repositories/';

export const isOfRepository = ({ url = '' }: IncomingMessage) => url.startsWith(prefix);

/** Answers every request; never rejects. */
export function createRepositoryPipeline(parts: RepositoryParts): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    using _ = parts.drain.enter();
    const received = parts.clock.now();
    const gone = new AbortController();
    response.on('close', () => gone.abort(new Error('the client went away')));
    const fault = await exchange(request, response, parts, gone.signal).catch(messageOf);
    if (fault !== undefined) response.destroy();
    gone.abort(new Error('the request is over'));
    parts.log.debug('request of a repository', {
      method: request.method,
      path: request.url?.replace(/\?.*$/s, ''),
      code: response.headersSent ? response.statusCode : undefined,
      ms: parts.clock.now() - received,
      source: addressOf(request),
      fault,
    });
  };
}

/** Rejects where no whole answer could be sent. */
async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  parts: RepositoryParts,
  signal: AbortSignal,
): Promise<undefined> {
  const body = piecesOf(request);
  try {
    if (parts.drain.stopped) throw unavailable('the server is shutting down');
    using _ = parts.inFlight.enter('moving');
    await send(request, response, await parts.serveRepository(requestOf(request, body), signal), parts, signal);
  } catch (error) {
    if (signal.aborted || response.headersSent) throw error;
    const answer = statusAnswer(apiErrorOf(error, parts.log, parts.ids.uuid()), false);
    await whileTaken(parts.clock, signal, (signal) => send(request, response, answer, parts, signal));
  } finally {
    // Not waited for: it may be waiting for bytes. What nobody has read is dropped, so that the connection can carry the next request.
    void body.return(undefined).then(() => request.resume());
  }
}

/** In the pieces in which it comes, each of them memory of its own where it can be: Node's iterator of a request would join them. */
async function* piecesOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  const pieces = on(request, 'data', { close: ['end'], highWaterMark: mostPieces }) as AsyncIterable<[Uint8Array]>;
  for await (const [piece] of pieces) yield piece;
}

function requestOf({ method = '', url = '', headers }: IncomingMessage, body: AsyncIterable<Uint8Array>): RepositoryRequest {
  const { authorization = '', accept = '', range = '', 'content-length': length } = headers;
  return { method, url, authorization, accept, range, contentLength: length === undefined ? undefined : Number(length), body };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, { drain }: RepositoryParts, signal: AbortSignal) {
  return respond(response, answer, {
    head: request.method === 'HEAD',
    acceptsGzip: false,
    webSocket: undefined,
    headers: drain.leaving ? { Connection: 'close' } : {},
    signal,
    ending: undefined,
  });
}
