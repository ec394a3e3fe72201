/** The paths of the entries of a tar file, and the hash of the content of each. */
import { createHash } from 'node:crypto';
import { TarScanner } from '../../base/tar-scanner.ts';
import type { ScannedEntry } from '../../base/tar-scanner.ts';

export class TarWalk {
  readonly #found: (path: string, sha256: string) => void;
  readonly #scanner = new TarScanner({ entry: (entry) => this.#begin(entry), content: (bytes) => this.#pass(bytes) });
  #path = '';
  #hash = createHash('sha256');
  /** Bytes of content that are still to come. */
  #left = 0;

  constructor(found: (path: string, sha256: string) => void) {
    this.#found = found;
  }

  /** Throws at what is no part of a tar file. */
  push(piece: Uint8Array): void {
    this.#scanner.push(piece);
  }

  /** Throws where something is missing at the end. */
  end(): void {
    if (!this.#scanner.isBetween) throw new Error('it ends in the middle of an entry');
  }

  #begin({ path, size }: ScannedEntry): void {
    this.#path = Buffer.from(path).toString();
    this.#hash = createHash('sha256');
    this.#left = size;
    if (size === 0) this.#end();
  }

  #pass(content: Uint8Array): void {
    this.#hash.update(content);
    this.#left -= content.length;
    if (this.#left === 0) this.#end();
  }

  #end(): void {
    this.#found(this.#path, this.#hash.digest('hex'));
  }
}
