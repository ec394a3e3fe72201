/** The store of a URL alone, without what Kylon puts around it. */
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import type { ObjectStore } from '../src/objectstore/objectstore.ts';
import { providers } from '../src/objectstore/providers.ts';

export async function bareStore(address: string): Promise<ObjectStore> {
  const parts = { clock: systemClock, ids: randomIds, log: createLog('warn'), env: process.env };
  const url = new URL(address);
  const store = await providers.find(({ scheme }) => url.protocol === `${scheme}:`)?.open(url, parts, AbortSignal.any([]));
  if (!store) throw new Error(`no store at ${address}`);
  return store;
}
