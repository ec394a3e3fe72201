/**
 * A load generator: requests over kept connections, so that what is measured is the server and not the handshake. By undici, because
 * Node's own client needs more of the processor for a request than the servers that are compared, on the processors that they need.
 */
import { Pool } from 'undici';

/** A server and how to be somebody there. */
export interface Target {
  readonly url: string;
  readonly tls: {
    readonly ca?: string | Buffer;
    readonly cert?: string | Buffer;
    readonly key?: string | Buffer;
    readonly rejectUnauthorized?: boolean;
  };
  readonly headers: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** As it was sent: who asks for gzip gets it. To unpack it would be most of the work of a long list, and none of a server's. */
  readonly body: Buffer;
}

export class Client {
  readonly target: Target;
  readonly #pool: Pool;
  /** Of all paths: an API server may stand behind one. */
  readonly #prefix: string;

  constructor(target: Target, connections: number) {
    this.target = target;
    const { origin, pathname } = new URL(target.url);
    this.#prefix = pathname.replace(/\/$/, '');
    this.#pool = new Pool(origin, { connect: { ...target.tls }, connections, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Whatever the status; rejects where no answer came. */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const payload = body === undefined ? null : Buffer.from(JSON.stringify(body));
    const type = payload ? { 'content-type': 'application/json' } : {};
    const all = { accept: 'application/json', ...this.target.headers, ...type, ...headers };
    const answer = await this.#pool.request({ method, path: this.#prefix + path, headers: all, body: payload });
    return { status: answer.statusCode, body: Buffer.from(await answer.body.arrayBuffer()) };
  }

  /** The body; rejects where the status is not 2xx. */
  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Buffer> {
    const answer = await this.send(method, path, body, headers);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString().slice(0, 500)}`);
  }

  async json<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    return JSON.parse((await this.ask(method, path, body, headers)).toString()) as T;
  }

  /** Of a long answer, such as that of a watch, as they come; it is broken off when nobody reads on. */
  async *lines(path: string): AsyncGenerator<string> {
    const headers = { accept: 'application/json', ...this.target.headers };
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path: this.#prefix + path, headers });
    if (statusCode !== 200) throw new Error(`GET ${path}: ${statusCode} ${(await body.text()).slice(0, 500)}`);
    let rest = '';
    for await (const text of body.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** Does all the work, `width` pieces at a time; answers the seconds that it took. */
export async function each<T>(width: number, work: readonly T[], one: (item: T) => Promise<unknown>): Promise<number> {
  const queue = work.values();
  const worker = async () => {
    for (const item of queue) await one(item);
  };
  return timed(() => Promise.all(Array.from({ length: width }, worker)));
}

/** Goes on for so many seconds, `width` at a time; answers how many a second were done. */
export async function rate(seconds: number, width: number, one: (n: number) => Promise<unknown>): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let done = 0;
  const worker = async () => {
    while (performance.now() < end) await one(done++);
  };
  const took = await timed(() => Promise.all(Array.from({ length: width }, worker)));
  return done / took;
}

/** Seconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
