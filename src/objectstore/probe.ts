/**
 * Proves at the start that a store keeps its promises, under keys that nobody else uses. Some stores accept a conditional
 * write and ignore the condition: on those, acknowledged writes would be lost.
 */
import type { Ids } from '../base/ids.ts';
import { messageOf } from '../base/lifetime.ts';
import type { ObjectStore } from './objectstore.ts';
import { StoreError } from './objectstore.ts';

const races = 3;
const racers = 8;

export interface Probed {
  /** Why nothing can be written; undefined where the store keeps all its promises. */
  readonly denied: string | undefined;
}

/** Rejects with a StoreError that says what the store did wrong. Deletes what it made. */
export async function probe(store: ObjectStore, { ids }: { readonly ids: Ids }, signal: AbortSignal): Promise<Probed> {
  const folder = `probe/${ids.hex(16)}`;
  const keys = ['create', ...Array.from({ length: races }, (_, i) => `race-${i}`)].map((name) => `${folder}/${name}`);
  try {
    await probeCreate(store, `${folder}/create`, signal);
    for (let i = 0; i < races; i++) await probeRace(store, `${folder}/race-${i}`, signal);
    await probeList(store, folder, keys, signal);
  } catch (error) {
    for (const key of keys) await store.delete(key, signal).catch(() => {});
    if (error instanceof StoreError || signal.aborted) throw error;
    throw new StoreError(`${store.name} cannot be used: ${messageOf(error)}`, { cause: error });
  }
  for (const key of keys) await probeDelete(store, key, signal);
  return { denied: undefined };
}

async function probeCreate(store: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  const first = Buffer.from('first');
  expect(store, (await store.putIfAbsent(key, first, signal)) === 'created', 'it says that a new key exists already');
  const second = await store.putIfAbsent(key, Buffer.from('second'), signal);
  expect(store, second === 'exists', 'it accepts a second create of the same key, so writers would overwrite each other');
  expect(store, first.equals(await store.read(key, signal)), 'it does not keep the content of the first create');
}

async function probeRace(store: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  const bodies = Array.from({ length: racers }, (_, i) => Buffer.from(`racer ${i}`));
  const outcomes = await Promise.all(bodies.map((body) => store.putIfAbsent(key, body, signal)));
  const winners = bodies.filter((_, i) => outcomes[i] === 'created');
  expect(store, winners.length === 1, `of ${racers} racing creates of one key it accepts ${winners.length}, not one`);
  expect(store, winners[0]?.equals(await store.read(key, signal)) ?? false, 'it does not keep what the winner of a race wrote');
}

async function probeList(store: ObjectStore, folder: string, keys: readonly string[], signal: AbortSignal): Promise<void> {
  const listed: string[] = [];
  for await (const { key } of store.list(`${folder}/`, signal)) listed.push(key);
  expect(store, listed.join() === [...keys].sort().join(), 'its list does not show what was just written, in order');
}

async function probeDelete(store: ObjectStore, key: string, signal: AbortSignal): Promise<void> {
  await store.delete(key, signal);
  expect(store, (await store.size(key, signal)) === undefined, 'it still has an object that was just deleted');
}

function expect(store: ObjectStore, holds: boolean, fault: string): void {
  if (!holds) throw new StoreError(`${store.name} cannot be used: ${fault}`);
}
