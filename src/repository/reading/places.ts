/**
 * Where each blob of a repository lies, compactly: some 40 bytes a blob, as there may be millions of them. Of an id the first 16 bytes are
 * kept; whoever reads a blob proves it by all 32.
 */

/** Of one blob in its pack. Lengths are in bytes. */
export interface Place {
  /** Name of the pack. */
  readonly pack: string;
  readonly offset: number;
  /** As it lies there, sealed. */
  readonly length: number;
  readonly plainLength: number;
  readonly isCompressed: boolean;
}

export interface NewPlace {
  readonly pack: string;
  /** The first 16 bytes of its id, as four numbers with the first byte in front. */
  readonly id: Uint32Array;
  readonly offset: number;
  readonly length: number;
  /** Of what is compressed its length before, else 0. */
  readonly expandedLength: number;
}

export const idWords = 4;
/** Of a record: id, number of the pack, offset, length, expanded length. */
export const recordWords = 8;

/** What an index file lists. */
export interface Listed {
  /** Names of its packs. */
  readonly packs: readonly string[];
  /** Of each blob a record. */
  readonly records: Uint32Array;
}

interface Part extends Listed {
  /** The number of its first record among all. */
  readonly first: number;
}

/** Of blobs whose ids are alike in what they are sorted by. There are a few, unless somebody has made the ids up. */
const longestChain = 1000;

export class Places {
  readonly #overhead: number;
  /** In the order in which they came. */
  readonly #parts: Part[] = [];
  size = 0;
  /** How many of the parts are in chains: by the last bits of the first word of an id its last record, and for each record the one before; from 1, 0 for none. */
  #chainedParts = 0;
  #last = new Uint32Array(1);
  #before = new Uint32Array(1);

  /** `overhead`: by how many bytes a blob that is sealed is longer than what is in it. */
  constructor(overhead: number) {
    this.#overhead = overhead;
  }

  /** A blob that is there twice is found in one of its places. */
  add({ packs, records }: Listed): void {
    if (records.length === 0) return;
    this.#parts.push({ packs, records, first: this.size });
    this.size += records.length / recordWords;
  }

  /** By all 32 bytes of its id: one of its places. */
  find(id: Uint8Array): Place | undefined {
    return this.all(id).next().value;
  }

  /** Each of its places. */
  *all(id: Uint8Array): Generator<Place, undefined> {
    this.#chain();
    const [first, second, third, fourth] = wordsOf(id);
    let record = this.#last[first & (this.#last.length - 1)] ?? 0;
    for (let steps = 0; record > 0 && steps < longestChain; steps++) {
      const part = this.#partOf(record - 1);
      const { records } = part;
      const at = (record - 1 - part.first) * recordWords;
      if (records[at] === first && records[at + 1] === second && records[at + 2] === third && records[at + 3] === fourth)
        yield this.#placeAt(part, at);
      record = this.#before[record - 1] ?? 0;
    }
    return undefined;
  }

  /** What was added since. All at once, as chains that grow are made anew: a million take some 30 ms. */
  #chain(): void {
    if (this.size > this.#last.length) {
      const length = 2 ** Math.ceil(Math.log2(this.size));
      [this.#last, this.#before, this.#chainedParts] = [new Uint32Array(length), new Uint32Array(length), 0];
    }
    const mask = this.#last.length - 1;
    for (const { records, first } of this.#parts.slice(this.#chainedParts))
      for (let at = 0, record = first; at < records.length; at += recordWords, record++) {
        const chain = (records[at] ?? 0) & mask;
        this.#before[record] = this.#last[chain] ?? 0;
        this.#last[chain] = record + 1;
      }
    this.#chainedParts = this.#parts.length;
  }

  /** In which a record is, by its number. */
  #partOf(record: number): Part {
    let [low, high] = [0, this.#parts.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#parts[middle]?.first ?? 0) <= record) low = middle;
      else high = middle;
    }
    return this.#parts[low] ?? nothing;
  }

  #placeAt({ packs, records }: Part, at: number): Place {
    const [pack = 0, offset = 0, length = 0, expanded = 0] = records.subarray(at + idWords, at + recordWords);
    const isCompressed = expanded > 0;
    const plainLength = isCompressed ? expanded : length - this.#overhead;
    return { pack: packs[pack] ?? '', offset, length, plainLength, isCompressed };
  }
}

const nothing: Part = { packs: [], records: new Uint32Array(0), first: 0 };

function wordsOf(id: Uint8Array): readonly [number, number, number, number] {
  const words = new DataView(id.buffer, id.byteOffset);
  return [words.getUint32(0), words.getUint32(4), words.getUint32(8), words.getUint32(12)];
}
