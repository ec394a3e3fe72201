/** The index: the log's state and recent history, on the local disk. Destroying it loses nothing. */
import { messageOf } from '../../base/lifetime.ts';
import type { ObjectKey } from '../../machinery/storage.ts';
import { StorageUnavailable } from '../../machinery/storage.ts';
import type { Head, Version } from '../state/apply.ts';
import { faultOf, hasRecent } from './index-check.ts';
import { currentKey, metaKey } from './index-keys.ts';
import type { Identity } from './index-meta.ts';
import { headOf, metaText, ownHeadOf } from './index-meta.ts';
import { versionOf } from './index-values.ts';
import { IndexView } from './index-view.ts';
import type { Kv, KvFilling, KvHome, KvOp } from './kv.ts';
import { KvDamaged } from './kv.ts';
import { WarmObjects } from './warm-objects.ts';

/** Opens the index at `home`. One that is broken, of another log or of another format is thrown away and begun anew. */
export async function openIndex(home: KvHome, identity: Identity): Promise<IndexStore> {
  const kv = await openKv(home);
  const head = await usableHead(kv, identity);
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
async function usableHead(kv: Kv, identity: Identity): Promise<Head | undefined> {
  try {
    const meta = kv.get(metaKey);
    const head = meta === undefined ? undefined : ownHeadOf(meta, identity);
    return head !== undefined && (await hasRecent(kv, head)) ? head : undefined;
  } catch {
    return undefined;
  }
}

export class IndexStore {
  /** Where the index stood when it was opened; undefined for a new one. */
  readonly found: Head | undefined;
  readonly #kv: Kv;
  readonly #identity: Identity;
  readonly #objects: WarmObjects;

  constructor(kv: Kv, identity: Identity, found: Head | undefined) {
    this.#kv = kv;
    this.#identity = identity;
    this.found = found;
    this.#objects = new WarmObjects(kv, found?.rv ?? 0);
  }

  /** As Kv.damage. */
  get damage(): Promise<KvDamaged> {
    return this.#kv.damage;
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
    return new IndexView(this.#kv, this.#objects);
  }

  /** All or nothing. Not durable: what a loss of power takes is in the log. */
  async write(ops: readonly KvOp[], head: Head): Promise<void> {
    await this.#kv.batch([...ops, this.#metaOf(head)]);
    this.#objects.apply(ops, head.rv);
  }

  /** Takes the entries of a new index. Until `begin` is called it is of no use, so that half of one is never taken for a whole. */
  fill(): Promise<KvFilling> {
    return this.#kv.fill();
  }

  /** Says that all that belongs to `head` is there. */
  async begin(head: Head): Promise<void> {
    await this.#kv.batch([this.#metaOf(head)], { durable: true });
    this.#objects.apply([], head.rv);
  }

  /** From here on it is thrown away when it is opened again. */
  async condemn(): Promise<void> {
    await this.#kv.batch([{ type: 'del', key: metaKey }], { durable: true });
  }

  /** Reads all of it as it is now, and waits for `pause` from time to time. Answers what is wrong with it. */
  async faultOf(pause: () => Promise<void>): Promise<string | undefined> {
    const snapshot = this.#kv.snapshot();
    try {
      const meta = snapshot.get(metaKey);
      return meta === undefined ? undefined : await faultOf(snapshot, headOf(meta), pause);
    } finally {
      await snapshot.close();
    }
  }

  async close(): Promise<void> {
    await this.#kv.close();
  }

  #metaOf(head: Head): KvOp {
    return { type: 'put', key: metaKey, value: metaText(head, this.#identity) };
  }
}
