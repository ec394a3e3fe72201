/** The items of one resource that a restore takes, out of the archive. */
import { parseExactly } from '../../base/exact-json.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Item } from '../../resources/services.ts';
import type { ArchiveDamaged } from '../archive/archive.ts';
import type { Restoration } from './restoration.ts';

export interface Entry {
  readonly item: Item;
  readonly manifest: Uint8Array;
  /** Among the items of its resource in the archive, taken or not, from 0. */
  readonly place: number;
}

/** `onDamage` is told of each item that cannot be read. */
export async function* savedItems(
  { reader, choice, work }: Pick<Restoration, 'reader' | 'choice' | 'work'>,
  resource: string,
  onDamage: (item: Item, damage: ArchiveDamaged) => void = () => {},
): AsyncIterable<Entry> {
  let next = 0;
  const entries = reader.entries(resource, work.signal, (item, damage) => {
    next += 1;
    if (choice.takes(item)) onDamage(item, damage);
  });
  for await (const { item, manifest } of entries) {
    const place = next++;
    if (choice.takes(item)) yield { item, manifest, place };
  }
}

export function objectOf(manifest: Uint8Array): ClusterObject {
  return parseExactly(Buffer.from(manifest.buffer, manifest.byteOffset, manifest.length).toString()) as ClusterObject;
}
