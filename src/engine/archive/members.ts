/** Packs the entries of a tar file into gzip members that can be read one by one. */
import { hash } from 'node:crypto';
import type { NewItem } from './archive.ts';
import { compress } from './compression.ts';
import { keyOf } from './item-key.ts';
import type { ItemRecord } from './item-record.ts';
import { blockBytes, paddingOf, tarHeader } from '../../base/tar.ts';

/** A member on its way through the thread pool. */
export interface Member {
  readonly compressed: Promise<Buffer>;
  readonly items: readonly PackedItem[];
}

export type PackedItem = Omit<ItemRecord, 'member'>;

/** Small enough that one item costs little to read, large enough that compression is hardly worse than of the whole. */
const rawBytes = 64 << 10;

export class MemberPacker {
  /** Memory of members that are compressed: to allocate it anew for each would keep the garbage collector busy. */
  readonly #spare: Buffer[] = [];
  /** Of the item that is added. */
  readonly #header = Buffer.allocUnsafeSlow(blockBytes);
  /** The member that is being filled. */
  #raw: Buffer = Buffer.allocUnsafeSlow(rawBytes);
  #items: PackedItem[] = [];
  #size = 0;

  /** Adds an item; hands out the member that is full now, if one is. An item that is larger than a member has one of its own. */
  add(item: NewItem): Member | undefined {
    const key = keyOf(item);
    const bytes = item.manifest.reduce((sum, { length }) => sum + length, 0);
    const header = tarHeader(`resources/${key}.json`, bytes, this.#header);
    const full = this.#makeRoom(header.length + bytes + paddingOf(bytes));
    const at = this.#size + header.length;
    for (const piece of [header, ...item.manifest]) this.#append(piece);
    const sha256 = hash('sha256', this.#raw.subarray(at, at + bytes));
    this.#raw.fill(0, this.#size, (this.#size += paddingOf(bytes)));
    this.#items.push({ key, version: item.version, kind: item.kind, uid: item.uid, labels: item.labels, bytes, sha256, at });
    return full;
  }

  /** What has been added since the last member; undefined if nothing has. */
  seal(): Member | undefined {
    if (this.#size === 0) return undefined;
    const member = { compressed: this.#compress(this.#raw, this.#size), items: this.#items };
    member.compressed.catch(() => {});
    this.#raw = this.#spare.pop() ?? Buffer.allocUnsafeSlow(rawBytes);
    this.#items = [];
    this.#size = 0;
    return member;
  }

  #makeRoom(size: number): Member | undefined {
    if (this.#size + size <= this.#raw.length) return undefined;
    const full = this.seal();
    if (size <= this.#raw.length) return full;
    this.#spare.push(this.#raw);
    this.#raw = Buffer.allocUnsafeSlow(size);
    return full;
  }

  #append(piece: Uint8Array): void {
    this.#raw.set(piece, this.#size);
    this.#size += piece.length;
  }

  async #compress(raw: Buffer, size: number): Promise<Buffer> {
    const compressed = await compress(raw.subarray(0, size));
    if (raw.length === rawBytes) this.#spare.push(raw);
    return compressed;
  }
}
