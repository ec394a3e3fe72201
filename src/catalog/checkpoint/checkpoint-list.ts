/** Which checkpoints of a log there are, and whether one is of this log: a store that went back may hold some of a lost history. */
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreNotFound } from '../../objectstore/objectstore.ts';
import type { CheckpointHeader } from './checkpoint-format.ts';
import { CheckpointFault } from './checkpoint-frames.ts';
import { checkpointNumber, checkpointPrefix, segmentKey } from '../paths.ts';
import { openSegment, sha256 } from '../log/segment.ts';

export interface ListedCheckpoint {
  readonly key: string;
  /** The segment at which it stands, by its name. */
  readonly n: number;
  readonly size: number;
}

/** The oldest first. */
export async function listCheckpoints(store: ObjectStore, domain: string, signal: AbortSignal): Promise<readonly ListedCheckpoint[]> {
  const found: ListedCheckpoint[] = [];
  for await (const { key, size } of store.list(checkpointPrefix(domain), signal)) {
    const n = checkpointNumber(key);
    if (n !== undefined) found.push({ key, n, size });
  }
  return found;
}

/** Rejects with a CheckpointFault where the log is not the one that the checkpoint was made of. */
export async function checkHistory(
  store: ObjectStore,
  place: { readonly domain: string; readonly n: number },
  header: CheckpointHeader,
  signal: AbortSignal,
): Promise<void> {
  if (header.domain !== place.domain || header.n !== place.n)
    throw new CheckpointFault(`is of segment ${header.n} of domain ${header.domain}, which is not what its name says`);
  const key = segmentKey(place.domain, place.n);
  const segment = await store.read(key, signal).catch((error: unknown) => {
    if (error instanceof StoreNotFound) throw new CheckpointFault(`is ahead of the log, which does not have ${key}`, { cause: error });
    throw error;
  });
  if (sha256(segment) !== header.hash) throw new CheckpointFault(`is of another history: its hash of ${key} is not that of the log`);
  const { firstRV, count, features } = (await openSegment(segment, key, place)).header;
  const isSame = header.rv === firstRV + count - 1 && JSON.stringify(header.features) === JSON.stringify(features);
  if (!isSame || (count === 0 && header.jump !== firstRV)) throw new CheckpointFault(`does not stand where ${key} leads to`);
}
