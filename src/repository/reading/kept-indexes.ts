/**
 * Index files as they were read once, in a store on the local disk: they never change, and to expand and read them takes several times as long as
 * what is kept of them. Nothing is lost with it, and whatever is wrong there, the index file itself is read.
 */
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { openLocal } from '../../objectstore/local.ts';
import type { ObjectStore, StoredKey } from '../../objectstore/objectstore.ts';
import { StoreError } from '../../objectstore/objectstore.ts';

/** Bytes: of some 30 million blobs. */
const mostBytes = 1 << 30;
/** Where there is no disk that can hold them. */
const mostInMemory = 64 << 20;
/** Bytes that may wait for the disk; more is not kept. */
const mostWaiting = 64 << 20;

/** In a folder, which is made; in memory where its file system is none that a store can be on. */
export async function openKeptIndexes(folder: string, parts: { readonly clock: Clock; readonly ids: Ids }): Promise<KeptIndexes> {
  const { store, isInMemory } = await openLocal(folder, parts);
  return new KeptIndexes(store, isInMemory ? mostInMemory : mostBytes);
}

export class KeptIndexes {
  readonly #store: ObjectStore;
  readonly #most: number;
  readonly #lasting = new AbortController().signal;
  #writing: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** `local` is of nobody else. */
  constructor(local: ObjectStore, most = mostBytes) {
    this.#store = local;
    this.#most = most;
  }

  /** What was kept under a key, by this process or an earlier one. */
  find(key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#store.read(key, signal).catch(ignored);
  }

  /** In the place of what was kept under that key; soon, and nobody has to wait for it. */
  keep(key: string, packed: Uint8Array): void {
    if (this.#waiting + packed.length > mostWaiting) return;
    this.#waiting += packed.length;
    this.#writing = this.#writeAfter(this.#writing, key, packed);
  }

  /** Resolves when all is written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #writeAfter(others: Promise<void>, key: string, packed: Uint8Array): Promise<void> {
    await others;
    await this.#write(key, packed).catch(ignored);
    this.#waiting -= packed.length;
  }

  async #write(key: string, packed: Uint8Array): Promise<void> {
    await this.#makeRoom(packed.length);
    // What is there already was found to be damaged.
    await this.#store.delete(key, this.#lasting);
    await this.#store.putIfAbsent(key, packed, this.#lasting);
  }

  /** Deletes what was kept first. */
  async #makeRoom(needed: number): Promise<void> {
    const kept: StoredKey[] = [];
    for await (const stored of this.#store.list('', this.#lasting)) kept.push(stored);
    let bytes = kept.reduce((sum, { size }) => sum + size, needed);
    for (const { key, size } of kept.sort((a, b) => (a.modified ?? 0) - (b.modified ?? 0))) {
      if (bytes <= this.#most) return;
      await this.#store.delete(key, this.#lasting);
      bytes -= size;
    }
  }
}

function ignored(error: unknown): undefined {
  if (!(error instanceof StoreError)) throw error;
}
