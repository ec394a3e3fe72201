/** Packs the entries of a tar file into gzip members that can be read one by one. */
import { hash } from 'node:crypto';
import type { NewItem } from './archive.ts';
import { compress } from './compression.ts';
import { keyOf } from './item-key.ts';
import type { ItemRecord } from './item-record.ts';
import { paddingOf, tarHeader } from '../../base/tar.ts';

/** A member on its way through the thread pool. */
export interface Member {
  readonly compressed: Promise<Buffer>;
  readonly items: readonly PackedItem[];
}

export type PackedItem = Omit<ItemRecord, 'member'>;

/** Small enough that one item costs little to read, large enough that compression is hardly worse than of the whole. */
const rawBytes = 64 << 10;

export class MemberPacker {
  #parts: Uint8Array[] = [];
  #items: PackedItem[] = [];
  #size = 0;

  /** Adds an item; hands out the member that is full now, if one is. An item that is larger than a member has one of its own. */
  add(item: NewItem): Member | undefined {
    const key = keyOf(item);
    const { manifest } = item;
    const header = tarHeader(`resources/${key}.json`, manifest.length);
    const padding = paddingOf(manifest.length);
    const size = header.length + manifest.length + padding;
    const full = this.#size > 0 && this.#size + size > rawBytes ? this.seal() : undefined;
    this.#items.push({
      key,
      version: item.version,
      kind: item.kind,
      uid: item.uid,
      labels: item.labels,
      bytes: manifest.length,
      sha256: hash('sha256', manifest),
      at: this.#size + header.length,
    });
    this.#parts.push(header, manifest, zeros.subarray(0, padding));
    this.#size += size;
    return full;
  }

  /** What has been added since the last member; undefined if nothing has. */
  seal(): Member | undefined {
    if (this.#size === 0) return undefined;
    const compressed = compress(Buffer.concat(this.#parts, this.#size));
    compressed.catch(() => {});
    const member = { compressed, items: this.#items };
    this.#parts = [];
    this.#items = [];
    this.#size = 0;
    return member;
  }
}

const zeros = new Uint8Array(512);
