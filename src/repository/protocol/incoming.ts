/** The body of a file on its way in: not longer than it may be, and what its name says it is. */
import { createHash } from 'node:crypto';
import { Refused } from './exchange.ts';

export class IncomingFile {
  readonly #body: AsyncIterator<Uint8Array>;
  readonly #most: number;
  readonly #id: string;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #ended = false;

  /** `most` bytes at most, whose SHA-256 is `id`. */
  constructor(body: AsyncIterable<Uint8Array>, most: number, id: string) {
    this.#body = body[Symbol.asyncIterator]();
    this.#most = most;
    this.#id = id;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Goes on where it was left. Throws Refused in place of the end when the bytes are not those of the name: so nobody takes them for a file. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    while (!this.#ended) {
      const next = await this.#body.next().catch(brokeOff);
      if (next.done) this.#end();
      else yield this.#count(next.value);
    }
  }

  #count(piece: Uint8Array): Uint8Array {
    this.#bytes += piece.length;
    if (this.#bytes > this.#most) throw tooLong(this.#most);
    this.#hash.update(piece);
    return piece;
  }

  #end(): void {
    this.#ended = true;
    if (this.#hash.digest('hex') !== this.#id)
      throw new Refused(400, 'the name of a file is the SHA-256 of its bytes, and this one has others');
  }
}

function brokeOff(cause: unknown): never {
  throw new Refused(400, 'the body of the request broke off', {}, { cause });
}

export const tooLong = (most: number) => new Refused(413, `a file of this kind has at most ${most} bytes`);
