/** A file as a row of frames, each with its length and hash in front, so that damage is noticed before anything is made of it. */
import { hash } from 'node:crypto';

/** What is read is no checkpoint that can be used. */
export class CheckpointFault extends Error {
  override readonly name = 'CheckpointFault';
}

export interface Frame {
  /** SHA-256 of the payload. */
  readonly hash: Buffer;
  readonly payload: Buffer;
}

export const magic = Buffer.from('KYC1');
const lengthBytes = 4;
const hashBytes = 32;
const prefixBytes = lengthBytes + hashBytes;
/** Far more than one frame may hold: a bound on what a damaged length can make us collect. */
const mostFrameBytes = 64 * 1024 * 1024;

/** The bytes of a frame. */
export function encodeFrame({ hash: sum, payload }: Frame): Buffer {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(payload.length);
  return Buffer.concat([length, sum, payload]);
}

export function frameOf(payload: Buffer): Frame {
  return { hash: hash('sha256', payload, 'buffer'), payload };
}

/** Rejects with a CheckpointFault where the bytes are cut off or damaged. */
export async function* framesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const bytes = new ByteQueue();
  let isBegun = false;
  for await (const piece of body) {
    bytes.push(piece);
    isBegun ||= takeMagic(bytes);
    for (let frame = isBegun && takeFrame(bytes); frame; frame = takeFrame(bytes)) yield frame;
  }
  if (!isBegun || bytes.length > 0) throw new CheckpointFault('is cut off');
}

function takeMagic(bytes: ByteQueue): boolean {
  if (bytes.length < magic.length) return false;
  if (!bytes.take(magic.length).equals(magic)) throw new CheckpointFault(`is no checkpoint: it does not begin with ${magic.toString()}`);
  return true;
}

/** The next frame, once all of it is there. */
function takeFrame(bytes: ByteQueue): Frame | undefined {
  if (bytes.length < prefixBytes) return undefined;
  const length = bytes.peek(lengthBytes).readUInt32BE();
  if (length > mostFrameBytes) throw new CheckpointFault(`is damaged: it has a frame of ${length} bytes`);
  if (bytes.length < prefixBytes + length) return undefined;
  const sum = bytes.take(prefixBytes).subarray(lengthBytes);
  const payload = bytes.take(length);
  const frame = frameOf(payload);
  if (!frame.hash.equals(sum)) throw new CheckpointFault('is damaged: a frame does not have the hash before it');
  return frame;
}

/** Bytes that have come and were not taken, copied only where what is taken lies in several pieces. */
class ByteQueue {
  #pieces: Buffer[] = [];
  length = 0;

  push(piece: Uint8Array): void {
    this.#pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    this.length += piece.length;
  }

  /** The first `count` bytes, which are there. */
  peek(count: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#pieces;
    if (first.length >= count) return first.subarray(0, count);
    this.#pieces = [Buffer.concat(this.#pieces)];
    return this.peek(count);
  }

  take(count: number): Buffer {
    const taken = this.peek(count);
    this.length -= count;
    const rest = this.#pieces.shift()?.subarray(count);
    if (rest !== undefined && rest.length > 0) this.#pieces.unshift(rest);
    return taken;
  }
}
