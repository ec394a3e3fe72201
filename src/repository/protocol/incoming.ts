/** The body of a file on its way in: not longer than it may be, not slower, and what its name says it is. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { withDeadline } from '../../base/lifetime.ts';
import { Refused } from './exchange.ts';

export interface Expected {
  /** Bytes, at most. */
  readonly most: number;
  /** Of the file: the SHA-256 of its bytes. */
  readonly id: string;
}

/** Milliseconds without a byte, after which a sender is taken for dead: others wait for its place. */
const longestSilence = 60_000;

export class IncomingFile {
  readonly #body: AsyncIterator<Uint8Array>;
  readonly #expected: Expected;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #ended = false;

  constructor(body: AsyncIterable<Uint8Array>, expected: Expected, clock: Clock, signal: AbortSignal) {
    this.#body = body[Symbol.asyncIterator]();
    this.#expected = expected;
    this.#clock = clock;
    this.#signal = signal;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Goes on where it was left. Throws Refused in place of the end when the bytes are not those of the name: so nobody takes them for a file. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    while (!this.#ended) {
      const next = await this.#next();
      if (next.done) this.#end();
      else yield this.#count(next.value);
    }
  }

  #next(): Promise<IteratorResult<Uint8Array>> {
    return withDeadline(this.#clock, longestSilence, this.#signal, fellSilent, () => this.#body.next().catch(brokeOff));
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

function brokeOff(cause: unknown): never {
  throw new Refused(400, 'the body of the request broke off', {}, { cause });
}

/** What it may still be sending is not waited for, so that the connection is of no more use. */
const fellSilent = () => new Refused(408, `nothing of the file came for ${longestSilence / 1000} s`, { Connection: 'close' });

export const tooLong = (most: number) => new Refused(413, `a file of this kind has at most ${most} bytes`);
