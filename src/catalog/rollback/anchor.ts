/**
 * What a replica remembers of the log, apart from the index: so that a store which has gone back is noticed though the index was
 * lost with its disk. It may lag behind; it is never ahead of the log.
 */
import type { Seen } from './rollback.ts';

export interface AnchorPoint extends Seen {
  /** The UUID of the store's marker. */
  readonly store: string;
}

export interface Anchor {
  /** Undefined where nothing was remembered. Rejects where that cannot be known. */
  read(signal: AbortSignal): Promise<AnchorPoint | undefined>;
  /** All or nothing; it lasts. */
  write(point: AnchorPoint, signal: AbortSignal): Promise<void>;
}
