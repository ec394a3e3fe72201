/** Entries in LevelDB, in a folder of the local disk. */
import { rm } from 'node:fs/promises';
import { Level } from 'level';
import { messageOf } from '../base/lifetime.ts';
import type { Bounds, Kv, KvHome, KvOp, KvReader, KvSnapshot } from './kv.ts';
import { KvDamaged } from './kv.ts';

/** Entries and bytes that are read in one go. */
const pageEntries = 1000;
const pageBytes = 1024 * 1024;

export function levelFolder(folder: string): KvHome {
  return {
    name: `the index folder ${folder}`,
    open: async () => new LevelKv(await openLevel(folder)),
    destroy: () => rm(folder, { recursive: true, force: true }),
  };
}

async function openLevel(folder: string): Promise<Level> {
  const db = new Level(folder);
  try {
    await db.open();
    return db;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'LEVEL_LOCKED')
      throw new Error(`the index folder ${folder} is in use by another process: end that one, or use another folder`, { cause: error });
    const message = `the index folder ${folder} cannot be opened: ${messageOf(cause ?? error)}`;
    throw code === 'LEVEL_CORRUPTION' ? new KvDamaged(message, { cause: error }) : new Error(message, { cause: error });
  }
}

type Snapshot = ReturnType<Level['snapshot']>;

class LevelReader implements KvReader {
  protected readonly db: Level;
  readonly #snapshot: Snapshot | undefined;

  constructor(db: Level, snapshot: Snapshot | undefined) {
    this.db = db;
    this.#snapshot = snapshot;
  }

  get(key: string): string | undefined {
    return this.db.getSync(key, { snapshot: this.#snapshot });
  }

  async *entries(bounds: Bounds, limit = -1): AsyncGenerator<readonly [string, string][]> {
    const iterator = this.db.iterator({ ...bounds, limit, snapshot: this.#snapshot, highWaterMarkBytes: pageBytes });
    try {
      for (let page = await iterator.nextv(pageEntries); page.length > 0; page = await iterator.nextv(pageEntries)) yield page;
    } finally {
      await iterator.close();
    }
  }

  async *keys(bounds: Bounds): AsyncGenerator<readonly string[]> {
    const iterator = this.db.keys({ ...bounds, snapshot: this.#snapshot, highWaterMarkBytes: pageBytes });
    try {
      for (let page = await iterator.nextv(pageEntries); page.length > 0; page = await iterator.nextv(pageEntries)) yield page;
    } finally {
      await iterator.close();
    }
  }
}

class LevelKv extends LevelReader implements Kv {
  constructor(db: Level) {
    super(db, undefined);
  }

  async batch(ops: readonly KvOp[], { durable = false } = {}): Promise<void> {
    await this.db.batch([...ops], { sync: durable });
  }

  snapshot(): KvSnapshot {
    return new LevelSnapshot(this.db, this.db.snapshot());
  }

  async close(): Promise<void> {
    await this.db.close();
  }
}

class LevelSnapshot extends LevelReader implements KvSnapshot {
  readonly #own: Snapshot;

  constructor(db: Level, snapshot: Snapshot) {
    super(db, snapshot);
    this.#own = snapshot;
  }

  async close(): Promise<void> {
    await this.#own.close();
  }
}
