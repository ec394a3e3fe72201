/** The store that is looked at, and content to put into it. */
import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import type { FaultOf } from '../flaky-proxy.ts';

export interface StoreUnderTest {
  /** Two clients of one fresh, empty store. */
  readonly clients: readonly [ObjectStore, ObjectStore];
  /** Opens one more client of the same store, behind a flaky-proxy.ts that does what `faultOf` says. `destroy` ends both. */
  readonly network?: { through(faultOf: FaultOf): Promise<ObjectStore> };
  /** Opens a client as somebody whom the store does not know. May reject as openStore would. */
  readonly wrongCredentials?: () => Promise<ObjectStore>;
  /** Opens a client of a bucket, container or folder that is not there. May reject as openStore would. */
  readonly missing?: () => Promise<ObjectStore>;
  destroy(): Promise<void>;
}

/** Of the test that runs: another one each time. */
export interface Subject {
  readonly made: StoreUnderTest;
  readonly store: ObjectStore;
  readonly other: ObjectStore;
}

/** Milliseconds for what makes thousands of requests to a store that may be slow. */
export const patience = 120_000;

export const signal = AbortSignal.any([]);

export const bytes = (text: string) => Buffer.from(text);

export const textOf = (content: Uint8Array) => Buffer.from(content).toString();

export const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

export async function* inPieces(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Repeats itself nowhere near a page, so that a piece in the wrong place shows. */
export function pattern(length: number): Uint8Array {
  const whole = new Uint8Array(length);
  for (let i = 0, state = 1; i < length; i++) whole[i] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  return whole;
}

/** Does `work` for 0 to `count`, `atOnce` at a time: enough to keep a slow store busy. */
export async function forEach(count: number, work: (i: number) => Promise<unknown>, atOnce = 32): Promise<void> {
  const indices = Array.from({ length: count }, (_, i) => i).values();
  const worker = async () => {
    for (const i of indices) await work(i);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
