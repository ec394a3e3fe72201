/** The two sides of a comparison: the backup, and what it is compared with. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Place } from './token.ts';

/** One object of the other side. */
export interface Entry {
  /** Of an item; computed when it is asked for, because it takes a look into the object. */
  readonly key: string;
  readonly version: string;
  readonly kind: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether a backup would write it as the bytes with this hash; false where that is not known. */
  isBytes(sha256: string): boolean;
  /** Whether the backup would have taken it, had it been there. */
  isSelected(): boolean;
  read(signal: AbortSignal): Promise<ClusterObject>;
}

/** Neighbours in order of keys, and where they are found again. */
export interface Page extends Pick<Place, 'namespace' | 'page'> {
  readonly entries: readonly Entry[];
  /** The page behind it in the same list; empty where that is not known. */
  readonly next: string;
}

/** Nothing is known of these keys, from here on: what was saved there is not compared. */
export interface Gap {
  /** No smaller key is among them. */
  readonly start: string;
  readonly covers: (key: string) => boolean;
  readonly why: string;
}

export interface Side {
  /** The resources of which it may hold something, as `plural.group`. */
  readonly resources: readonly string[];
  /** What of a resource lies behind a place, or in front of it in the page of that place. */
  pages(resource: string, from: Place, signal: AbortSignal): AsyncIterable<Page | Gap>;
}

export const gapOf = (prefix: string, why: string): Gap => ({ start: prefix, covers: (key) => key.startsWith(prefix), why });

export const isGap = (found: Page | Gap): found is Gap => 'why' in found;
