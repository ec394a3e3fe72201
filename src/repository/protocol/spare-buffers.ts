/**
 * Memory in which files are gathered, used again and again: to allocate 25 MiB for each of them would have the collector go through the whole
 * heap for each of them. When nobody gathers anything, it may take them. Any number is lent, and as many as the fast lane needs are kept.
 */
export class SpareBuffers {
  readonly #bytes: number;
  readonly #mostKept: number;
  #spare: Buffer[] = [];
  #left: WeakRef<Buffer>[] = [];
  #lent = 0;

  /** Bytes of each, and how many are kept. */
  constructor(bytes: number, mostKept: number) {
    this.#bytes = bytes;
    this.#mostKept = mostKept;
  }

  lend(): Loan {
    const buffer = this.#spare.pop() ?? this.#found() ?? Buffer.allocUnsafeSlow(this.#bytes);
    this.#lent += 1;
    return { buffer, giveBack: () => this.#keep(buffer), [Symbol.dispose]: () => this.#end() };
  }

  #keep(buffer: Buffer): void {
    if (this.#spare.length < this.#mostKept) this.#spare.push(buffer);
  }

  #found(): Buffer | undefined {
    for (let left = this.#left.pop(); left; left = this.#left.pop()) {
      const buffer = left.deref();
      if (buffer) return buffer;
    }
    return undefined;
  }

  #end(): void {
    this.#lent -= 1;
    if (this.#lent > 0) return;
    this.#left.push(...this.#spare.map((buffer) => new WeakRef(buffer)));
    this.#spare = [];
  }
}

/** To be disposed of when the file is saved, or is not. */
export interface Loan extends Disposable {
  /** With whatever was in it before. */
  readonly buffer: Buffer;
  /** For the next: nobody reads it any more. Who does not know that leaves it to the collector. */
  readonly giveBack: () => void;
}
