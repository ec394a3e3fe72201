/**
 * Reads one file from its beginning to its end in parts of any length, and hashes what it reads. What of it cannot be read is told
 * with its part, and passed over. Memory holds one part, or the bytes that one request brings.
 */
import { createHash } from 'node:crypto';
import { messageOf } from '../../base/lifetime.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { StoreDamaged, StoreNotFound, StoreRange } from '../../objectstore/objectstore.ts';
import type { FileSum } from '../archive/manifest.ts';
import type { Findings } from './faults.ts';

/** What one request reads at least, where there is as much. */
const requestBytes = 1 << 20;

export class FilePass {
  readonly #given: { readonly store: ObjectStore; readonly folder: string; readonly file: string; readonly findings: Findings };
  readonly #hash = createHash('sha256');
  readonly #size: number;
  #at = 0;
  /** Bytes that were read and not yet taken, and where they begin. */
  #held: Uint8Array = new Uint8Array();
  #isWhole = true;

  /** `size` is what the store says that the file has. */
  constructor(
    given: { readonly store: ObjectStore; readonly folder: string; readonly file: string; readonly findings: Findings },
    size: number,
  ) {
    this.#given = given;
    this.#size = size;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#size - this.#at;
  }

  /** The next bytes, fewer at the end of the file; undefined where they cannot be read, and then they are passed over. */
  async take(length: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const wanted = Math.min(length, this.left);
    const bytes = this.#held.length >= wanted ? this.#held : await this.#read(wanted, signal);
    this.#at += wanted;
    if (!bytes) {
      this.#held = new Uint8Array();
      this.#isWhole = false;
      return undefined;
    }
    this.#held = bytes.subarray(wanted);
    const taken = bytes.subarray(0, wanted);
    this.#hash.update(taken);
    this.#given.findings.bytes += wanted;
    return taken;
  }

  /** Takes all that is left, and holds the whole against its sum. */
  async finish(sum: FileSum | undefined, signal: AbortSignal): Promise<void> {
    while (this.left > 0) await this.take(requestBytes, signal);
    const { file, findings } = this.#given;
    if (!sum) return;
    if (this.#size !== sum.bytes) findings.fault(file, `it has ${this.#size} bytes instead of ${sum.bytes}`);
    else if (this.#isWhole && this.#hash.digest('hex') !== sum.sha256)
      findings.fault(file, 'its bytes are not those that were written (sha256)');
  }

  /** From here on, at least `wanted` bytes. A request that fails for more of them is tried for these alone. */
  async #read(wanted: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (const length of new Set([Math.min(Math.max(wanted, requestBytes), this.left), wanted])) {
      const bytes = await this.#request(length, length === wanted, signal);
      if (bytes) return bytes;
    }
    return undefined;
  }

  async #request(length: number, isLast: boolean, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { store, folder, file, findings } = this.#given;
    try {
      const bytes = await store.read(`${folder}/${file}`, signal, { start: this.#at, length });
      if (bytes.length === length) return bytes;
      throw new StoreDamaged(`it ends at ${this.#at + bytes.length} instead of ${this.#size}`);
    } catch (error) {
      if (!(error instanceof StoreDamaged || error instanceof StoreNotFound || error instanceof StoreRange)) throw error;
      if (isLast) findings.fault(file, `${length} bytes from ${this.#at} on cannot be read: ${messageOf(error)}`);
      return undefined;
    }
  }
}
