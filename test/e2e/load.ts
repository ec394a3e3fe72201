/** Reads, writes and watches without a pause, through kubectl proxy, by clients that do as client-go does: they try again what may be tried again. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from './kubectl.ts';
import { eventually } from './process.ts';
import type { Proxy, Reply } from './proxy.ts';

const annotation = 'kylon-e2e.example.test/count';

export interface Outcome {
  readonly requests: number;
  /** Answers that said to come again, and that nothing was done. */
  readonly retried: number;
  /** Every other answer that was not good, every request without one, and every read that did not show the write before it. */
  readonly failed: readonly string[];
  /** How often a writer was told that it has counted one up, and how far the objects have counted. */
  readonly increments: number;
  readonly sum: number;
  /** Of all watches together. */
  readonly events: number;
  /** How often a watch ended and was taken up where it was. */
  readonly watchEnds: number;
  readonly watchFaults: readonly string[];
}

interface Collection {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeObject[];
}

export class Load {
  readonly #proxy: Proxy;
  readonly #path: string;
  readonly #before: Collection;
  readonly #watchings: readonly Watching[];
  readonly #running: Promise<unknown>;
  #over = false;
  #outcome: Promise<Outcome> | undefined;
  #requests = 0;
  #retried = 0;
  #increments = 0;
  readonly #failed: string[] = [];

  private constructor(proxy: Proxy, path: string, before: Collection) {
    this.#proxy = proxy;
    this.#path = path;
    this.#before = before;
    this.#watchings = [1, 2, 3].map(() => new Watching(proxy, path, Number(before.metadata.resourceVersion)));
    this.#running = Promise.all([this.#read(), this.#read(), ...[0, 1, 2, 3].map((n) => this.#write(n))]);
  }

  /** On all objects of a collection, which nobody else changes. */
  static async start(proxy: Proxy, path: string): Promise<Load> {
    return new Load(proxy, path, JSON.parse((await proxy.send('GET', path)).text) as Collection);
  }

  get watches(): number {
    return this.#watchings.length;
  }

  /** Ends it, once the watches have seen all that was written. Calling it again answers the same. */
  stop(): Promise<Outcome> {
    return (this.#outcome ??= this.#end());
  }

  async #end(): Promise<Outcome> {
    this.#over = true;
    await this.#running;
    const { items } = JSON.parse((await this.#send('GET', this.#path))?.text ?? '') as Collection;
    const last = Math.max(...items.map(versionOf));
    await Promise.all(this.#watchings.map((watching) => watching.stopAt(last)));
    return {
      requests: this.#requests,
      retried: this.#retried,
      failed: this.#failed,
      increments: this.#increments,
      sum: sumOf(items) - sumOf(this.#before.items),
      events: this.#watchings.reduce((sum, { events }) => sum + events, 0),
      watchEnds: this.#watchings.reduce((sum, { ends }) => sum + ends, 0),
      watchFaults: this.#watchings.flatMap(({ faults }) => faults),
    };
  }

  async #read(): Promise<void> {
    for (let n = 0; !this.#over; n += 1) {
      await this.#send('GET', n % 2 === 0 ? this.#path : this.#pathOf(n));
      await sleep(20);
    }
  }

  /** Counts up one object after the other; another writer may have been first. */
  async #write(first: number): Promise<void> {
    for (let n = first; !this.#over; n += 3) {
      const object = await this.#get(n);
      if (!object) continue;
      const { resourceVersion } = object.metadata;
      const change = { metadata: { resourceVersion, annotations: { [annotation]: String(countOf(object) + 1) } } };
      const written = await this.#send('PATCH', this.#pathOf(n), JSON.stringify(change));
      if (written?.status !== 200) continue;
      this.#increments += 1;
      const now = await this.#get(n);
      if (now && versionOf(now) < versionOf(JSON.parse(written.text) as KubeObject))
        this.#failed.push(`a read after a write was older than it`);
      await sleep(20);
    }
  }

  async #get(n: number): Promise<KubeObject | undefined> {
    const reply = await this.#send('GET', this.#pathOf(n));
    return reply && (JSON.parse(reply.text) as KubeObject);
  }

  #pathOf(n: number): string {
    const { items } = this.#before;
    return `${this.#path}/${items[n % items.length]?.metadata.name}`;
  }

  /** A good answer or a conflict; undefined for a failure, which is noted. */
  async #send(method: string, path: string, body?: string): Promise<Reply | undefined> {
    for (;;) {
      this.#requests += 1;
      const reply = await this.#proxy
        .send(method, path, body === undefined ? {} : { body, headers: { 'content-type': 'application/merge-patch+json' } })
        .catch((error: unknown) => `${method} ${path}: ${String(error)}`);
      if (typeof reply === 'string') return this.#fail(reply);
      if (reply.status === 200 || reply.status === 409) return reply;
      if (!saysComeAgain(reply)) return this.#fail(`${method} ${path}: ${reply.status} ${reply.text.slice(0, 300)}`);
      this.#retried += 1;
      await sleep(200);
    }
  }

  #fail(what: string): undefined {
    this.#failed.push(what);
    return undefined;
  }
}

/** A watch that is taken up again whenever it ends. */
class Watching {
  events = 0;
  ends = 0;
  readonly faults: string[] = [];
  readonly #proxy: Proxy;
  readonly #path: string;
  readonly #running: Promise<void>;
  #last: number;
  #open: IncomingMessage | undefined;
  #over = false;

  constructor(proxy: Proxy, path: string, since: number) {
    this.#proxy = proxy;
    this.#path = path;
    this.#last = since;
    this.#running = this.#follow();
  }

  async stopAt(version: number): Promise<void> {
    await eventually(async () => this.#last >= version).catch((error: unknown) =>
      this.faults.push(`saw ${this.#last} only: ${String(error)}`),
    );
    this.#over = true;
    this.#open?.destroy();
    await this.#running;
  }

  async #follow(): Promise<void> {
    for (; !this.#over && this.faults.length < 10; this.ends += 1) {
      const reply = await this.#proxy.open(`${this.#path}?watch=1&resourceVersion=${this.#last}`);
      this.#open = reply;
      if (reply.statusCode === 200) await this.#take(reply).catch((error: unknown) => this.#over || this.faults.push(String(error)));
      else if (!saysComeAgain({ status: reply.statusCode ?? 0, retryAfter: reply.headers['retry-after'] }))
        this.faults.push(`a watch was answered ${reply.statusCode}`);
      else await once(reply.resume(), 'end');
      await sleep(100);
    }
  }

  async #take(reply: IncomingMessage): Promise<void> {
    let rest = '';
    for await (const piece of reply.setEncoding('utf8')) {
      const lines = `${rest}${piece}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#see(line);
    }
    if (rest !== '') this.faults.push(`ended in the middle of ${rest}`);
  }

  #see(line: string): void {
    const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
    const version = versionOf(object);
    if (type !== 'MODIFIED' || version <= this.#last) this.faults.push(`${type} ${version} after ${this.#last}`);
    this.#last = version;
    this.events += 1;
  }
}

/** Kylon's own word, with the time to wait. That of kube-apiserver about a connection that broke is none: the write may have been done. */
const saysComeAgain = (reply: Pick<Reply, 'status' | 'headers'> | { status: number; retryAfter: string | undefined }) =>
  (reply.status === 429 || reply.status === 503) && Boolean('headers' in reply ? reply.headers.get('retry-after') : reply.retryAfter);

const versionOf = ({ metadata }: KubeObject) => Number(metadata.resourceVersion);
const sumOf = (items: readonly KubeObject[]) => items.reduce((sum, object) => sum + countOf(object), 0);
const countOf = ({ metadata }: KubeObject) => Number(metadata.annotations?.[annotation] ?? 0);
