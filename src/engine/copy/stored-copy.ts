/** Reads a copy of a volume: its entries by name or in order, and any bytes of its tar file. All of it is proved from the hash of the index on. */
import { RecentlyUsed } from '../../base/recently-used.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreDamaged, StoreNotFound, StoreRange } from '../../objectstore/objectstore.ts';
import { expand } from '../archive/compression.ts';
import type { CopyIndex, EntryBlock, EntryRecord, Member } from './copy-format.ts';
import {
  decodeMember,
  entriesFile,
  formatVersion,
  indexFile,
  memberRecordBytes,
  pageFile,
  pageMembers,
  sha256Of,
  volumeFile,
} from './copy-format.ts';

/** Of pages, of blocks and of members that were read, in bytes each. */
const mostKept = 4 << 20;
/** Longest index of the largest volume, expanded. */
const longestIndex = 256 << 20;
const longestBlock = 4 << 20;

/** Rejects with a StoreError; with StoreDamaged where something is missing, or is not what was written. */
export async function openCopy(store: ObjectStore, folder: string, handle: string, signal: AbortSignal): Promise<StoredCopy> {
  const key = indexFile(folder);
  const bytes = await store.read(key, signal).catch(asDamage(key));
  if (sha256Of(bytes) !== handle) throw new StoreDamaged(`${key}: it is not what was written`);
  const index = JSON.parse((await expand(bytes, key, longestIndex)).toString()) as CopyIndex;
  if (index.formatVersion !== formatVersion) throw new StoreDamaged(`${key}: it is of format ${index.formatVersion}, which is not known`);
  return new StoredCopy(store, folder, index);
}

export class StoredCopy {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #index: CopyIndex;
  readonly #pages = new RecentlyUsed<number, Buffer>(mostKept, (page) => page.length);
  readonly #members = new RecentlyUsed<number, Buffer>(mostKept, (member) => member.length);
  readonly #blocks = new RecentlyUsed<EntryBlock, readonly EntryRecord[]>(mostKept, (records) => records.length * 400);

  constructor(store: ObjectStore, folder: string, index: CopyIndex) {
    this.#store = store;
    this.#folder = folder;
    this.#index = index;
  }

  /** How many entries there are. */
  get count(): number {
    return this.#index.entries.count;
  }

  async find(key: string, signal: AbortSignal): Promise<EntryRecord | undefined> {
    const block = this.#index.entries.blocks[this.#blockOf(key)];
    return block && (await this.#read(block, signal)).find((record) => record.key === key);
  }

  /** Those whose keys begin with `prefix`, from the key `first` on, in order. */
  async *entries(prefix: string, first: string, signal: AbortSignal): AsyncGenerator<EntryRecord> {
    const { blocks } = this.#index.entries;
    for (let at = this.#blockOf(first); at < blocks.length; at++) {
      const block = blocks[at];
      if (!block || (block.first > prefix && !block.first.startsWith(prefix))) return;
      for (const record of await this.#read(block, signal)) if (record.key >= first && record.key.startsWith(prefix)) yield record;
    }
  }

  /** Bytes of the tar file, in constant memory: one member is read while the one before is taken. */
  async *bytes(start: number, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const size = this.#index.memberBytes;
    const end = Math.min(start + length, this.#index.tarBytes);
    let ahead: Promise<Buffer> | undefined;
    for (let at = start; at < end;) {
      const number = Math.floor(at / size);
      const current = ahead ?? this.#member(number, signal);
      ahead = (number + 1) * size < end ? this.#member(number + 1, signal) : undefined;
      // Looked at in its turn; until then it is nobody's fault.
      ahead?.catch(() => {});
      const part = (await current).subarray(at - number * size, end - number * size);
      yield part;
      at += part.length;
    }
  }

  /** The first one that may hold the key, or what comes behind it. */
  #blockOf(key: string): number {
    const { blocks } = this.#index.entries;
    let [low, high] = [0, blocks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((blocks[middle]?.last ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #read(block: EntryBlock, signal: AbortSignal): Promise<readonly EntryRecord[]> {
    const known = this.#blocks.get(block);
    if (known) return known;
    const { offset: start, length, sha256 } = block;
    const key = entriesFile(this.#folder);
    const bytes = await this.#store.read(key, signal, { start, length }).catch(asDamage(key));
    if (sha256Of(bytes) !== sha256) throw new StoreDamaged(`${key}: the block at ${start} is not what was written`);
    const lines = (await expand(bytes, key, longestBlock)).toString().split('\n').slice(0, -1);
    return this.#blocks.put(block, JSON.parse(`[${lines.join(',')}]`) as EntryRecord[]);
  }

  async #member(number: number, signal: AbortSignal): Promise<Buffer> {
    const known = this.#members.get(number);
    if (known) return known;
    const { offset: start, length, sha256 } = await this.#place(number, signal);
    const key = volumeFile(this.#folder);
    const bytes = await this.#store.read(key, signal, { start, length }).catch(asDamage(key));
    if (sha256Of(bytes) !== sha256.toString('hex')) throw new StoreDamaged(`${key}: the member at ${start} is not what was written`);
    return this.#members.put(number, await expand(bytes, key, this.#index.memberBytes));
  }

  async #place(number: number, signal: AbortSignal): Promise<Member> {
    const page = Math.floor(number / pageMembers);
    return decodeMember(this.#pages.get(page) ?? (await this.#readPage(page, signal)), number % pageMembers);
  }

  async #readPage(page: number, signal: AbortSignal): Promise<Buffer> {
    const key = pageFile(this.#folder, page);
    const bytes = Buffer.from(await this.#store.read(key, signal).catch(asDamage(key)));
    if (sha256Of(bytes) !== this.#index.pages[page] || bytes.length % memberRecordBytes !== 0)
      throw new StoreDamaged(`${key}: it is not what was written`);
    return this.#pages.put(page, bytes);
  }
}

function asDamage(key: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof StoreNotFound || error instanceof StoreRange)
      throw new StoreDamaged(`${key}: it is missing, or a part of it is`, { cause: error });
    throw error;
  };
}
