/** Compresses one gzip member after the other, with tables that are made once. */
import { constants, createGzip } from 'node:zlib';
import type { Gzip, ZlibReset } from 'node:zlib';

/** Half the time of level 6 for manifests that come out a few hundredths larger: it is time that a backup competes for. */
const level = 1;
/** The largest tables, of some 400 KiB: a fifth less of the processor than the usual ones, and smaller members. */
const memLevel = 9;
/** zlib hands out its output in pieces of this size, each of which costs a turn of the event loop. */
export const chunkSize = 64 << 10;

export class Compressor {
  /** Every write is a member of its own. */
  readonly #stream = createGzip({ level, memLevel, chunkSize, flush: constants.Z_FINISH }) as Gzip & ZlibReset;
  #pieces: Buffer[] = [];

  constructor() {
    this.#stream.on('data', (piece: Buffer) => this.#pieces.push(piece));
    // Who waits for the member hears of it.
    this.#stream.on('error', () => {});
  }

  /** On the thread pool. Not to be called again before it has resolved, nor after it has rejected. */
  async compress(raw: Uint8Array): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => this.#stream.write(raw, (error) => (error ? reject(error) : resolve())));
    this.#stream.reset();
    const pieces = this.#pieces;
    this.#pieces = [];
    const [only] = pieces;
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
  }
}
