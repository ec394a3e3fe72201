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
const recordWords = 8;
/** Bits of the number of a record within its block. */
const blockBits = 16;
const blockRecords = 1 << blockBits;

/** Of blobs whose ids are alike in what they are sorted by. There are a few, unless somebody has made the ids up. */
const longestChain = 1000;

export class Places {
  readonly #overhead: number;
  readonly #packs: string[] = [];
  /** Records in the order in which they came. */
  readonly #blocks: Uint32Array[] = [];
  size = 0;
  /** How many of them are in chains: by the last bits of the first word of an id its last record, and for each record the one before; from 1, 0 for none. */
  #chained = 0;
  #last = new Uint32Array(1);
  #before = new Uint32Array(1);

  /** `overhead`: by how many bytes a blob that is sealed is longer than what is in it. */
  constructor(overhead: number) {
    this.#overhead = overhead;
  }

  /** A blob that is there twice is found in one of its places. */
  add({ pack, id, offset, length, expandedLength }: NewPlace): void {
    if (this.#packs.at(-1) !== pack) this.#packs.push(pack);
    const block = (this.#blocks[this.size >>> blockBits] ??= new Uint32Array(blockRecords * recordWords));
    const at = (this.size % blockRecords) * recordWords;
    for (let word = 0; word < idWords; word++) block[at + word] = id[word] ?? 0;
    block[at + idWords] = this.#packs.length - 1;
    block[at + idWords + 1] = offset;
    block[at + idWords + 2] = length;
    block[at + idWords + 3] = expandedLength;
    this.size++;
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
      const block = this.#blocks[(record - 1) >>> blockBits] ?? nothing;
      const at = ((record - 1) % blockRecords) * recordWords;
      if (block[at] === first && block[at + 1] === second && block[at + 2] === third && block[at + 3] === fourth)
        yield this.#placeAt(block, at);
      record = this.#before[record - 1] ?? 0;
    }
    return undefined;
  }

  /** What was added since. All at once, as chains that grow are made anew: a million take some 30 ms. */
  #chain(): void {
    if (this.size > this.#last.length) {
      const length = 2 ** Math.ceil(Math.log2(this.size));
      [this.#last, this.#before, this.#chained] = [new Uint32Array(length), new Uint32Array(length), 0];
    }
    const mask = this.#last.length - 1;
    for (; this.#chained < this.size; this.#chained++) {
      const block = this.#blocks[this.#chained >>> blockBits] ?? nothing;
      const chain = (block[(this.#chained % blockRecords) * recordWords] ?? 0) & mask;
      this.#before[this.#chained] = this.#last[chain] ?? 0;
      this.#last[chain] = this.#chained + 1;
    }
  }

  #placeAt(block: Uint32Array, at: number): Place {
    const [pack = 0, offset = 0, length = 0, expanded = 0] = block.subarray(at + idWords, at + recordWords);
    const isCompressed = expanded > 0;
    const plainLength = isCompressed ? expanded : length - this.#overhead;
    return { pack: this.#packs[pack] ?? '', offset, length, plainLength, isCompressed };
  }
}

const nothing = new Uint32Array(0);

function wordsOf(id: Uint8Array): readonly [number, number, number, number] {
  const words = new DataView(id.buffer, id.byteOffset);
  return [words.getUint32(0), words.getUint32(4), words.getUint32(8), words.getUint32(12)];
}
