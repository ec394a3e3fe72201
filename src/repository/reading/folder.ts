/**
 * What a folder holds, as restic writes it down: `{"nodes":[…]}`, sorted by name. A folder may have a million entries, so only those
 * that are asked for are parsed. https://restic.readthedocs.io/en/stable/100_references.html#trees-and-data
 */
import { StoreDamaged, StoreError } from '../../objectstore/objectstore.ts';
import { entryIn } from './entries.ts';
import type { FileEntry } from './entries.ts';
import { objectsIn } from './objects-in.ts';

/** It would take too much memory to read its list, of which nothing need be damaged. */
export class FolderTooLarge extends StoreError {
  override readonly name = 'FolderTooLarge';
}

export class Folder {
  readonly #text: Buffer;
  /** Of each entry its first byte and the one behind its last. */
  readonly #bounds: Uint32Array;
  readonly #where: string;

  private constructor(text: Buffer, bounds: Uint32Array, where: string) {
    this.#text = text;
    this.#bounds = bounds;
    this.#where = where;
  }

  /** `where` names it in errors. Rejects with StoreDamaged. */
  static async of(text: Buffer, where: string): Promise<Folder> {
    return new Folder(text, (await objectsIn(text, 2)) ?? notAFolder(where), where);
  }

  /** How many entries there are. */
  get length(): number {
    return this.#bounds.length / 2;
  }

  /** How much memory it takes, in bytes. */
  get bytes(): number {
    return this.#text.length + this.#bounds.byteLength;
  }

  /** Entries from a number on, in order of the bytes of their names. Throws StoreDamaged. */
  slice(start: number, end: number): FileEntry[] {
    return Array.from({ length: Math.max(0, Math.min(end, this.length) - start) }, (_, index) => this.#at(start + index));
  }

  /** The entry of a name. Throws StoreDamaged. */
  find(name: string): FileEntry | undefined {
    const wanted = Buffer.from(name);
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#at(middle);
      const order = entry.nameBytes.compare(wanted);
      if (order === 0) return entry;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return name.includes('\ufffd') ? this.#search(name) : undefined;
  }

  /** Of a name that is no UTF-8, which is shown with marks in the place of what is none, so that its bytes are not known. */
  #search(shown: string): FileEntry | undefined {
    for (let index = 0; index < this.length; index++) {
      const entry = this.#at(index);
      if (entry.name === shown) return entry;
    }
    return undefined;
  }

  #at(index: number): FileEntry {
    const text = this.#text.toString('utf8', this.#bounds[2 * index], this.#bounds[2 * index + 1]);
    try {
      return entryIn(text);
    } catch {
      return notAFolder(this.#where);
    }
  }
}

function notAFolder(where: string): never {
  throw new StoreDamaged(`${where}: what is in it is no list of files as restic writes it`);
}
