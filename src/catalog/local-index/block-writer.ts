/** Writes a file of blocks. It has its name only when it is whole and on the disk. */
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncFolder } from '../../objectstore/folders.ts';
import type { Block } from './block.ts';
import type { PlacedBlock } from './block-file.ts';
import { endOf } from './block-file.ts';
import { entryOf } from './index-keys.ts';
import { compareText } from './text-order.ts';

/** Bytes that are written in one go. */
const pieceBytes = 1024 * 1024;

export class BlockWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #blocks: PlacedBlock[] = [];
  #offset = 0;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** In place of one that was left half-written. */
  static async create(path: string): Promise<BlockWriter> {
    return new BlockWriter(path, await open(partOf(path), 'w'));
  }

  /** `lines` are what the block holds. Rejects where it does not lie behind the one before. */
  async add({ packed, length }: Block, lines: Buffer): Promise<void> {
    const [firstKey] = entryOf(lines.toString('utf8', 0, lines.indexOf('\n')));
    const before = this.#blocks.at(-1);
    if (before && compareText(before.firstKey, firstKey) >= 0) throw new Error('a block is not in the order of the keys');
    this.#blocks.push({ firstKey, offset: this.#offset, size: packed.length, length, checksum: crc32(packed) });
    this.#offset += packed.length;
    await this.#write(packed);
  }

  /** The file is whole and has its name, whatever happens to the machine. */
  async end(): Promise<void> {
    await this.#write(endOf(this.#blocks));
    await this.#flush();
    await this.#handle.sync();
    await this.#handle.close();
    await rename(partOf(this.#path), this.#path);
    await syncFolder(dirname(this.#path));
  }

  /** Leaves nothing of it, half-written or whole. */
  async abandon(): Promise<void> {
    await this.#handle.close();
    await rm(partOf(this.#path), { force: true });
    await rm(this.#path, { force: true });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= pieceBytes) await this.#flush();
  }

  async #flush(): Promise<void> {
    const waiting = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#handle.writeFile(waiting);
  }
}

const partOf = (path: string) => `${path}.part`;
