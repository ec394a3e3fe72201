/** The object that marks a store as Kylon's: made once, never changed. */
import type { Ids } from '../base/ids.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { StoreNotFound } from '../objectstore/objectstore.ts';
import { CatalogFault } from './fault.ts';
import { markerKey } from './paths.ts';

const format = 1;

export interface Marker {
  readonly format: number;
  /** A UUID: tells this store from every other, wherever it is copied or mounted. */
  readonly store: string;
}

/** Reads the marker, or makes it in a new store. Throws a CatalogFault for a store of a later format. */
export async function openMarker(store: ObjectStore, ids: Ids, signal: AbortSignal): Promise<Marker> {
  const found = await readMarker(store, signal);
  if (found !== undefined) return found;
  const made: Marker = { format, store: ids.uuid() };
  const outcome = await store.putIfAbsent(markerKey, Buffer.from(`${JSON.stringify(made)}\n`), signal);
  if (outcome === 'created') return made;
  return (await readMarker(store, signal)) ?? fail('exists, and cannot be read');
}

async function readMarker(store: ObjectStore, signal: AbortSignal): Promise<Marker | undefined> {
  try {
    return parse(Buffer.from(await store.read(markerKey, signal)).toString());
  } catch (error) {
    if (error instanceof StoreNotFound) return undefined;
    throw error;
  }
}

function parse(text: string): Marker {
  let value: Partial<Marker> | null;
  try {
    value = JSON.parse(text) as Partial<Marker> | null;
  } catch {
    return fail("is not JSON: the store is damaged, or not Kylon's");
  }
  if (value?.format !== format) return fail(`names format ${String(value?.format)}; this version of Kylon knows format ${format}`);
  if (typeof value.store !== 'string' || value.store === '') return fail('names no store');
  return { format, store: value.store };
}

function fail(fault: string): never {
  throw new CatalogFault(markerKey, fault);
}
