/** The lines of the blocks that were used last: who reads one object often reads it again, or its neighbour. */

/** Bytes in all. */
const most = 4 * 1024 * 1024;

export class RecentBlocks {
  /** By the number of the block; the one that was used last is the last. */
  readonly #lines = new Map<number, Buffer>();
  #bytes = 0;

  get(block: number): Buffer | undefined {
    const lines = this.#lines.get(block);
    if (lines === undefined) return undefined;
    this.#lines.delete(block);
    this.#lines.set(block, lines);
    return lines;
  }

  put(block: number, lines: Buffer): Buffer {
    this.#lines.set(block, lines);
    this.#bytes += lines.length;
    for (const [oldest, { length }] of this.#lines) {
      if (this.#bytes <= most) break;
      this.#lines.delete(oldest);
      this.#bytes -= length;
    }
    return lines;
  }
}
