/** Marks in the store of snapshots that were forgotten, one each, until what they held was pruned. */
import type { ObjectStore } from '../objectstore/objectstore.ts';
import type { Place } from './paths.ts';
import { fileKey, isFileId, marksFolder, marksOf } from './paths.ts';

/** Marks that are told at once: a Pod is given their names. */
const mostTold = 1000;

/** All that it says is in its name. Rejects with a StoreError. */
export async function mark(store: ObjectStore, place: Place, snapshotId: string, signal: AbortSignal): Promise<void> {
  await store.putIfAbsent(markKey(place, snapshotId), Buffer.of(), signal);
}

/** Rejects with a StoreError. */
export async function unmark(store: ObjectStore, place: Place, snapshotIds: readonly string[], signal: AbortSignal): Promise<void> {
  for (const id of snapshotIds) await store.delete(markKey(place, id), signal);
}

/** Each namespace that has a mark. Rejects with a StoreError. */
export async function markedNamespaces(store: ObjectStore, domain: string, signal: AbortSignal): Promise<readonly string[]> {
  const folder = marksFolder(domain);
  const found = new Set<string>();
  for await (const { key } of store.list(folder, signal)) found.add(key.slice(folder.length).split('/')[0] ?? '');
  return [...found];
}

/** The ids that are marked and whose snapshots are gone: a mark is there a moment sooner. Rejects with a StoreError. */
export async function markedAndGone(store: ObjectStore, place: Place, signal: AbortSignal): Promise<readonly string[]> {
  const gone: string[] = [];
  for await (const { key } of store.list(marksOf(place), signal)) {
    const id = key.slice(marksOf(place).length);
    if (isFileId(id) && (await store.size(fileKey(place, 'snapshots', id), signal)) === undefined) gone.push(id);
    if (gone.length === mostTold) break;
  }
  return gone;
}

const markKey = (place: Place, snapshotId: string) => `${marksOf(place)}${snapshotId}`;
