/** Forgets history that nobody may ask for any more: in small pieces, each together with a segment that is applied. */
import type { Head } from './apply.ts';
import type { ChangeTimes } from './change-times.ts';
import { historyKey, versionKey } from '../local-index/index-keys.ts';
import type { IndexStore } from '../local-index/index-store.ts';
import type { HistoryEntry } from '../local-index/index-view.ts';
import type { KvOp } from '../local-index/kv.ts';

/** What is kept at least: both so many changes and so long. */
export interface HistoryWindow {
  readonly changes: number;
  readonly milliseconds: number;
  /** How many changes are forgotten at once: more than a segment adds, so that history shrinks to the window. */
  readonly piece?: number;
}

const usualPiece = 1000;

export interface Pruning {
  readonly ops: readonly KvOp[];
  readonly horizon: number;
}

/** What to remove from the index after the segment that leads to `head`, and the horizon that this leaves. */
export async function pruneOf(
  index: IndexStore,
  head: Head,
  window: HistoryWindow,
  times: Pick<ChangeTimes, 'now' | 'trueTimeOf'>,
): Promise<Pruning> {
  const { piece = usualPiece } = window;
  const surplus = head.rv - window.changes - head.horizon;
  if (surplus < piece) return { ops: [], horizon: head.horizon };
  const view = index.view();
  try {
    const oldTime = times.now() - window.milliseconds;
    const isOld = (entry: HistoryEntry) => times.trueTimeOf(entry) <= oldTime;
    const [first] = await view.changes(head.horizon, 1);
    const oldest = first !== undefined && isOld(first) ? await view.changes(head.horizon, piece) : [];
    const young = oldest.findIndex((entry) => !isOld(entry));
    const old = young === -1 ? oldest : oldest.slice(0, young);
    return { ops: old.flatMap(removalOf), horizon: old.at(-1)?.rv ?? head.horizon };
  } finally {
    await view.close();
  }
}

/** Removes all history: between the numbers before a jump and those after it there is no way. */
export async function forgetAll(index: IndexStore, { horizon }: Head): Promise<Pruning> {
  const view = index.view();
  try {
    const ops: KvOp[] = [];
    for await (const keys of view.historyKeys()) for (const key of keys) ops.push({ type: 'del', key });
    return { ops, horizon };
  } finally {
    await view.close();
  }
}

/** A change, and the state that it ended. */
function removalOf({ rv, prev, key }: HistoryEntry): readonly KvOp[] {
  const change: KvOp = { type: 'del', key: historyKey(rv) };
  return prev === 0 ? [change] : [change, { type: 'del', key: versionKey(key, prev) }];
}
