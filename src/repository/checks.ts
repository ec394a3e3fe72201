/**
 * How far each repository has been checked: the name of an empty file outside of it. The first one is made with the repository, so that one list of
 * these tells which repositories there are. The newest counts, and older ones are deleted after it is there.
 */
import type { ObjectStore } from '../objectstore/objectstore.ts';
import type { Place } from './paths.ts';
import { checksFolder, checksOf } from './paths.ts';
import type { Checked } from './repositories.ts';

/** By namespace. Rejects with a StoreError. */
export async function lastChecks(store: ObjectStore, domain: string, signal: AbortSignal): Promise<ReadonlyMap<string, Checked>> {
  const folder = checksFolder(domain);
  const last = new Map<string, Checked>();
  for await (const { key } of store.list(folder, signal)) {
    const [namespace = '', name = ''] = key.slice(folder.length).split('/');
    const [found, known] = [checkedIn(name), last.get(namespace)];
    if (found && (!known || isBefore(known, found))) last.set(namespace, found);
  }
  return last;
}

/** Undefined where nothing is known of the repository. Rejects with a StoreError. */
export async function lastCheck(store: ObjectStore, place: Place, signal: AbortSignal): Promise<Checked | undefined> {
  let last: Checked | undefined;
  for (const found of await checksIn(store, place, signal)) if (!last || isBefore(last, found)) last = found;
  return last;
}

/** Rejects with a StoreError. */
export async function noteCheck(store: ObjectStore, place: Place, checked: Checked, signal: AbortSignal): Promise<void> {
  await store.putIfAbsent(checkKey(place, checked), Buffer.of(), signal);
  for (const found of await checksIn(store, place, signal))
    if (isBefore(found, checked)) await store.delete(checkKey(place, found), signal);
}

async function checksIn(store: ObjectStore, place: Place, signal: AbortSignal): Promise<readonly Checked[]> {
  const found: Checked[] = [];
  for await (const { key } of store.list(checksOf(place), signal)) {
    const checked = checkedIn(key.slice(checksOf(place).length));
    if (checked) found.push(checked);
  }
  return found;
}

const isBefore = (one: Checked, other: Checked) => one.times < other.times || (one.times === other.times && one.at < other.at);

const checkKey = (place: Place, { times, at }: Checked) => `${checksOf(place)}${times}.${at}`;

function checkedIn(name: string): Checked | undefined {
  const [, times, at] = /^([0-9]{1,9})\.([0-9]{1,15})$/.exec(name) ?? [];
  return times === undefined ? undefined : { times: Number(times), at: Number(at) };
}
