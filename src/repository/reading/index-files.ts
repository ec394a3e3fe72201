/** The index files of a repository, which tell where each blob lies. None ever changes, so each is read once, and kept on the local disk. */
import type { KeyObject } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { handBack } from '../../base/hand-back.ts';
import { together } from '../../base/lifetime.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import type { KeptIndexes } from './kept-indexes.ts';
import { listedIn } from './listed-in.ts';
import { IndexPacker, isWhole, unpacked } from './packed-index.ts';
import { Places } from './places.ts';
import type { Place } from './places.ts';
import { sealBytes } from './sealed.ts';
import { listNames, readSealed } from './stored-files.ts';
import type { Location } from './stored-files.ts';

const readsAtOnce = 4;
/** Bytes that restic needs to list a blob, at least. */
const shortestListed = 112;
/** Blobs that are packed before others have their turn: it takes some milliseconds. */
const packedAtOnce = 1 << 13;
/** About 350 MB of memory. */
const mostBlobs = 8 << 20;

export class IndexFiles {
  readonly #location: Location;
  readonly #key: KeyObject;
  readonly #kept: KeptIndexes;
  #read = new Set<string>();
  #places = new Places(sealBytes);
  #refreshing: Promise<void> | undefined;

  constructor(location: Location, key: KeyObject, kept: KeptIndexes) {
    this.#location = location;
    this.#key = key;
    this.#kept = kept;
  }

  /** How many blobs are known. */
  get size(): number {
    return this.#places.size;
  }

  find(id: Uint8Array): Place | undefined {
    return this.#places.find(id);
  }

  /** Each of the places of a blob. */
  all(id: Uint8Array): Iterable<Place> {
    return this.#places.all(id);
  }

  /** Reads what has been added since; all of it anew where files are gone, because packs then are too. For all who ask meanwhile. */
  refresh(signal: AbortSignal): Promise<void> {
    this.#refreshing ??= this.#refresh(signal).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const names = await listNames(this.#location, 'index', signal);
    const listed = new Set(names);
    if (![...this.#read].every((name) => listed.has(name))) {
      this.#read = new Set();
      this.#places = new Places(sealBytes);
    }
    const unread = names.filter((name) => !this.#read.has(name));
    const next = unread[Symbol.iterator]();
    await together(
      signal,
      Array.from({ length: readsAtOnce }, () => (reading: AbortSignal) => this.#readAll(next, reading)),
    );
  }

  /** Several of these share what is left. */
  async #readAll(names: Iterator<string>, signal: AbortSignal): Promise<void> {
    for (let next = names.next(); !next.done; next = names.next()) {
      const key = `${this.#location.prefix}index/${next.value}`;
      if (!(await this.#addKept(key, signal)))
        await this.#addText(key, await readSealed(this.#location, 'index', next.value, this.#key, signal));
      this.#read.add(next.value);
    }
  }

  async #addText(key: string, text: Buffer): Promise<void> {
    const packed = await pack(text, key);
    handBack(text);
    this.#add(packed);
    this.#kept.keep(key, packed);
  }

  /** False where it is not kept, or not as it was. */
  async #addKept(key: string, signal: AbortSignal): Promise<boolean> {
    const kept = await this.#kept.find(key, signal);
    if (!kept || !isWhole(kept)) return false;
    this.#add(kept);
    return true;
  }

  #add(packed: Uint8Array): void {
    this.#places.add(unpacked(packed));
    if (this.size > mostBlobs)
      throw new StoreDamaged(`${this.#location.prefix}index/: it names more than ${mostBlobs} blobs, too many to look into the repository`);
  }
}

async function pack(text: Buffer, key: string): Promise<Uint8Array> {
  const packer = new IndexPacker(Math.ceil(text.length / shortestListed));
  let count = 0;
  for (const blob of listedIn(text, key)) {
    packer.add(blob);
    if (++count % packedAtOnce === 0) await setImmediate();
  }
  return packer.whole();
}
