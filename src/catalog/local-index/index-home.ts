/**
 * The index in a folder of the local disk: the blocks of a checkpoint as they came (block-file.ts), and above them LevelDB with all
 * changes since (level-kv.ts). A cold start so copies what it checks, and LevelDB, in which a million objects take longer than all
 * the rest, begins empty. Nothing is ever put from one into the other: that would save a look, of microseconds.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BlockFile } from './block-file.ts';
import { BlockWriter } from './block-writer.ts';
import type { Beneath } from './layers.ts';
import { deleted, Layers } from './layers.ts';
import type { LevelKv } from './level-kv.ts';
import { openLevel } from './level-kv.ts';
import type { Kv, KvDamaged, KvFilling, KvHome, KvOp, KvSnapshot } from './kv.ts';

export function indexHome(folder: string): KvHome {
  return {
    name: `the index folder ${folder}`,
    open: () => FolderKv.open(folder),
    destroy: () => rm(folder, { recursive: true, force: true }),
  };
}

const blocksIn = (folder: string) => join(folder, 'blocks');

class FolderKv extends Layers implements Kv {
  readonly damage: Promise<KvDamaged>;
  readonly #folder: string;
  readonly #changes: LevelKv;
  readonly #tell: (damage: KvDamaged) => void;
  #blocks: BlockFile | undefined;

  private constructor(folder: string, changes: LevelKv) {
    super(changes, () => this.#blocks);
    const { promise, resolve } = Promise.withResolvers<KvDamaged>();
    this.#folder = folder;
    this.#changes = changes;
    this.#tell = resolve;
    this.damage = Promise.race([promise, changes.damage]);
  }

  static async open(folder: string): Promise<FolderKv> {
    const kv = new FolderKv(folder, await openLevel(folder));
    try {
      if (existsSync(blocksIn(folder))) await kv.#openBlocks();
      return kv;
    } catch (error) {
      await kv.close();
      throw error;
    }
  }

  batch(ops: readonly KvOp[], options?: { readonly durable?: boolean }): Promise<void> {
    const blocks = this.#blocks;
    return this.#changes.batch(blocks ? ops.map((op) => above(blocks, op)) : ops, options);
  }

  snapshot(): KvSnapshot {
    return new FolderSnapshot(this.#changes.snapshot(), this.#blocks);
  }

  async fill(): Promise<KvFilling> {
    const writer = await BlockWriter.create(blocksIn(this.#folder));
    return {
      add: (block, lines) => writer.add(block, lines),
      end: async () => {
        await writer.end();
        await this.#openBlocks();
      },
      abandon: async () => {
        await this.#closeBlocks();
        await writer.abandon();
      },
    };
  }

  async close(): Promise<void> {
    await this.#changes.close();
    await this.#closeBlocks();
  }

  async #openBlocks(): Promise<void> {
    this.#blocks = await BlockFile.open(blocksIn(this.#folder), this.#tell);
  }

  async #closeBlocks(): Promise<void> {
    await this.#blocks?.close();
    this.#blocks = undefined;
  }
}

/** What has to be put above the blocks so that `op` is done. */
function above(blocks: Beneath, op: KvOp): KvOp {
  return op.type === 'del' && blocks.get(op.key) !== undefined ? { type: 'put', key: op.key, value: deleted } : op;
}

class FolderSnapshot extends Layers implements KvSnapshot {
  readonly #changes: KvSnapshot;

  constructor(changes: KvSnapshot, blocks: BlockFile | undefined) {
    super(changes, () => blocks);
    this.#changes = changes;
  }

  async close(): Promise<void> {
    await this.#changes.close();
  }
}
