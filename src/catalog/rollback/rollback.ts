/**
 * Notices a store that has gone back: restored from an older copy, emptied, or eaten by a rule that deletes old objects. Numbers
 * that clients have seen would be given out again, so everything is refused until an operator has looked.
 */
import { CatalogFault } from '../fault.ts';
import type { SegmentLog } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import { openSegment, sha256 } from '../log/segment.ts';

/** A point of the log that this process, or one before it, has seen. */
export interface Seen {
  readonly n: number;
  /** SHA-256 of segment n. */
  readonly hash: string;
  readonly rv: number;
}

/** Says what is wrong, where, and what to do. */
export class RolledBack extends CatalogFault {
  override readonly name = 'RolledBack';
  constructor(object: string, fault: string, place: { readonly storeName: string; readonly domain: string }) {
    super(object, `${fault} (${place.storeName}); ${remedyOf(place.domain)}`);
  }
}

function remedyOf(domain: string): string {
  return `restore the missing objects, or stop all replicas and run "kylon store accept-rollback URL --domain ${domain}"`;
}

/** What the log has lost of what was seen of it; undefined where it is all there. */
export async function lossOf(segments: SegmentLog, { n, hash }: Seen): Promise<RolledBack | undefined> {
  if (n === 0) return undefined;
  const bytes = await segments.read(n);
  if (bytes !== undefined && sha256(bytes) === hash) return undefined;
  const fault =
    bytes === undefined
      ? 'is missing, but was seen here: the store was rolled back to an older state, or segments were deleted'
      : 'is not the segment that was seen here: it was damaged, or the store was rolled back and written anew';
  return new RolledBack(segments.key(n), fault, segments);
}

/** The first segment behind number `from`, up to `to`, that the log has lost. */
export async function gapOf(segments: SegmentLog, from: number, to: number): Promise<RolledBack | undefined> {
  const missing = to > from ? await segments.firstMissing(from, to) : undefined;
  if (missing === undefined) return undefined;
  const proof = missing === to ? 'was seen here' : `segment ${to} is there`;
  const fault = `is missing, but ${proof}: the store was rolled back to an older state, or segments were deleted`;
  return new RolledBack(segments.key(missing), fault, segments);
}

/** False where an operator has accepted since that what was seen is lost; rejects with RolledBack where nobody has. */
export async function isKept(segments: SegmentLog, seen: Seen): Promise<boolean> {
  const loss = await lossOf(segments, seen);
  if (loss === undefined) return true;
  if (await isAccepted(segments, seen.rv)) return false;
  throw loss;
}

/** Whether the log jumps over number `rv`: then no number up to it is given out again. */
export async function isAccepted(segments: SegmentLog, rv: number): Promise<boolean> {
  for (let n = await segments.lastFilled(); n > 0; n--) {
    const header = await headerOf(segments, n);
    if (header === undefined || header.firstRV <= rv) return false;
    if (header.count === 0) return true;
  }
  return false;
}

/** Undefined where there is none, or none that can be read. */
export async function headerOf(segments: SegmentLog, n: number): Promise<Segment['header'] | undefined> {
  const bytes = await segments.read(n);
  if (bytes === undefined) return undefined;
  try {
    return (await openSegment(bytes, segments.key(n), { domain: segments.domain, n })).header;
  } catch (error) {
    if (error instanceof CatalogFault) return undefined;
    throw error;
  }
}

/**
 * The first segment that the log has. Rejects where it has lost those before, unless that was accepted after it happened: then it
 * jumps behind them to `jump`.
 */
async function checkFront(segments: SegmentLog, jump: number): Promise<number> {
  const first = await segments.nextListed(0);
  if (first === undefined || first === 1) return 1;
  const header = await headerOf(segments, first);
  // The jump itself has no changes; the segment behind it begins with the same number.
  if (header === undefined || header.firstRV + header.count > jump) throw eatenUpTo(segments, first);
  return first;
}

/** Segments behind which a gap is not looked for at the start: it takes a request for a thousand. */
const mostListed = 10_000;

/** Rejects with RolledBack where the log has lost its first segments, or some of the newest. */
export async function checkWhole(segments: SegmentLog, { n, jump }: { readonly n: number; readonly jump: number }): Promise<void> {
  const first = await checkFront(segments, jump);
  const gap = await gapOf(segments, Math.max(first, n - mostListed), n);
  if (gap !== undefined) throw gap;
}

/** The fault of a log whose first segment is `first`. */
export function eatenUpTo(segments: SegmentLog, first: number): RolledBack {
  const fault = `is missing, but segment ${first} is there: old objects were deleted, as a lifecycle rule of the bucket does; remove the rule`;
  return new RolledBack(segments.key(1), fault, segments);
}
