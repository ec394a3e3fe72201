/** An index that agrees with the log. */
import type { Identity } from './index-meta.ts';
import type { IndexStore } from './index-store.ts';
import { openIndex } from './index-store.ts';
import type { KvHome } from './kv.ts';
import type { SegmentLog } from '../log/log.ts';
import { isKept } from '../rollback/rollback.ts';

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
