/** What a segment does to the state: computed first, whole, so that a wrong segment changes nothing. */
import type { ObjectKey, StoredEvent } from '../../machinery/storage.ts';
import { emptyNumber } from '../../machinery/storage.ts';
import { digestOf, digestText, emptyDigest, minus, plus } from './digest.ts';
import { currentKey, historyKey, versionKey } from '../local-index/index-keys.ts';
import type { KvOp } from '../local-index/kv.ts';
import type { LogRecord } from '../log/record.ts';
import type { Features, Segment } from '../log/segment.ts';

/** The state after a segment. */
export interface Head {
  /** The segment; 0 before the first. */
  readonly n: number;
  readonly hash: string;
  /** The number of the last change. */
  readonly rv: number;
  readonly digest: bigint;
  /** Every state from this number on can be read, and every change after it. */
  readonly horizon: number;
  /** The first number after the newest roll-back that an operator has accepted; 0 where there was none. */
  readonly jump: number;
  /** What a program must know to read on from here, and to write. */
  readonly features: Features;
}

/** An object as it is at a number. */
export interface Version {
  readonly rv: number;
  readonly json: string;
}

export interface Effect {
  readonly head: Head;
  readonly ops: readonly KvOp[];
  readonly events: readonly StoredEvent[];
}

/** What a segment follows on is not what is there. */
export class Fork extends Error {
  override readonly name = 'Fork';
}

/** Of an empty log. */
export const firstHead: Head = {
  n: 0,
  hash: '0'.repeat(64),
  rv: emptyNumber,
  digest: emptyDigest,
  horizon: emptyNumber,
  jump: 0,
  features: { read: [], write: [] },
};

/** Throws an Error that says why the segment does not follow on the head. `time` is kept with its changes. */
export function effectOf(
  head: Head,
  segment: Segment,
  current: (key: ObjectKey) => Version | undefined,
  time = segment.header.time,
): Effect {
  checkChain(head, segment);
  const state = new Overlay(current);
  const ops: KvOp[] = [];
  const events: StoredEvent[] = [];
  let digest = head.digest;
  for (const [i, record] of segment.records.entries()) {
    const rv = head.rv + 1 + i;
    const before = state.get(record.key);
    checkPrevious(record, before, rv);
    const after = record.op === 'delete' ? undefined : { rv, json: record.json };
    digest = digestAfter(digest, record.key, before, after);
    ops.push(...opsOf(record, before, rv, time));
    events.push(eventOf(record, before, rv));
    state.set(record.key, after);
  }
  const { header, hash } = segment;
  const next = { ...head, n: header.n, hash, rv: header.firstRV + header.count - 1, digest, features: header.features };
  if (header.count === 0) return { head: { ...next, jump: header.firstRV, horizon: next.rv }, ops, events };
  return { head: next, ops, events };
}

/** The objects as they are after the changes so far, on top of what the index has. */
export class Overlay {
  readonly #changed = new Map<string, Version | undefined>();
  readonly #current: (key: ObjectKey) => Version | undefined;

  constructor(current: (key: ObjectKey) => Version | undefined) {
    this.#current = current;
  }

  get(key: ObjectKey): Version | undefined {
    const id = currentKey(key);
    return this.#changed.has(id) ? this.#changed.get(id) : this.#current(key);
  }

  set(key: ObjectKey, version: Version | undefined): void {
    this.#changed.set(currentKey(key), version);
  }
}

function checkChain(head: Head, { header }: Segment): void {
  if (header.n !== head.n + 1) throw new Error(`is segment ${header.n}, but ${head.n + 1} is next`);
  if (header.prev !== head.hash) throw new Fork(`does not follow segment ${head.n}: it names another hash of it`);
  const isNext = header.count === 0 ? header.firstRV > head.rv : header.firstRV === head.rv + 1;
  if (!isNext) throw new Error(`begins with number ${header.firstRV}, but ${head.rv + 1} is next`);
  if (header.digest !== digestText(head.digest)) throw new Error(`names another state after segment ${head.n} than the one here`);
}

function checkPrevious({ op, key, prev }: LogRecord, before: Version | undefined, rv: number): void {
  const found = before?.rv ?? 0;
  if (prev !== found || (op === 'create') !== (prev === 0))
    throw new Error(`change ${rv} (${op} ${key.resource} ${key.namespace}/${key.name}) replaces number ${prev}, but ${found} is there`);
}

function digestAfter(digest: bigint, key: ObjectKey, before: Version | undefined, after: Version | undefined): bigint {
  const without = before === undefined ? digest : minus(digest, digestOf(key, before.rv, before.json));
  return after === undefined ? without : plus(without, digestOf(key, after.rv, after.json));
}

function opsOf({ op, key, json }: LogRecord, before: Version | undefined, rv: number, time: string): readonly KvOp[] {
  const { resource, namespace, name } = key;
  const change = [op, before?.rv ?? 0, time, resource, namespace, name].join('\0');
  const ops: KvOp[] = [{ type: 'put', key: historyKey(rv), value: change }];
  if (before !== undefined) ops.push({ type: 'put', key: versionKey(key, before.rv), value: `${rv}\0${before.json}` });
  ops.push(op === 'delete' ? { type: 'del', key: currentKey(key) } : { type: 'put', key: currentKey(key), value: `${rv}\0${json}` });
  return ops;
}

const eventTypes = { create: 'ADDED', update: 'MODIFIED', delete: 'DELETED' } as const;

function eventOf({ op, key, json }: LogRecord, before: Version | undefined, rv: number): StoredEvent {
  return { rv, type: eventTypes[op], key, json: op === 'delete' ? (before?.json ?? '') : json, before: before?.json };
}
