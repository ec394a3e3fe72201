/** What lies beyond the end of a log: it shows that the log once went further. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { listCheckpoints } from '../checkpoint/checkpoint-list.ts';
import type { Follower } from '../log/follower.ts';
import type { SegmentLog } from '../log/log.ts';
import { logPrefix, segmentKey, segmentNumber } from '../paths.ts';
import { RolledBack } from './rollback.ts';
import type { State } from '../state/state.ts';

export interface End {
  readonly segments: SegmentLog;
  readonly state: State;
  readonly follower: Follower;
}

/** Follows the log once more where a checkpoint is ahead of it. Rejects with RolledBack where it still is. */
export async function checkNotOvertaken(store: ObjectStore, { segments, state, follower }: End, signal: AbortSignal): Promise<void> {
  const newest = (await listCheckpoints(store, segments.domain, signal)).at(-1);
  if (newest === undefined || newest.n <= state.head.n) return;
  await follower.start();
  const fault = `is missing, but ${newest.key} was made of later ones: the store was rolled back to an older state`;
  if (newest.n > state.head.n) throw new RolledBack(segments.key(state.head.n + 1), fault, segments);
}

/** The keys of the segments after number `n`. */
export async function segmentsBeyond(store: ObjectStore, domain: string, n: number, signal: AbortSignal): Promise<readonly string[]> {
  const keys: string[] = [];
  const listed = store.list(logPrefix(domain), signal, n === 0 ? undefined : segmentKey(domain, n));
  for await (const { key } of listed) if ((segmentNumber(key) ?? 0) > n) keys.push(key);
  return keys;
}

/** The keys of the segments in front of the last gap up to number `n`, which a checkpoint has bridged. */
export async function segmentsBeforeGap(store: ObjectStore, domain: string, n: number, signal: AbortSignal): Promise<readonly string[]> {
  const keys: string[] = [];
  let [last, whole] = [0, 0];
  for await (const { key } of store.list(logPrefix(domain), signal)) {
    const number = segmentNumber(key) ?? 0;
    if (number === 0 || number > n) continue;
    if (number !== last + 1) whole = keys.length;
    last = number;
    keys.push(key);
  }
  return keys.slice(0, whole);
}

/** The keys of the checkpoints that were made at a segment after `n`, the oldest first. */
export async function checkpointsBeyond(store: ObjectStore, domain: string, n: number, signal: AbortSignal): Promise<readonly string[]> {
  return (await listCheckpoints(store, domain, signal)).filter((one) => one.n > n).map(({ key }) => key);
}
