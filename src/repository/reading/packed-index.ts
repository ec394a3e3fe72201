/**
 * What an index file lists, in few bytes that are read at once: the SHA-256 of all that follows, the number of packs, their names, and the blobs in
 * records of 32 bytes, numbers as this machine keeps them. It stays on this machine.
 */
import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { NewPlace } from './places.ts';
import { idWords } from './places.ts';

const sumBytes = 32;
/** Sum and number, so that all else stands at multiples of 32. */
const headBytes = 64;
const packBytes = 32;
/** Of a record: id, number of the pack, offset, length, expanded length. */
const recordWords = 8;
/** Blobs before others have their turn: it takes some milliseconds. */
const atOnce = 1 << 13;

export async function packed(blobs: Iterable<NewPlace>): Promise<Uint8Array> {
  const packs: string[] = [];
  let records = new Uint32Array(64 * recordWords);
  let length = 0;
  for (const { pack, id, offset, length: sealed, expandedLength } of blobs) {
    if (packs.at(-1) !== pack) packs.push(pack);
    if (length === records.length) records = twiceAsLong(records);
    for (let word = 0; word < idWords; word++) records[length + word] = id[word] ?? 0;
    records[length + idWords] = packs.length - 1;
    records[length + idWords + 1] = offset;
    records[length + idWords + 2] = sealed;
    records[length + idWords + 3] = expandedLength;
    length += recordWords;
    if (length % (atOnce * recordWords) === 0) await setImmediate();
  }
  return withSum(packs, records.subarray(0, length));
}

/** Whether it is what was packed. */
export function isWhole(bytes: Uint8Array): boolean {
  return bytes.length >= headBytes && hash('sha256', bytes.subarray(sumBytes), 'buffer').equals(bytes.subarray(0, sumBytes));
}

/** Of what is whole: always the same object, which is another blob with each turn. */
export function* unpacked(bytes: Uint8Array): Generator<NewPlace> {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const records = headBytes + whole.readUInt32LE(sumBytes) * packBytes;
  const nameOf = (number: number) => whole.toString('hex', headBytes + number * packBytes, headBytes + (number + 1) * packBytes);
  const blob = { pack: '', id: new Uint32Array(idWords), offset: 0, length: 0, expandedLength: 0 };
  const words = new Uint32Array(whole.buffer.slice(whole.byteOffset + records, whole.byteOffset + whole.length));
  let pack = -1;
  for (let at = 0; at < words.length; at += recordWords) {
    const number = words[at + idWords] ?? 0;
    if (number !== pack) blob.pack = nameOf(number);
    pack = number;
    for (let word = 0; word < idWords; word++) blob.id[word] = words[at + word] ?? 0;
    blob.offset = words[at + idWords + 1] ?? 0;
    blob.length = words[at + idWords + 2] ?? 0;
    blob.expandedLength = words[at + idWords + 3] ?? 0;
    yield blob;
  }
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
