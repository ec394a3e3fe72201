/**
 * Very many entries in a file that never changes: blocks in the order of their keys, then a list of the blocks, then where the list
 * begins and a checksum of it. What is read is checked against the checksum of its block.
 */
import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { messageOf } from '../../base/lifetime.ts';
import { RecentlyUsed } from '../../base/recently-used.ts';
import type { Block } from './block.ts';
import { unpackBlock, unpackNow } from './block.ts';
import { entryOf } from './index-keys.ts';
import type { Bounds } from './kv.ts';
import { KvDamaged } from './kv.ts';
import { compareText, firstFrom } from './text-order.ts';

/** Where a block lies, and what it is. */
export interface PlacedBlock {
  readonly firstKey: string;
  readonly offset: number;
  /** Bytes in the file. */
  readonly size: number;
  /** Bytes of its lines. */
  readonly length: number;
  readonly checksum: number;
}

/** Bytes of what stands behind the list: its offset and its checksum. */
const endBytes = 12;
const newline = '\n'.charCodeAt(0);
/** Bytes that are read in one go, unless a block has more. */
const pageBytes = 64 * 1024;
/** Bytes of lines that are kept. */
const recentBytes = 4 * 1024 * 1024;

export class BlockFile {
  readonly #handle: FileHandle;
  readonly #blocks: readonly PlacedBlock[];
  /** Is told what was found damaged. */
  readonly #tell: (damage: KvDamaged) => void;
  /** The lines of blocks, by their number: who reads one object often reads it again, or its neighbour. */
  readonly #recent = new RecentlyUsed<number, Buffer>(recentBytes, ({ length }) => length);

  private constructor(handle: FileHandle, blocks: readonly PlacedBlock[], tell: (damage: KvDamaged) => void) {
    this.#handle = handle;
    this.#blocks = blocks;
    this.#tell = tell;
  }

  /** Rejects with KvDamaged where it is not a whole file of blocks. */
  static async open(path: string, tell: (damage: KvDamaged) => void): Promise<BlockFile> {
    const handle = await open(path, 'r');
    try {
      return new BlockFile(handle, await listOf(handle), tell);
    } catch (error) {
      await handle.close();
      throw new KvDamaged(`${path} is damaged: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Throws KvDamaged. */
  get(key: string): string | undefined {
    const at = this.#blockOf(key);
    if (at === -1) return undefined;
    return valueIn(this.#recent.get(at) ?? this.#recent.put(at, this.#readNow(this.#blocks[at] as PlacedBlock)), key);
  }

  /** Whether there may be a key between the bounds. */
  reaches({ gte, lt }: Bounds): boolean {
    const at = Math.max(this.#blockOf(gte), 0);
    const block = this.#blocks[at];
    return block !== undefined && compareText(gte, lt) < 0 && compareText(block.firstKey, lt) < 0;
  }

  /** In order, in pages. Rejects with KvDamaged. */
  async *entries({ gte, lt }: Bounds): AsyncGenerator<readonly [string, string][]> {
    if (!this.reaches({ gte, lt })) return;
    const first = Math.max(this.#blockOf(gte), 0);
    const end = firstFrom(this.#blocks, ({ firstKey }) => compareText(firstKey, lt) >= 0);
    for await (const lines of this.#read(this.#blocks.slice(first, end))) {
      const page = entriesOf(lines);
      const isWithin = compareText(page[0]?.[0] ?? '', gte) >= 0 && compareText(page.at(-1)?.[0] ?? '', lt) < 0;
      yield isWithin ? page : page.filter(([key]) => compareText(key, gte) >= 0 && compareText(key, lt) < 0);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** The block that may have `key`; -1 where all lie behind it. */
  #blockOf(key: string): number {
    return firstFrom(this.#blocks, ({ firstKey }) => compareText(firstKey, key) > 0) - 1;
  }

  #readNow(block: PlacedBlock): Buffer {
    const packed = Buffer.allocUnsafe(block.size);
    const read = readSync(this.#handle.fd, packed, 0, block.size, block.offset);
    return this.#checked(block, packed.subarray(0, read), unpackNow);
  }

  async *#read(blocks: readonly PlacedBlock[]): AsyncGenerator<Buffer> {
    for (const some of inGoes(blocks)) {
      const start = some[0]?.offset ?? 0;
      const { buffer, bytesRead } = await this.#handle.read(Buffer.allocUnsafe(bytesOf(some)), { position: start });
      for (const block of some) {
        const packed = buffer.subarray(Math.min(block.offset - start, bytesRead), Math.min(block.offset - start + block.size, bytesRead));
        yield await this.#checked(block, packed, unpackBlock);
      }
    }
  }

  #checked<T>({ firstKey, size, length, checksum }: PlacedBlock, packed: Buffer, unpack: (block: Block) => T): T {
    if (packed.length === size && crc32(packed) === checksum) return unpack({ packed, length });
    const damage = new KvDamaged(`the block of ${JSON.stringify(firstKey)} is not what was put there`);
    this.#tell(damage);
    throw damage;
  }
}

/** In columns, which are read in a quarter of the time that an object for each block takes; no key has a newline. */
interface List {
  readonly firstKeys: string;
  readonly sizes: readonly number[];
  readonly lengths: readonly number[];
  readonly checksums: readonly number[];
}

/** What stands at the end of a file of these blocks. */
export function endOf(blocks: readonly PlacedBlock[]): Buffer {
  const columns: List = {
    firstKeys: blocks.map(({ firstKey }) => firstKey).join('\n'),
    sizes: blocks.map(({ size }) => size),
    lengths: blocks.map(({ length }) => length),
    checksums: blocks.map(({ checksum }) => checksum),
  };
  const list = Buffer.from(JSON.stringify(columns));
  const end = Buffer.alloc(endBytes);
  end.writeBigUInt64BE(BigInt(blocks.reduce((sum, { size }) => sum + size, 0)));
  end.writeUInt32BE(crc32(list), endBytes - 4);
  return Buffer.concat([list, end]);
}

async function listOf(handle: FileHandle): Promise<readonly PlacedBlock[]> {
  const { size: fileSize } = await handle.stat();
  const end = await bytesAt(handle, fileSize - endBytes, endBytes);
  const start = Number(end.readBigUInt64BE());
  const list = await bytesAt(handle, start, fileSize - endBytes - start);
  if (crc32(list) !== end.readUInt32BE(endBytes - 4)) throw new Error('its list does not have the checksum behind it');
  const { firstKeys, sizes, lengths, checksums } = JSON.parse(list.toString()) as List;
  const keys = firstKeys.split('\n');
  let offset = 0;
  return sizes.map((size, at) => {
    offset += size;
    return { firstKey: keys[at] ?? '', offset: offset - size, size, length: lengths[at] ?? 0, checksum: checksums[at] ?? 0 };
  });
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  if (position < 0 || length < 0) throw new Error('it is cut off');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), { position });
  if (bytesRead !== length) throw new Error('it is cut off');
  return buffer;
}

/** Neighbours that are read together. */
function* inGoes(blocks: readonly PlacedBlock[]): Generator<readonly PlacedBlock[]> {
  let some: PlacedBlock[] = [];
  for (const block of blocks) {
    some.push(block);
    if (bytesOf(some) < pageBytes) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

function bytesOf(blocks: readonly PlacedBlock[]): number {
  const [first, last] = [blocks[0], blocks.at(-1)];
  return first && last ? last.offset + last.size - first.offset : 0;
}

/** Each line as a string of its own: a part of a string keeps all of it, and who keeps one object would keep its whole block. */
function entriesOf(lines: Buffer): [string, string][] {
  const entries: [string, string][] = [];
  for (let start = 0, end = 0; start < lines.length; start = end + 1) {
    end = lines.indexOf(newline, start);
    entries.push(entryOf(lines.toString('utf8', start, end)));
  }
  return entries;
}

/** The value of `key` in some lines. No line holds a newline, and no value a NUL before it. */
function valueIn(lines: Buffer, key: string): string | undefined {
  const prefix = Buffer.from(`\n${key}\0`);
  const isFirst = lines.subarray(0, prefix.length - 1).equals(prefix.subarray(1));
  const at = isFirst ? -1 : lines.indexOf(prefix);
  if (!isFirst && at === -1) return undefined;
  const start = at + prefix.length;
  return lines.toString('utf8', start, lines.indexOf('\n', start));
}
