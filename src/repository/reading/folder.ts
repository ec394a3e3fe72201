/**
 * What a folder holds, as restic writes it down: `{"nodes":[…]}`, sorted by name. A folder may have a million entries, so only those
 * that are asked for are parsed. https://restic.readthedocs.io/en/stable/100_references.html#trees-and-data
 */
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { nameBytes } from './names.ts';
import type { NodeFields } from './entries.ts';
import { objectsIn } from './objects-in.ts';

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
  slice(start: number, end: number): NodeFields[] {
    return Array.from({ length: Math.max(0, Math.min(end, this.length) - start) }, (_, index) => this.#at(start + index));
  }

  /** The entry of a name. Throws StoreDamaged. */
  find(name: string): NodeFields | undefined {
    const wanted = Buffer.from(name);
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const node = this.#at(middle);
      const order = nameBytes(node.name).compare(wanted);
      if (order === 0) return node;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return name.includes('\ufffd') ? this.#search(name) : undefined;
  }

  /** Of a name that is no UTF-8, which is shown with marks in the place of what is none, so that its bytes are not known. */
  #search(shown: string): NodeFields | undefined {
    for (let index = 0; index < this.length; index++) {
      const node = this.#at(index);
      if (nameBytes(node.name).toString() === shown) return node;
    }
    return undefined;
  }

  #at(index: number): NodeFields {
    const text = this.#text.toString('utf8', this.#bounds[2 * index], this.#bounds[2 * index + 1]);
    try {
      return nodeOf(text);
    } catch {
      return notAFolder(this.#where);
    }
  }
}

function notAFolder(where: string): never {
  throw new StoreDamaged(`${where}: what is in it is no list of files as restic writes it`);
}

/** Inodes may have more digits than a number holds. They are looked at only where they matter. Throws RangeError for what cannot be. */
function nodeOf(text: string): NodeFields {
  const node = JSON.parse(text) as NodeFields;
  const { mode = 0, uid = 0, gid = 0, size = 0, device = 0, links = 1 } = node;
  if (![mode, uid, gid, size, device, links].every(isCount)) throw new RangeError('it has a number that cannot be');
  nameBytes(node.name);
  return links > 1 ? { ...node, linkId: [/"device_id":\d+/, /"inode":\d+/].map((field) => field.exec(text)?.[0]).join() } : node;
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
