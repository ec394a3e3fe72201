/**
 * What an index file lists, in few bytes that are read at once: the SHA-256 of all that follows, the number of packs, their names, and the blobs in
 * records of 32 bytes, numbers as this machine keeps them. It stays on this machine.
 */
import { hash } from 'node:crypto';
import type { Listed, NewPlace } from './places.ts';
import { idWords, recordWords } from './places.ts';

const sumBytes = 32;
/** Sum and number, so that all else stands at multiples of 32. */
const headBytes = 64;
const packBytes = 32;

export class IndexPacker {
  readonly #packs: string[] = [];
  #records: Uint32Array;
  #length = 0;

  /** As many as are likely to come. */
  constructor(blobs: number) {
    this.#records = new Uint32Array(Math.max(1, blobs) * recordWords);
  }

  add({ pack, id, offset, length, expandedLength }: NewPlace): void {
    if (this.#packs.at(-1) !== pack) this.#packs.push(pack);
    if (this.#length === this.#records.length) this.#records = twiceAsLong(this.#records);
    const records = this.#records;
    const at = this.#length;
    for (let word = 0; word < idWords; word++) records[at + word] = id[word] ?? 0;
    records[at + idWords] = this.#packs.length - 1;
    records[at + idWords + 1] = offset;
    records[at + idWords + 2] = length;
    records[at + idWords + 3] = expandedLength;
    this.#length += recordWords;
  }

  whole(): Uint8Array {
    return withSum(this.#packs, this.#records.subarray(0, this.#length));
  }
}

/** Whether it is what was packed. */
export function isWhole(bytes: Uint8Array): boolean {
  return bytes.length >= headBytes && hash('sha256', bytes.subarray(sumBytes), 'buffer').equals(bytes.subarray(0, sumBytes));
}

/** Of what is whole, which lies in memory as it is read. */
export function unpacked(bytes: Uint8Array): Listed {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = headBytes + whole.readUInt32LE(sumBytes) * packBytes;
  const names = Array.from({ length: (start - headBytes) / packBytes }, (_, number) => headBytes + number * packBytes);
  return { packs: names.map((at) => whole.toString('hex', at, at + packBytes)), records: wordsIn(whole.subarray(start)) };
}

/** The bytes themselves, where a number can begin there. */
function wordsIn({ buffer, byteOffset, length }: Uint8Array): Uint32Array {
  const isAligned = byteOffset % Uint32Array.BYTES_PER_ELEMENT === 0;
  return isAligned
    ? new Uint32Array(buffer, byteOffset, length / Uint32Array.BYTES_PER_ELEMENT)
    : new Uint32Array(buffer.slice(byteOffset, byteOffset + length));
}

function withSum(packs: readonly string[], records: Uint32Array): Uint8Array {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(packs.length, sumBytes);
  const names = Buffer.from(packs.join(''), 'hex');
  const whole = Buffer.concat([head, names, Buffer.from(records.buffer, records.byteOffset, records.byteLength)]);
  whole.set(hash('sha256', whole.subarray(sumBytes), 'buffer'));
  return whole;
}

function twiceAsLong(records: Uint32Array): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(2 * records.length);
  longer.set(records);
  return longer;
}
