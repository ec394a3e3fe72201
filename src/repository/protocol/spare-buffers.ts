/**
 * Memory in which files are gathered, used again and again: to allocate 25 MiB for each of them would have the collector go through the whole
 * heap for each of them. It may take what nobody uses just now.
 */
export class SpareBuffers {
  readonly #bytes: number;
  readonly #spare: WeakRef<Buffer>[] = [];

  /** Bytes of each. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** With whatever was in it before. */
  take(): Buffer {
    for (let spare = this.#spare.pop(); spare; spare = this.#spare.pop()) {
      const buffer = spare.deref();
      if (buffer) return buffer;
    }
    return Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** Of one that nobody reads any more. Who does not know that leaves it to the collector. */
  giveBack(buffer: Buffer): void {
    this.#spare.push(new WeakRef(buffer));
  }
}
