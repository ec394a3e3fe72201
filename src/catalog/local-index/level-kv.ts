/**
 * Entries in LevelDB, in the folder `changes` of the index folder. LevelDB does not check what it reads against its own checksums, and the binding
 * has no option for it; so every value has a checksum of key and value in front.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Level } from 'level';
import { messageOf } from '../../base/lifetime.ts';
import type { Bounds, Kv, KvOp, KvReader, KvSnapshot } from './kv.ts';
import { KvDamaged } from './kv.ts';

/** Entries and bytes that are read in one go. */
const pageEntries = 1000;
const pageBytes = 256 * 1024;
/**
 * What LevelDB holds in its log at most before it goes into a table: twice, since there may be two logs. index-check.ts builds on
 * it. This and all other sizes are LevelDB's own: with a million objects, others made nothing faster (bench/million.ts).
 */
const writeBufferSize = 4 * 1024 * 1024;
/** Sorts behind every key. */
const behindAll = '\u{10ffff}';

/** What `level` is in Node.js. */
interface ClassicLevel extends Level {
  compactRange(start: string, end: string): Promise<void>;
}

/** In the index folder `folder`; begins one where there is none. Rejects as KvHome.open. */
export async function openLevel(folder: string): Promise<LevelKv> {
  const db = new Level(join(folder, 'changes'), { writeBufferSize }) as ClassicLevel;
  try {
    await db.open();
    return new LevelKv(db);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'LEVEL_LOCKED')
      throw new Error(`the index folder ${folder} is in use by another process: end that one, or use another folder with --data`, {
        cause: error,
      });
    const message = `the index folder ${folder} cannot be opened: ${messageOf(cause ?? error)}`;
    throw code === 'LEVEL_CORRUPTION' ? new KvDamaged(message, { cause: error }) : new Error(message, { cause: error });
  }
}

type Snapshot = ReturnType<Level['snapshot']>;
type TellDamage = (damage: KvDamaged) => void;

/** Hexadecimal digits of a checksum. */
const checksumLength = 8;
/** The digits of each byte: a million checksums are made of them in a fifth of the time that toString and padStart take. */
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function checksumOf(key: string, value: string): string {
  const sum = crc32(value, crc32(key));
  return `${digits[sum >>> 24]}${digits[(sum >>> 16) & 255]}${digits[(sum >>> 8) & 255]}${digits[sum & 255]}`;
}

class LevelReader implements KvReader {
  protected readonly db: ClassicLevel;
  protected readonly tell: TellDamage;
  readonly #snapshot: Snapshot | undefined;

  constructor(db: ClassicLevel, tell: TellDamage, snapshot: Snapshot | undefined) {
    this.db = db;
    this.tell = tell;
    this.#snapshot = snapshot;
  }

  get(key: string): string | undefined {
    const kept = this.db.getSync(key, { snapshot: this.#snapshot });
    return kept === undefined ? undefined : this.#checked(key, kept);
  }

  async *entries(bounds: Bounds, limit = -1): AsyncGenerator<readonly [string, string][]> {
    const iterator = this.db.iterator({ ...bounds, limit, snapshot: this.#snapshot, highWaterMarkBytes: pageBytes });
    try {
      for (let page = await iterator.nextv(pageEntries); page.length > 0; page = await iterator.nextv(pageEntries))
        yield this.#checkedPage(page);
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

  #checkedPage(page: [string, string][]): [string, string][] {
    for (const entry of page) entry[1] = this.#checked(entry[0], entry[1]);
    return page;
  }

  #checked(key: string, kept: string): string {
    const value = kept.slice(checksumLength);
    if (kept.startsWith(checksumOf(key, value))) return value;
    const damage = new KvDamaged(`the entry ${JSON.stringify(key)} is not what was put there`);
    this.tell(damage);
    throw damage;
  }
}

export class LevelKv extends LevelReader implements Omit<Kv, 'fill'> {
  readonly damage: Promise<KvDamaged>;

  constructor(db: ClassicLevel) {
    const { promise, resolve } = Promise.withResolvers<KvDamaged>();
    super(db, resolve, undefined);
    this.damage = promise;
  }

  async batch(ops: readonly KvOp[], { durable = false } = {}): Promise<void> {
    // One operation after another into the binding: as an array they take it half as long again.
    const batch = this.db.batch();
    for (const op of ops) {
      if (op.type === 'del') batch.del(op.key);
      else batch.put(op.key, checksumOf(op.key, op.value) + op.value);
    }
    await batch.write({ sync: durable });
    // The sync was of the log in use; the one before, which may not be in tables yet, is not. Of a range without entries there is
    // nothing to compact, but before LevelDB sees that, it puts everything into tables, durably.
    if (durable) await this.db.compactRange(behindAll, behindAll);
  }

  snapshot(): KvSnapshot {
    return new LevelSnapshot(this.db, this.tell, this.db.snapshot());
  }

  async close(): Promise<void> {
    await this.db.close();
  }
}

class LevelSnapshot extends LevelReader implements KvSnapshot {
  readonly #own: Snapshot;

  constructor(db: ClassicLevel, tell: TellDamage, snapshot: Snapshot) {
    super(db, tell, snapshot);
    this.#own = snapshot;
  }

  async close(): Promise<void> {
    await this.#own.close();
  }
}
