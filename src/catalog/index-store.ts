/** The index: the log's state and recent history in LevelDB, on the local disk. Deleting its folder loses nothing. */
import { rm } from 'node:fs/promises';
import { Level } from 'level';
import { messageOf } from '../base/lifetime.ts';
import type { ObjectKey } from '../machinery/storage.ts';
import { StorageUnavailable } from '../machinery/storage.ts';
import type { Head, IndexOp, Version } from './apply.ts';
import { digestText } from './digest.ts';
import { isWhole } from './index-check.ts';
import { currentKey, metaKey } from './index-keys.ts';
import { IndexView, versionOf } from './index-view.ts';

/** Of which log an index is. */
export interface Identity {
  readonly store: string;
  readonly domain: string;
}

/** Rises when the entries change; an index of another format is thrown away. */
const format = 1;

/** Opens the index in `folder`. One that is broken, of another log or of another format is thrown away and begun anew. */
export async function openIndex(folder: string, identity: Identity): Promise<IndexStore> {
  const db = await openLevel(folder);
  const head = await wholeHead(db, identity);
  if (head !== undefined) return new IndexStore(db, identity, head);
  await db.close();
  await rm(folder, { recursive: true, force: true });
  return new IndexStore(await openLevel(folder), identity, undefined);
}

async function openLevel(folder: string): Promise<Level> {
  try {
    return await tryLevel(folder);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'LEVEL_LOCKED')
      throw new Error(`the index folder ${folder} is in use by another process: end that one, or use another folder`, { cause: error });
    if (code !== 'LEVEL_CORRUPTION')
      throw new Error(`the index folder ${folder} cannot be opened: ${messageOf(cause ?? error)}`, { cause: error });
    await rm(folder, { recursive: true });
    return tryLevel(folder);
  }
}

async function tryLevel(folder: string): Promise<Level> {
  const db = new Level(folder);
  await db.open();
  return db;
}

/** Where the index stands; undefined where it is of no use. */
async function wholeHead(db: Level, identity: Identity): Promise<Head | undefined> {
  try {
    const head = headOf(await db.get(metaKey), identity);
    return head !== undefined && (await isWhole(db, head)) ? head : undefined;
  } catch {
    return undefined;
  }
}

function headOf(meta: string | undefined, identity: Identity): Head | undefined {
  if (meta === undefined) return undefined;
  try {
    const {
      format: found,
      store,
      domain,
      digest,
      ...head
    } = JSON.parse(meta) as Omit<Head, 'digest'> & Identity & { format: number; digest: string };
    const isOurs = found === format && store === identity.store && domain === identity.domain;
    return isOurs ? { ...head, digest: BigInt(`0x${digest}`) } : undefined;
  } catch {
    return undefined;
  }
}

export class IndexStore {
  /** Where the index stood when it was opened; undefined for a new one. */
  readonly found: Head | undefined;
  readonly #db: Level;
  readonly #identity: Identity;

  constructor(db: Level, identity: Identity, found: Head | undefined) {
    this.#db = db;
    this.#identity = identity;
    this.found = found;
  }

  get(key: ObjectKey): Version | undefined {
    try {
      const value = this.#db.getSync(currentKey(key));
      return value === undefined ? undefined : versionOf(value);
    } catch (error) {
      throw new StorageUnavailable(`the index cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The state and history as they are now. To be closed. */
  view(): IndexView {
    return new IndexView(this.#db);
  }

  /** All or nothing. Not synced: what a loss of power takes is in the log. */
  async write(ops: readonly IndexOp[], head: Head): Promise<void> {
    const meta = { format, ...this.#identity, ...head, digest: digestText(head.digest) };
    await this.#db.batch([...ops, { type: 'put', key: metaKey, value: JSON.stringify(meta) }]);
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}
