/** The index: the log's state and recent history, on the local disk. Destroying it loses nothing. */
import { messageOf } from '../base/lifetime.ts';
import type { ObjectKey } from '../machinery/storage.ts';
import { StorageUnavailable } from '../machinery/storage.ts';
import type { Head, Version } from './apply.ts';
import { digestText } from './digest.ts';
import { isWhole } from './index-check.ts';
import { currentKey, metaKey } from './index-keys.ts';
import { IndexView, versionOf } from './index-view.ts';
import type { Kv, KvHome, KvOp } from './kv.ts';
import { KvDamaged } from './kv.ts';

/** Of which log an index is. */
export interface Identity {
  readonly store: string;
  readonly domain: string;
}

/** Rises when the entries change; an index of another format is thrown away. */
const format = 2;

/** Opens the index at `home`. One that is broken, of another log or of another format is thrown away and begun anew. */
export async function openIndex(home: KvHome, identity: Identity): Promise<IndexStore> {
  const kv = await openKv(home);
  const head = await wholeHead(kv, identity);
  if (head !== undefined) return new IndexStore(kv, identity, head);
  await kv.close();
  await home.destroy();
  return new IndexStore(await home.open(), identity, undefined);
}

async function openKv(home: KvHome): Promise<Kv> {
  try {
    return await home.open();
  } catch (error) {
    if (!(error instanceof KvDamaged)) throw error;
    await home.destroy();
    return home.open();
  }
}

/** Where the index stands; undefined where it is of no use. */
async function wholeHead(kv: Kv, identity: Identity): Promise<Head | undefined> {
  try {
    const head = headOf(kv.get(metaKey), identity);
    return head !== undefined && (await isWhole(kv, head)) ? head : undefined;
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
  readonly #kv: Kv;
  readonly #identity: Identity;

  constructor(kv: Kv, identity: Identity, found: Head | undefined) {
    this.#kv = kv;
    this.#identity = identity;
    this.found = found;
  }

  get(key: ObjectKey): Version | undefined {
    try {
      const value = this.#kv.get(currentKey(key));
      return value === undefined ? undefined : versionOf(value);
    } catch (error) {
      throw new StorageUnavailable(`the index cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }

  /** The state and history as they are now. To be closed. */
  view(): IndexView {
    return new IndexView(this.#kv);
  }

  /** All or nothing. Not durable: what a loss of power takes is in the log. */
  async write(ops: readonly KvOp[], head: Head): Promise<void> {
    const meta = { format, ...this.#identity, ...head, digest: digestText(head.digest) };
    await this.#kv.batch([...ops, { type: 'put', key: metaKey, value: JSON.stringify(meta) }]);
  }

  async close(): Promise<void> {
    await this.#kv.close();
  }
}
