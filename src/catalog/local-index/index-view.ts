/** The index as it was at one moment, however it goes on: all that lists and watches read. */
import { setImmediate } from 'node:timers/promises';
import { messageOf } from '../../base/lifetime.ts';
import type { ObjectKey, Stored, StoredEvent } from '../../machinery/storage.ts';
import { StorageUnavailable } from '../../machinery/storage.ts';
import type { Head } from '../state/apply.ts';
import { firstHead } from '../state/apply.ts';
import type { KeyRange } from './index-keys.ts';
import { boundsOf, currentKey, historyKey, metaKey, versionKey } from './index-keys.ts';
import { headOf } from './index-meta.ts';
import { storedOf, versionOf } from './index-values.ts';
import { tables } from './index-tally.ts';
import type { Bounds, Kv, KvSnapshot } from './kv.ts';
import type { Warm, WarmObjects } from './warm-objects.ts';
import { mergeSorted } from '../reading/merge.ts';

/** A change without the text of the object. */
export interface HistoryEntry {
  readonly rv: number;
  readonly op: string;
  /** The number of the state before; 0 where there was none. */
  readonly prev: number;
  /** Milliseconds since the epoch: when it was written, as far as this process could tell (change-times.ts). */
  readonly time: number;
  readonly key: ObjectKey;
}

export class IndexView {
  /** Where the index stood. */
  readonly head: Head;
  readonly #snapshot: KvSnapshot;
  readonly #objects: WarmObjects;
  /** As of this moment; undefined where it is not of this view. */
  readonly #warm: Warm | undefined;

  constructor(kv: Kv, objects: WarmObjects) {
    this.#objects = objects;
    this.#snapshot = translated(() => kv.snapshot());
    const meta = this.#get(metaKey);
    this.head = meta === undefined ? firstHead : headOf(meta);
    this.#warm = objects.at(this.head.rv);
  }

  /** The number at which this view is true. */
  get rv(): number {
    return this.head.rv;
  }

  get horizon(): number {
    return this.head.horizon;
  }

  /** All entries of all tables as they are kept, in order. */
  async *entries(): AsyncGenerator<readonly (readonly [string, string])[]> {
    for (const table of tables) yield* this.#pages({ gte: `${table}\0`, lt: `${table}\x01` });
  }

  /** The objects as they are in this view, in order, at most `limit`. */
  async *scan(range: KeyRange, limit = Number.POSITIVE_INFINITY): AsyncGenerator<readonly Stored[]> {
    const kept = this.#warm?.get(range.resource);
    if (kept === undefined) this.#objects.want(range.resource);
    let left = limit;
    for await (const piece of inTurns(kept?.range(range, limit) ?? [])) {
      left -= piece.length;
      yield piece;
    }
    const rest = kept === undefined ? range : kept.beyond(range);
    if (rest && left > 0) yield* this.#read(rest, left);
  }

  /** The objects as they were at number `rv`, which is not below the horizon, in order. */
  scanAt(rv: number, range: KeyRange): AsyncGenerator<Stored> {
    return mergeSorted(this.#current(rv, range), this.#superseded(rv, range), compareKeys);
  }

  /** How many objects there are in a range; Infinity where more than `most` would have to be looked for in the index. */
  async count(range: KeyRange, most: number): Promise<number> {
    const kept = this.#warm?.get(range.resource);
    const rest = kept === undefined ? range : kept.beyond(range);
    let count = 0;
    for (const piece of kept?.range(range) ?? []) {
      count += piece.length;
      if (rest !== undefined && count > most) return Number.POSITIVE_INFINITY;
    }
    return rest === undefined ? count : count + (await this.#countIn(rest, most - count));
  }

  /** The changes after number `after`, the oldest first, at most `limit`. */
  async changes(after: number, limit: number): Promise<readonly HistoryEntry[]> {
    const bounds = { gte: historyKey(after + 1), lt: 'h\x01' };
    const entries: HistoryEntry[] = [];
    for await (const page of this.#pages(bounds, limit)) entries.push(...page.map(([key, value]) => historyEntryOf(key, value)));
    return entries;
  }

  /** The keys of all changes and of all earlier states. */
  async *historyKeys(): AsyncGenerator<readonly string[]> {
    try {
      for (const table of ['h', 'v']) yield* this.#snapshot.keys({ gte: `${table}\0`, lt: `${table}\x01` });
    } catch (error) {
      throw unreadable(error);
    }
  }

  /** A change with the texts before and after it. */
  eventOf({ rv, op, prev, key }: HistoryEntry): StoredEvent {
    const before = prev === 0 ? undefined : this.#superseding(key, prev);
    if (op === 'delete') return { rv, type: 'DELETED', key, json: before ?? '', before };
    return { rv, type: prev === 0 ? 'ADDED' : 'MODIFIED', key, json: this.#textAt(key, rv), before };
  }

  async close(): Promise<void> {
    await this.#snapshot.close();
  }

  /** Infinity where they are more than `most`. */
  async #countIn(range: KeyRange, most: number): Promise<number> {
    if (most < 0) return Number.POSITIVE_INFINITY;
    let count = 0;
    try {
      for await (const page of this.#snapshot.keys(boundsOf('c', range))) {
        count += page.length;
        if (count > most) return Number.POSITIVE_INFINITY;
      }
      return count;
    } catch (error) {
      throw unreadable(error);
    }
  }

  async *#read(range: KeyRange, limit: number): AsyncGenerator<readonly Stored[]> {
    const start = range.resource.length + 3;
    for await (const page of this.#pages(boundsOf('c', range), Number.isFinite(limit) ? limit : undefined))
      yield page.map(([key, value]) => storedOf(keyOf(range.resource, key.slice(start)), value));
  }

  async *#current(rv: number, range: KeyRange): AsyncGenerator<Stored> {
    for await (const page of this.scan(range)) yield* page.filter((stored) => stored.rv <= rv);
  }

  async *#superseded(rv: number, range: KeyRange): AsyncGenerator<Stored> {
    const { resource } = range;
    for await (const page of this.#pages(boundsOf('v', range))) {
      for (const [key, value] of page) {
        const end = key.lastIndexOf('\0');
        const from = Number(key.slice(end + 1));
        const { rv: until, json } = versionOf(value);
        if (from <= rv && rv < until) yield { key: keyOf(resource, key.slice(resource.length + 3, end)), rv: from, json };
      }
    }
  }

  #textAt(key: ObjectKey, rv: number): string {
    const value = this.#get(currentKey(key));
    const current = value === undefined ? undefined : versionOf(value);
    return current?.rv === rv ? current.json : (this.#superseding(key, rv) ?? '');
  }

  #superseding(key: ObjectKey, rv: number): string | undefined {
    const value = this.#get(versionKey(key, rv));
    return value === undefined ? undefined : versionOf(value).json;
  }

  async *#pages(bounds: Bounds, limit?: number): AsyncGenerator<readonly [string, string][]> {
    try {
      yield* this.#snapshot.entries(bounds, limit);
    } catch (error) {
      throw unreadable(error);
    }
  }

  #get(key: string): string | undefined {
    return translated(() => this.#snapshot.get(key));
  }
}

/** `path` is `namespace NUL name`. */
function keyOf(resource: string, path: string): ObjectKey {
  const end = path.indexOf('\0');
  return { resource, namespace: path.slice(0, end), name: path.slice(end + 1) };
}

function historyEntryOf(key: string, value: string): HistoryEntry {
  const [op = '', prev, time = '', resource = '', namespace = '', name = ''] = value.split('\0');
  return { rv: Number(key.slice(2)), op, prev: Number(prev), time: Date.parse(time), key: { resource, namespace, name } };
}

/** By UTF-8 bytes, as the index sorts; the units of a string would sort some characters otherwise. */
function compareKeys({ key: a }: Stored, { key: b }: Stored): number {
  return Buffer.compare(Buffer.from(`${a.namespace}\0${a.name}`), Buffer.from(`${b.namespace}\0${b.name}`));
}

/** Between two pieces others get their turn, as they do while LevelDB reads. */
async function* inTurns<T>(pieces: Iterable<T>): AsyncGenerator<T> {
  let isFirst = true;
  for (const piece of pieces) {
    if (!isFirst) await setImmediate();
    isFirst = false;
    yield piece;
  }
}

function translated<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): StorageUnavailable {
  return new StorageUnavailable(`the index cannot be read: ${messageOf(error)}`, { cause: error });
}
