/** An index that agrees with the log. */
import { CatalogFault, ForkedLog } from '../fault.ts';
import type { AnchorPoint } from '../rollback/anchor.ts';
import { metaKey } from './index-keys.ts';
import type { Identity } from './index-meta.ts';
import { pointOf } from './index-meta.ts';
import type { IndexStore } from './index-store.ts';
import { openIndex } from './index-store.ts';
import type { KvHome } from './kv.ts';
import { KvDamaged } from './kv.ts';
import type { SegmentLog } from '../log/log.ts';
import { isKept, RolledBack } from '../rollback/rollback.ts';

/**
 * Opens the index at `home`; one that stands at what an accepted roll-back has taken is begun anew. Rejects with RolledBack where
 * the log does not have what the index was made from; the index is left as it is then, because it may be all that is left.
 */
export async function openFittingIndex(home: KvHome, identity: Identity, segments: SegmentLog): Promise<IndexStore> {
  const index = await openIndex(home, identity);
  try {
    if (index.found === undefined || (await isKept(segments, index.found))) return index;
  } catch (error) {
    await index.close();
    throw error;
  }
  await index.close();
  await home.destroy();
  return openIndex(home, identity);
}

/** Up to where an index of `domain` has seen a log, of whatever store; undefined where there is none that can be read. */
export async function rememberedBy(home: KvHome, domain: string): Promise<AnchorPoint | undefined> {
  const kv = await home.open().catch((error: unknown) => {
    if (!(error instanceof KvDamaged)) throw error;
  });
  try {
    const meta = kv?.get(metaKey);
    return meta === undefined ? undefined : pointOf(meta, domain);
  } catch {
    return undefined;
  } finally {
    await kv?.close();
  }
}

/** The log does not follow on an index that was kept. It may be the index that is wrong: that one is not used again. */
export class DoubtfulIndex extends Error {
  override readonly name = 'DoubtfulIndex';
}

/** Rejects: with DoubtfulIndex where it is worth to begin with an empty index, else with `error`. */
export async function doubt(error: unknown, index: IndexStore): Promise<never> {
  const isLogAtFault = !(error instanceof CatalogFault) || error instanceof RolledBack || error instanceof ForkedLog;
  if (index.found === undefined || isLogAtFault) throw error;
  await index.condemn();
  throw new DoubtfulIndex(error.message, { cause: error });
}
