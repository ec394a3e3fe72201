/** The object that marks a store as Kylon's: made once, never changed. */
import type { Ids } from '../../base/ids.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { readIfThere } from '../../objectstore/read-if-there.ts';
import { CatalogFault } from '../fault.ts';
import { refuseForeign } from './foreign.ts';
import { markerKey } from '../paths.ts';

const format = 1;
const encryption = 'AES-256-GCM';

export interface Marker {
  readonly format: number;
  /** A UUID: tells this store from every other, wherever it is copied or mounted. */
  readonly store: string;
  /** How everything else in the store is encrypted; undefined where it is not. Decided when the store is first used. */
  readonly encryption?: typeof encryption;
}

/**
 * Reads the marker, or makes it in a new store, unless that is `readOnly`. Throws a CatalogFault for a store of a later format, for
 * one that holds other things, and for one that is encrypted though `encrypted` says otherwise, or the other way round.
 */
export async function openMarker(store: ObjectStore, ids: Ids, signal: AbortSignal, encrypted = false, readOnly?: string): Promise<Marker> {
  const marker = (await readMarker(store, signal)) ?? (await makeMarker(store, ids, signal, encrypted, readOnly));
  if (encrypted && marker.encryption === undefined)
    return fail(
      `${store.name} is not encrypted, and stays readable to everybody who can read the store: use it without --encryption-keys, or a new one`,
    );
  if (!encrypted && marker.encryption !== undefined)
    return fail(`${store.name} is encrypted: give the file with its keys by --encryption-keys`);
  return marker;
}

async function makeMarker(
  store: ObjectStore,
  ids: Ids,
  signal: AbortSignal,
  encrypted: boolean,
  readOnly: string | undefined,
): Promise<Marker> {
  await refuseForeign(store, signal);
  if (readOnly !== undefined)
    return fail(
      `is missing in ${store.name}, and cannot be made there: ${readOnly}. Name a store with a catalog, or give the right to write`,
    );
  const made: Marker = { format, store: ids.uuid(), ...(encrypted && { encryption }) };
  const outcome = await store.putIfAbsent(markerKey, Buffer.from(`${JSON.stringify(made)}\n`), signal);
  if (outcome === 'created') return made;
  return (await readMarker(store, signal)) ?? fail('exists, and cannot be read');
}

/** Undefined where there is none. */
export async function readMarker(store: ObjectStore, signal: AbortSignal): Promise<Marker | undefined> {
  const bytes = await readIfThere(store, markerKey, signal);
  return bytes && parse(Buffer.from(bytes).toString(), store.name);
}

function parse(text: string, storeName: string): Marker {
  let value: Partial<Record<keyof Marker, unknown>> | null;
  try {
    value = JSON.parse(text) as Partial<Record<keyof Marker, unknown>> | null;
  } catch {
    return fail("is not JSON: the store is damaged, or not Kylon's");
  }
  if (typeof value?.format !== 'number') return fail(`names no format: ${storeName} is damaged, or not Kylon's`);
  if (value.format !== format)
    return fail(`names format ${value.format}; this version of Kylon knows format ${format}: run the one that ${storeName} was used with`);
  if (typeof value.store !== 'string' || value.store === '') return fail('names no store');
  if (value.encryption !== undefined && value.encryption !== encryption)
    return fail(`names encryption ${JSON.stringify(value.encryption)}; this version of Kylon knows ${encryption}`);
  return { format, store: value.store, ...(value.encryption !== undefined && { encryption }) };
}

function fail(fault: string): never {
  throw new CatalogFault(markerKey, fault);
}
