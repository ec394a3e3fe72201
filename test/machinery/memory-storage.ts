/** A small honest Storage for the tests of the machinery: everything in memory, with all promises of the interface kept. */
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import {
  emptyNumber,
  StorageConflict,
  StorageExists,
  StorageExpired,
  StorageFuture,
  StorageMissing,
  StorageUnavailable,
} from '../../src/machinery/storage.ts';
import type { Change, ListQuery, ObjectKey, Storage, Stored, StoredEvent, StoredPage, WatchQuery } from '../../src/machinery/storage.ts';

const batch = 100;

const idOf = ({ resource, namespace, name }: ObjectKey) => `${resource} ${namespace}/${name}`;
const orderOf = ({ namespace, name }: Pick<ObjectKey, 'namespace' | 'name'>) => Buffer.from(`${namespace}\u0000${name}`);
const covers = (query: WatchQuery | ListQuery, key: ObjectKey) =>
  key.resource === query.resource && (query.namespace === undefined || key.namespace === query.namespace);

/** What all processes share: the event with number n stands at index n - emptyNumber - 1. */
interface Shared {
  readonly log: StoredEvent[];
  readonly objects: Map<string, Stored>;
  readonly wakers: Set<() => void>;
  forgotten: number;
}

export class MemoryStorage implements Storage {
  readonly #shared: Shared;
  readonly #clock: Clock;
  readonly #historyKept: number;
  #closed = false;
  /** Called before each write; a test may throw or be slow. */
  beforeWrite: (change: Change) => void | Promise<void> = () => {};

  constructor(clock: Clock = systemClock, historyKept = 2000, of?: MemoryStorage) {
    this.#shared = of ? of.#shared : { log: [], objects: new Map(), wakers: new Set(), forgotten: emptyNumber };
    this.#clock = clock;
    this.#historyKept = historyKept;
  }

  async get(key: ObjectKey, signal: AbortSignal) {
    await this.#ask(signal);
    return this.peek(key);
  }

  peek(key: ObjectKey) {
    this.#check();
    return this.#shared.objects.get(idOf(key));
  }

  async list(query: ListQuery, signal: AbortSignal): Promise<StoredPage> {
    await this.#ask(signal);
    const { at, after, limit } = query;
    if (typeof at === 'object') await this.#reach(at.rv, signal);
    const rv = typeof at === 'object' && at.exact ? at.rv : this.current();
    if (rv < this.#shared.forgotten) throw new StorageExpired(`number ${rv} is not kept any more`);
    const found = this.#stateAt(rv)
      .filter(({ key }) => covers(query, key) && (!after || orderOf(key).compare(orderOf(after)) > 0))
      .sort((a, b) => orderOf(a.key).compare(orderOf(b.key)));
    const items = found.slice(0, limit);
    return { rv, items: batches(items, signal), remaining: () => Promise.resolve(found.length - items.length) };
  }

  async write(change: Change, signal: AbortSignal): Promise<number> {
    await this.#ask(signal);
    await new Promise((resolve) => setImmediate(resolve));
    await this.beforeWrite(change);
    this.#check();
    const { log, objects } = this.#shared;
    const id = idOf(change.key);
    const old = objects.get(id);
    refuse(change, old, id);
    const rv = this.current() + 1;
    const json = change.op === 'delete' ? (old?.json ?? '') : change.json.toWellFormed();
    if (change.op === 'delete') objects.delete(id);
    else objects.set(id, { key: change.key, rv, json });
    log.push({ rv, type: types[change.op], key: change.key, json, before: old?.json });
    this.#shared.forgotten = Math.max(this.#shared.forgotten, rv - this.#historyKept);
    this.#wakeAll();
    return rv;
  }

  async *watch(query: WatchQuery, signal: AbortSignal): AsyncGenerator<readonly StoredEvent[]> {
    let { since } = query;
    while (!signal.aborted) {
      this.#check();
      if (since < this.#shared.forgotten) throw new StorageExpired(`changes after number ${since} are not kept any more`);
      const next = this.#shared.log[since - emptyNumber];
      if (!next) await this.#changed(signal);
      else since = next.rv;
      if (next && covers(query, next.key)) yield [next];
    }
  }

  current() {
    return emptyNumber + this.#shared.log.length;
  }

  async latest(signal: AbortSignal) {
    await this.#ask(signal);
    return this.current();
  }

  /** Forgets all history up to now. */
  forget() {
    this.#shared.forgotten = this.current();
  }

  close() {
    this.#closed = true;
    this.#wakeAll();
  }

  #check() {
    if (this.#closed) throw new StorageUnavailable('the storage is closed');
  }

  async #ask(signal: AbortSignal) {
    this.#check();
    signal.throwIfAborted();
    await Promise.resolve();
  }

  async #reach(rv: number, signal: AbortSignal): Promise<void> {
    if (rv <= this.current()) return;
    const stop = new AbortController();
    const whole = AbortSignal.any([signal, stop.signal]);
    const late = this.#clock.sleep(3000, whole).then(
      () => true,
      () => true,
    );
    let patient = true;
    while (patient && rv > this.current()) patient = !(await Promise.race([late, this.#changed(whole).then(() => false)]));
    stop.abort();
    signal.throwIfAborted();
    if (rv > this.current()) throw new StorageFuture(`number ${rv} is not there yet`, this.current());
  }

  #stateAt(rv: number): Stored[] {
    if (rv === this.current()) return [...this.#shared.objects.values()];
    const state = new Map<string, Stored>();
    for (const { type, key, json, rv: number } of this.#shared.log.slice(0, rv - emptyNumber)) {
      if (type === 'DELETED') state.delete(idOf(key));
      else state.set(idOf(key), { key, rv: number, json });
    }
    return [...state.values()];
  }

  #changed(signal: AbortSignal): Promise<void> {
    const { wakers } = this.#shared;
    return new Promise((resolve) => {
      const wake = () => {
        wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      wakers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #wakeAll() {
    for (const wake of this.#shared.wakers) wake();
  }
}

const types = { create: 'ADDED', update: 'MODIFIED', delete: 'DELETED' } as const;

function refuse(change: Change, old: Stored | undefined, id: string): void {
  if (change.op === 'create') {
    if (old) throw new StorageExists(`${id} exists`);
    return;
  }
  if (!old) throw new StorageMissing(`${id} does not exist`);
  if (old.rv !== change.expect) throw new StorageConflict(`${id} is at number ${old.rv}, not ${change.expect}`);
}

async function* batches(items: readonly Stored[], signal: AbortSignal): AsyncGenerator<readonly Stored[]> {
  for (let at = 0; at < items.length; at += batch) {
    signal.throwIfAborted();
    yield items.slice(at, at + batch);
  }
}
