/**
 * Notices a store that has gone back: restored from an older copy, emptied, or eaten by a rule that deletes old objects. Numbers
 * that clients have seen would be given out again, so everything is refused until an operator has looked.
 */
import { CatalogFault } from './fault.ts';
import type { SegmentLog } from './log.ts';
import { sha256 } from './segment.ts';

/** A point of the log that this process, or one before it, has seen. */
export interface Seen {
  readonly n: number;
  /** SHA-256 of segment n. */
  readonly hash: string;
  readonly rv: number;
}

/** Rejects with a CatalogFault where the log does not have what was seen of it. */
export async function checkSeen(segments: SegmentLog, { n, hash }: Seen): Promise<void> {
  if (n === 0) return;
  const bytes = await segments.read(n);
  const key = segments.key(n);
  if (bytes === undefined)
    throw new CatalogFault(key, `is missing, but the index has it: the store was rolled back to an older state, or segments were deleted`);
  if (sha256(bytes) !== hash)
    throw new CatalogFault(key, `is not the segment that the index has: it was damaged, or the store was rolled back and written anew`);
}
