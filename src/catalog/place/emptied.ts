/** Notices a store that has lost its marker, or has another one than was seen there: it was emptied, eaten, or replaced. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { AnchorPoint } from '../rollback/anchor.ts';
import { CatalogFault } from '../fault.ts';
import type { SegmentLog } from '../log/log.ts';
import type { Marker } from './marker.ts';
import { readMarker } from './marker.ts';
import { dataPrefix, markerKey } from '../paths.ts';
import { isAccepted, isKept, RolledBack } from '../rollback/rollback.ts';

/**
 * The marker, undefined for a new store. Rejects with RolledBack where it is missing though the store has data, or had some when it
 * was seen.
 */
export async function checkMarked(
  store: ObjectStore,
  domain: string,
  seen: AnchorPoint | undefined,
  signal: AbortSignal,
): Promise<Marker | undefined> {
  const found = await readMarker(store, signal);
  if (found !== undefined) return found;
  const data = await firstKey(store, signal);
  // Data lies behind a marker: another process may have made both since.
  const madeSince = data === undefined ? undefined : await readMarker(store, signal);
  if (madeSince !== undefined) return madeSince;
  const place = { storeName: store.name, domain };
  if (data !== undefined) {
    const fault = `is missing, but ${data} is there: old objects were deleted, as a lifecycle rule of the bucket does; remove the rule`;
    throw new RolledBack(markerKey, fault, place);
  }
  if (seen !== undefined && seen.n > 0)
    throw new RolledBack(
      markerKey,
      `is missing, but ${seen.n === 1 ? 'a segment was' : `${seen.n} segments were`} seen here: the store was emptied`,
      place,
    );
  return undefined;
}

/**
 * Rejects where two answers name two stores. The marker has no hash, so one that was damaged on the way could be remembered for
 * good, and then the right one would be refused.
 */
export function checkSame(first: Marker | undefined, second: Marker): void {
  if (first === undefined || first.store === second.store) return;
  throw new CatalogFault(markerKey, `names the store ${first.store}, and then ${second.store}: it is damaged on the way, or the store is`);
}

/** Rejects with RolledBack where the log does not have what the anchor remembers, and nobody has accepted that. */
export async function checkRemembered(segments: SegmentLog, marker: Marker, seen: AnchorPoint | undefined): Promise<void> {
  if (seen === undefined || seen.n === 0) return;
  if (seen.store === marker.store) {
    await isKept(segments, seen);
    return;
  }
  if (await isAccepted(segments, seen.rv)) return;
  const fault = `names the store ${marker.store}, but ${seen.store} was seen here: the store was emptied, or another one has its place`;
  throw new RolledBack(markerKey, fault, segments);
}

async function firstKey(store: ObjectStore, signal: AbortSignal): Promise<string | undefined> {
  for await (const { key } of store.list(dataPrefix, signal)) return key;
  return undefined;
}
