/** One line of the items file: what an item is, and where its manifest lies in the archive. */
import type { Item } from '../../resources/services.ts';
import { parseKey } from './item-key.ts';

export interface ItemRecord {
  readonly key: string;
  readonly version: string;
  readonly kind: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the manifest. */
  readonly bytes: number;
  readonly sha256: string;
  /** Offset and length in the archive of the gzip member that holds the manifest. */
  readonly member: readonly [offset: number, length: number];
  /** Where in that member, expanded, the manifest begins. */
  readonly at: number;
}

export function itemOf({ key, version, kind, uid, labels, bytes, sha256 }: ItemRecord): Item {
  return { ...parseKey(key), version, kind, uid, labels, bytes, sha256 };
}
