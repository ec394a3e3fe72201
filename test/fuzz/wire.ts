/** HTTP/1.1 by hand: what a proper client would refuse to send, and every byte of what comes back. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

export interface Reply {
  readonly status: number;
  /** By lower-case name; of several, the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** Whether the whole body has come. */
  readonly complete: boolean;
}

export interface Address {
  readonly port: number;
  /** Undefined where it does not matter who answers. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

interface Asked {
  readonly isHead: boolean;
  /** Of a body without an end, what came in the first `enough` milliseconds is all that is waited for. */
  readonly mayStream: boolean;
}

/** Milliseconds in which every answer has to be complete. */
const deadline = 10_000;
const enough = 30;
/** Milliseconds of silence after which a client of half a request says that it has said all. */
const patience = 150;

export class Connection {
  readonly #socket: TLSSocket;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake = () => {};

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    for (const event of ['end', 'close', 'error']) socket.on(event, () => this.#end());
  }

  static async open({ port, ...credentials }: Address): Promise<Connection> {
    const rejectUnauthorized = credentials.ca !== undefined;
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized, ...credentials });
    await once(socket, 'secureConnect');
    return new Connection(socket);
  }

  get usable(): boolean {
    return !this.#ended && !this.#socket.destroyed;
  }

  /** The answer to one request; undefined where none came in time, or the connection was closed instead. */
  async ask(bytes: Buffer, asked: Asked): Promise<Reply | undefined> {
    this.#socket.write(bytes);
    const end = performance.now() + deadline;
    let since = Infinity;
    for (;;) {
      const read = readReply(this.#received, asked.isHead, this.#ended);
      if (read?.reply.complete) return this.#take(read);
      if (read && asked.mayStream) since = Math.min(since, performance.now());
      const left = Math.min(end, since + enough) - performance.now();
      if (left <= 0 || this.#ended) return this.#giveUp(read?.reply, left <= 0 && performance.now() < end);
      await this.#news(left);
    }
  }

  /** All answers to something that may be no request, until the server closes; undefined where it does not in time. */
  async say(bytes: Buffer, isHead: boolean): Promise<{ readonly replies: readonly Reply[]; readonly rest: Buffer } | undefined> {
    this.#socket.write(bytes);
    const end = performance.now() + deadline;
    for (let quiet = false; !this.#ended && performance.now() < end;) {
      const before = this.#received.length;
      await this.#news(quiet ? end - performance.now() : patience);
      if (this.#received.length !== before || quiet) continue;
      quiet = true;
      this.#socket.end();
    }
    const closed = this.#ended;
    this.close();
    return closed ? this.#all(isHead) : undefined;
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #all(isHead: boolean) {
    const replies: Reply[] = [];
    for (;;) {
      const read = readReply(this.#received, isHead && replies.length === 0, true);
      if (!read?.reply.complete) return { replies, rest: this.#received };
      replies.push(this.#take(read));
    }
  }

  #take({ reply, length }: Read): Reply {
    this.#received = this.#received.subarray(length);
    if (/close/i.test(reply.headers.get('connection') ?? '')) this.close();
    return reply;
  }

  #giveUp(reply: Reply | undefined, isStream: boolean): Reply | undefined {
    this.close();
    return isStream ? reply : undefined;
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  async #news(milliseconds: number): Promise<void> {
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}

interface Read {
  readonly reply: Reply;
  /** Bytes that it takes. */
  readonly length: number;
}

/** The first reply in `bytes`, as far as it is there; undefined where not even its headers are. Throws where it is no HTTP. */
function readReply(bytes: Buffer, isHead: boolean, closed: boolean): Read | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
  if (Number.isNaN(status)) throw new Error(`no HTTP: ${JSON.stringify(line.slice(0, 100))}`);
  const start = end + 4;
  if (status < 200) return shifted(readReply(bytes.subarray(start), isHead, closed), start);
  const headers = new Map(lines.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 1).trim()]));
  const { body, complete, length } = bodyOf(bytes, start, status, headers, isHead, closed);
  return { reply: { status, headers, body, complete }, length };
}

const shifted = (read: Read | undefined, by: number): Read | undefined => read && { ...read, length: read.length + by };

function bodyOf(bytes: Buffer, start: number, status: number, headers: ReadonlyMap<string, string>, isHead: boolean, closed: boolean) {
  if (isHead || status === 204 || status === 304) return { body: Buffer.alloc(0), complete: true, length: start };
  if (headers.get('transfer-encoding') === 'chunked') return chunkedBody(bytes, start);
  const said = headers.get('content-length');
  const length = start + (said === undefined ? bytes.length : Number(said));
  return { body: bytes.subarray(start, length), complete: said === undefined ? closed : bytes.length >= length, length };
}

function chunkedBody(bytes: Buffer, start: number) {
  const parts: Buffer[] = [];
  for (let at = start; ;) {
    const line = bytes.indexOf('\r\n', at);
    const size = line < 0 ? NaN : Number.parseInt(bytes.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    const isThere = bytes.length >= next;
    if (!isThere) return { body: Buffer.concat(parts), complete: false, length: bytes.length };
    if (size === 0) return { body: Buffer.concat(parts), complete: true, length: next };
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = next;
  }
}
