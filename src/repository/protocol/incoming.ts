/** The body of a file on its way in: not longer than it may be, not slower, and what its name says it is. */
import { createHash } from 'node:crypto';
import { handBack } from '../../base/hand-back.ts';
import type { Clock } from '../../base/clock.ts';
import { Refused } from './exchange.ts';
import type { Place } from './lanes.ts';
import { Sender } from './sender.ts';

export interface Expected {
  /** Bytes, at most. */
  readonly most: number;
  /** Of the file: the SHA-256 of its bytes. */
  readonly id: string;
}

export class IncomingFile {
  readonly #sender: Sender;
  readonly #expected: Expected;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #ended = false;

  /** `signal` aborts at the end of the request, and when its place is lost, if it needs one. */
  constructor(body: AsyncIterable<Uint8Array>, expected: Expected, clock: Clock, place: Place | undefined, signal: AbortSignal) {
    this.#sender = new Sender(body, clock, place, signal);
    this.#expected = expected;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Goes on where it was left. Throws Refused in place of the end when the bytes are not those of the name: so nobody takes them for a file. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    while (!this.#ended) {
      const next = await this.#sender.next();
      if (next.done) this.#end();
      else yield this.#count(next.value);
    }
  }

  /** All of it, gathered in `buffer`, which holds what is expected at most. Rejects with Refused as `pieces` does. */
  async gather(buffer: Buffer): Promise<Uint8Array> {
    for await (const piece of this.pieces()) {
      buffer.set(piece, this.#bytes - piece.length);
      handBack(piece);
    }
    return buffer.subarray(0, this.#bytes);
  }

  #count(piece: Uint8Array): Uint8Array {
    this.#bytes += piece.length;
    if (this.#bytes > this.#expected.most) throw tooLong(this.#expected.most);
    this.#hash.update(piece);
    return piece;
  }

  #end(): void {
    this.#ended = true;
    if (this.#hash.digest('hex') !== this.#expected.id)
      throw new Refused(400, 'the name of a file is the SHA-256 of its bytes, and this one has others');
  }
}

export const tooLong = (most: number) => new Refused(413, `a file of this kind has at most ${most} bytes`);
