/** HTTP/2 on connections that TLS has opened: kube-apiserver sends all its requests by one, and a watch costs a tenth of what a connection does. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Http2ServerRequest, Http2ServerResponse, performServerHandshake } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream, ServerOptions } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { handBack } from '../base/hand-back.ts';
import type { Log } from '../base/log.ts';
import { Framed } from './framed.ts';

const KiB = 1024;

/** A connection carries the requests of many users, so that no limit on it may be one that a single user can reach. */
const options: ServerOptions = {
  settings: {
    /**
     * More than are worked on at once by all limits of in-flight.ts together: who opens a stream in the place of one that was taken back,
     * at the bound, may be refused, because Node counts that until it has read on.
     */
    maxConcurrentStreams: 12_000,
    /** Bytes; somebody in thousands of groups is sent with a header for each. */
    maxHeaderListSize: 1024 * KiB,
    /** Such headers must come in nine frames: the tenth ends the connection. */
    maxFrameSize: 128 * KiB,
    /** Bytes of a body that may come before somebody reads it: by less, a mover waits for us more often than we for it. */
    initialWindowSize: 256 * KiB,
  },
  maxHeaderListPairs: 32 * KiB,
  /** Megabytes; above it new streams are refused. Node counts the headers of all that are open: as many as may be, of the longest, come to less. */
  maxSessionMemory: 16 * KiB,
  /** Requests that clients took back, at once and a second: as many as kube-apiserver lets through. */
  streamResetBurst: 100_000,
  streamResetRate: 10_000,
};

/** Bytes that may be on their way to us on a connection, of all bodies together. */
const connectionWindow = 1024 * KiB;
/** Milliseconds without a request, after which a connection is closed; longer than the 90 s after which Go does. */
const idle = 120_000;

export class Http2Connections {
  readonly #app: RequestListener;
  readonly #log: Log;
  readonly #open = new Set<Http2Connection>();
  #leaving = false;

  constructor(app: RequestListener, log: Log) {
    this.#app = app;
    this.#log = log;
  }

  serve(socket: TLSSocket): void {
    const connection = new Http2Connection(socket, this.#app);
    this.#open.add(connection);
    connection.session.on('close', () => this.#open.delete(connection));
    connection.session.on('error', (error) => this.#log.debug('an HTTP/2 connection failed', { error: error.message }));
    if (this.#leaving) connection.leave();
  }

  /** From now on clients are asked to send their next request by another connection. */
  leave(): void {
    this.#leaving = true;
    for (const connection of this.#open) connection.leave();
  }

  /** Resolves when all clients have heard what they were asked, and all that they had sent before is here. */
  async heard(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.heard()));
  }

  /** Each connection closes with the last of its requests; new ones are dropped. */
  close(): void {
    for (const { session } of this.#open) session.close();
  }
}

class Http2Connection {
  readonly session: ServerHttp2Session;
  readonly #framed: Framed;
  readonly #app: RequestListener;
  #requests = 0;
  #begun = false;
  #leaving = false;
  #noticed = false;

  constructor(socket: TLSSocket, app: RequestListener) {
    this.#app = app;
    this.#framed = new Framed(socket);
    this.session = performServerHandshake(this.#framed, options);
    // The session, which listens since it was made, has copied the piece by now.
    this.#framed.on('data', handBack);
    this.session.setLocalWindowSize(connectionWindow);
    this.session.setTimeout(idle);
    this.session.on('timeout', () => this.#requests === 0 && this.session.close());
    this.session.on('stream', (stream, headers, _flags, rawHeaders) => this.#take(stream, headers, rawHeaders));
  }

  /** A connection that is just being opened must carry one request, or its client would open them for ever. */
  leave(): void {
    this.#leaving = true;
    if (this.#begun) this.#notice();
  }

  heard(): Promise<void> {
    return new Promise((resolve) => {
      if (this.session.destroyed || !this.session.ping(() => resolve())) resolve();
    });
  }

  #notice(): void {
    if (this.#noticed) return;
    this.#noticed = true;
    this.#framed.sendNotice();
  }

  /** Begun only after all that was read with it: a request that was taken back at once costs nothing then. */
  #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    this.#requests += 1;
    stream.on('close', () => this.#ended());
    stream.on('error', () => {});
    setImmediate(() => {
      this.#begun = true;
      if (this.#leaving) this.#notice();
      if (!stream.closed && !stream.destroyed) begin(stream, headers, rawHeaders, this.#framed.socket, this.#app);
    });
  }

  /** Node looks once whether a connection is idle, and not again before something comes on it. */
  #ended(): void {
    this.#requests -= 1;
    if (this.#requests === 0 && !this.session.destroyed) this.session.setTimeout(idle);
  }
}

function begin(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
  socket: TLSSocket,
  app: RequestListener,
): void {
  const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
  /** An empty body may have ended before anybody heard of it. */
  if (stream.readableEnded) request.push(null);
  const response = new Answer(stream);
  /** Node shows what it has made of the connection, which knows no certificate. */
  Object.defineProperty(request, 'socket', { value: socket });
  /** Node ends a body that broke off as if it were whole. */
  request.on('aborted', () => request.destroy(request.listenerCount('error') > 0 ? new Error('the client broke off') : undefined));
  if (headers.expect === '100-continue') response.writeContinue();
  /** Node's classes for HTTP/2 stand in for those of HTTP/1.1. */
  app(request as unknown as IncomingMessage, response as unknown as ServerResponse & { req: IncomingMessage });
}

/** What Node does otherwise than for HTTP/1.1. */
class Answer extends Http2ServerResponse {
  /** Without an error Node ends the stream as if the answer were whole. */
  override destroy(error = new Error('the answer broke off')): this {
    return super.destroy(error);
  }
}
