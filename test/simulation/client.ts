/** The clients of a history: what they ask of which replica, knowing only what they were told. */
import type { LastingCatalog } from '../../src/catalog/lasting-catalog.ts';
import type { Change, ListQuery, ObjectKey, Stored } from '../../src/machinery/storage.ts';
import type { Answer, Call, History, Page } from './history.ts';
import { idOf } from './history.ts';
import type { Freshness } from './actions.ts';
import type { Random } from './random.ts';
import type { Replica } from './replica.ts';

interface Known {
  readonly rv: number;
}

export class Client {
  readonly #history: History;
  /** What all clients together were told of each object, in the order in which they were. */
  readonly #known = new Map<string, Known[]>();
  #newest = 1;
  #texts = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /** The highest number that anybody was told. */
  get newest(): number {
    return this.#newest;
  }

  create(replica: Replica, key: ObjectKey, patience: number): Promise<Answer> {
    return this.#write(replica, { op: 'create', key, json: this.#text(key) }, patience);
  }

  async change(
    op: 'update' | 'delete',
    replica: Replica,
    key: ObjectKey,
    from: Freshness,
    patience: number,
    random: Random,
  ): Promise<void> {
    if (from === 'asked') await this.get(replica, key);
    const known = this.#known.get(idOf(key)) ?? [];
    const one = from === 'old' && known.length > 0 ? random.pick(known) : known.toSorted((a, b) => a.rv - b.rv).at(-1);
    if (one !== undefined) await this.changeFrom(op, replica, key, one.rv, patience);
    else await this.create(replica, key, patience);
  }

  changeFrom(op: 'update' | 'delete', replica: Replica, key: ObjectKey, expect: number, patience: number): Promise<Answer> {
    return this.#write(replica, op === 'delete' ? { op, key, expect } : { op, key, expect, json: this.#text(key) }, patience);
  }

  /** All replicas are asked at once to change the same object from the same number. */
  async race(replicas: readonly Replica[], key: ObjectKey): Promise<void> {
    const expect = this.#known.get(idOf(key))?.reduce((highest, { rv }) => Math.max(highest, rv), 0) ?? 0;
    await Promise.all(
      replicas.map((replica) => (expect === 0 ? this.create(replica, key, 0) : this.changeFrom('update', replica, key, expect, 0))),
    );
  }

  get(replica: Replica, key: ObjectKey): Promise<Answer> {
    return this.#ask(replica, { is: 'get', key }, (catalog, signal) => catalog.get(key, signal));
  }

  peek(replica: Replica, key: ObjectKey): Promise<Answer> {
    return this.#ask(replica, { is: 'peek', key }, async (catalog) => catalog.peek(key));
  }

  latest(replica: Replica): Promise<Answer> {
    return this.#ask(replica, { is: 'latest' }, (catalog, signal) => catalog.latest(signal));
  }

  list(replica: Replica, query: ListQuery): Promise<Answer> {
    return this.#ask(replica, { is: 'list', query }, (catalog, signal) => pageOf(catalog, query, signal));
  }

  /** Page after page, all of them at the number of the first one. */
  async listAll(replica: Replica, query: ListQuery): Promise<void> {
    const first = await this.list(replica, query);
    for (let page = pageIn(first); page !== undefined && page.remaining > 0;) {
      const last = page.items.at(-1);
      if (last === undefined) return;
      page = pageIn(await this.list(replica, { ...query, at: { rv: page.rv, exact: true }, after: last.key }));
    }
  }

  /** Lists, and once `between` is done again at the number of the first answer. */
  async listAgain(replica: Replica, query: ListQuery, between: () => Promise<void>): Promise<void> {
    const first = pageIn(await this.list(replica, query));
    await between();
    if (first !== undefined) await this.list(replica, { ...query, at: { rv: first.rv, exact: true } });
  }

  learn(key: ObjectKey, rv: number): void {
    const known = this.#known.get(idOf(key)) ?? [];
    known.push({ rv });
    this.#known.set(idOf(key), known);
    this.sees(rv);
  }

  sees(rv: number): void {
    this.#newest = Math.max(this.#newest, rv);
  }

  /** No two writes of a history have the same text. */
  #text(key: ObjectKey): string {
    return `{"name":"${key.name}","write":${++this.#texts}}`;
  }

  #write(replica: Replica, change: Change, patience: number): Promise<Answer> {
    return this.#ask(replica, { is: 'write', change }, (catalog, signal) => catalog.write(change, signal), patience);
  }

  async #ask<T extends number | Stored | Page | undefined>(
    replica: Replica,
    call: Call,
    work: (catalog: LastingCatalog, signal: AbortSignal) => Promise<T>,
    patience = 0,
  ): Promise<Answer> {
    const operation = this.#history.begin(replica.life, call);
    const { signal, abort } = new Caller();
    if (patience > 0) replica.post(patience, 'loses its caller', abort);
    const answer = await replica.ask((catalog) => work(catalog, signal));
    this.#history.finish(operation, answer);
    if (answer.is === 'value') this.#learnFrom(call, answer.value);
    return answer;
  }

  #learnFrom(call: Call, value: number | Stored | Page | undefined): void {
    if (typeof value === 'number') {
      if (call.is === 'write') this.learn(call.change.key, value);
      else this.sees(value);
    } else if (value !== undefined && 'items' in value) {
      this.sees(value.rv);
      for (const { key, rv } of value.items) this.learn(key, rv);
    } else if (value !== undefined) this.learn(value.key, value.rv);
  }
}

/** Why a caller went away; never an answer of the catalog. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';
}

class Caller {
  readonly #controller = new AbortController();
  readonly signal = this.#controller.signal;
  readonly abort = (): void => this.#controller.abort(new CallerGone('the caller has gone'));
}

async function pageOf(catalog: LastingCatalog, query: ListQuery, signal: AbortSignal): Promise<Page> {
  const page = await catalog.list(query, signal);
  const items: Stored[] = [];
  for await (const piece of page.items) items.push(...piece);
  return { rv: page.rv, items, remaining: await page.remaining() };
}

function pageIn(answer: Answer): Page | undefined {
  return answer.is === 'value' && typeof answer.value === 'object' && 'items' in answer.value ? answer.value : undefined;
}
