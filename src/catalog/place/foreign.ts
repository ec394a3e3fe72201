/** Refuses a place that holds somebody else's things: among them nobody could tell later what belongs to whom. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { probePrefix } from '../../objectstore/probe/probe.ts';
import { CatalogFault } from '../fault.ts';
import { dataPrefix, markerKey } from '../paths.ts';

/** Of a store without a marker. Rejects with a CatalogFault where there is something that Kylon has not made. */
export async function refuseForeign(store: ObjectStore, signal: AbortSignal): Promise<void> {
  const foreign = await firstForeign(store, signal);
  if (foreign === undefined) return;
  const remedy = 'give Kylon an empty place, or a prefix of its own in this one';
  throw new CatalogFault(markerKey, `is missing, and ${store.name} holds "${foreign}", which Kylon has not made: ${remedy}`);
}

async function firstForeign(store: ObjectStore, signal: AbortSignal): Promise<string | undefined> {
  for await (const { key } of store.list('', signal)) {
    // Another process may be making both at this moment; and whose the data is was asked before.
    if (key === markerKey || key.startsWith(dataPrefix)) return undefined;
    if (!key.startsWith(probePrefix)) return key;
  }
  return undefined;
}
