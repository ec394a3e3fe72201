/**
 * Where each blob of a repository lies, compactly: 32 bytes a blob, in sorted runs. There may be millions of them. Of an id the first 16
 * bytes are kept; whoever reads a blob proves it by all 32.
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
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly offset: number;
  readonly length: number;
  /** Of what is compressed its length before, else 0. */
  readonly expandedLength: number;
}

const idBytes = 16;
const recordBytes = 32;

/** Blobs of a run up to which it is merged with others: of many small files a few large ones are made, in little time each. */
const largestMerge = 1 << 17;

export class Places {
  /** Each sorted by id. */
  readonly #runs: Buffer[] = [];
  readonly #packs: string[] = [];
  readonly #overhead: number;
  size = 0;

  /** `overhead`: by how many bytes a blob that is sealed is longer than what is in it. */
  constructor(overhead: number) {
    this.#overhead = overhead;
  }

  /** Some blobs of a pack. A blob that is there twice is found in one of its places. */
  add(pack: string, blobs: readonly NewPlace[]): void {
    if (this.#packs.at(-1) !== pack) this.#packs.push(pack);
    if (blobs.length > 0) this.#runs.push(runOf(blobs, this.#packs.length - 1));
    this.size += blobs.length;
    this.#tidy();
  }

  /** By all 32 bytes of its id. */
  find(id: Uint8Array): Place | undefined {
    for (const run of this.#runs) {
      const at = positionIn(run, id);
      if (at !== undefined) return this.#placeAt(run, at);
    }
    return undefined;
  }

  #placeAt(run: Buffer, at: number): Place {
    const [pack, offset, length, expanded] = [0, 4, 8, 12].map((field) => run.readUInt32BE(at + idBytes + field)) as Four;
    const isCompressed = expanded > 0;
    const plainLength = isCompressed ? expanded : length - this.#overhead;
    return { pack: this.#packs[pack] ?? '', offset, length, plainLength, isCompressed };
  }

  /** The last runs are merged while they are small and of a size, as digits are carried. */
  #tidy(): void {
    for (;;) {
      const [before, last] = [this.#runs.at(-2), this.#runs.at(-1)];
      if (!before || !last || before.length > 2 * last.length || before.length + last.length > largestMerge * recordBytes) return;
      this.#runs.splice(-2, 2, merged(before, last));
    }
  }
}

type Four = [number, number, number, number];

/** Ids are sorted as text, which is the order of their bytes. */
function runOf(blobs: readonly NewPlace[], pack: number): Buffer {
  const run = Buffer.allocUnsafeSlow(blobs.length * recordBytes);
  const sorted = blobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const [index, { id, offset, length, expandedLength }] of sorted.entries()) {
    const at = index * recordBytes;
    run.write(id, at, idBytes, 'hex');
    run.writeUInt32BE(pack, at + idBytes);
    run.writeUInt32BE(offset, at + idBytes + 4);
    run.writeUInt32BE(length, at + idBytes + 8);
    run.writeUInt32BE(expandedLength, at + idBytes + 12);
  }
  return run;
}

function merged(a: Buffer, b: Buffer): Buffer {
  const whole = Buffer.allocUnsafeSlow(a.length + b.length);
  let [inA, inB] = [0, 0];
  for (let at = 0; at < whole.length; at += recordBytes) {
    const fromA = inB >= b.length || (inA < a.length && isBefore(a, inA, b, inB));
    if (fromA) inA += a.copy(whole, at, inA, inA + recordBytes);
    else inB += b.copy(whole, at, inB, inB + recordBytes);
  }
  return whole;
}

function isBefore(a: Buffer, inA: number, b: Buffer, inB: number): boolean {
  const order = a.readUInt32BE(inA) - b.readUInt32BE(inB);
  return order < 0 || (order === 0 && a.compare(b, inB, inB + idBytes, inA, inA + idBytes) <= 0);
}

/** By its first four bytes, which nearly always tell, and only then by the others. */
function positionIn(run: Buffer, id: Uint8Array): number | undefined {
  const first = firstBytes(id);
  let [low, high] = [0, run.length / recordBytes];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * recordBytes;
    const order = run.readUInt32BE(at) - first || run.compare(id, 4, idBytes, at + 4, at + idBytes);
    if (order === 0) return at;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

const firstBytes = ([a = 0, b = 0, c = 0, d = 0]: Uint8Array) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
