/** Finds the entries of a tar file in its bytes, however those come in pieces: for each its path and the hash of its content. */
import { createHash } from 'node:crypto';

const blockBytes = 512;
/** Of a PAX header; paths are far shorter. */
const longestHeader = 64 << 10;

export class TarWalk {
  readonly #found: (path: string, sha256: string) => void;
  /** What is gathered until it is whole: a header, or the content of a PAX one. */
  #pending = Buffer.alloc(0);
  /** The entry whose content comes now. */
  #entry: { readonly path: string; readonly isPax: boolean; readonly hash: ReturnType<typeof createHash> } | undefined;
  /** Bytes of its content, and behind them of its padding, that are still to come. */
  #content = 0;
  #padding = 0;
  /** Of a PAX header, for the entry behind it. */
  #nextPath: string | undefined;

  constructor(found: (path: string, sha256: string) => void) {
    this.#found = found;
  }

  /** Throws at what is no part of a tar file. */
  push(piece: Uint8Array): void {
    for (let at = 0; at < piece.length;) at += this.#entry ? this.#pass(piece.subarray(at)) : this.#gather(piece.subarray(at));
  }

  /** Throws where something is missing at the end. */
  end(): void {
    if (this.#entry || this.#pending.length > 0) throw new Error('it ends in the middle of an entry');
  }

  /** How many bytes were taken. */
  #gather(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, blockBytes - this.#pending.length);
    this.#pending = Buffer.concat([this.#pending, taken]);
    if (this.#pending.length < blockBytes) return taken.length;
    const header = this.#pending;
    this.#pending = Buffer.alloc(0);
    if (header.some((byte) => byte !== 0)) this.#begin(header);
    return taken.length;
  }

  #begin(header: Buffer): void {
    const size = numberAt(header, 124, 12);
    if (sumOf(header) !== numberAt(header, 148, 8)) throw new Error('a header has another checksum');
    const isPax = header[156] === 0x78;
    if (isPax && size > longestHeader) throw new Error(`a PAX header has ${size} bytes`);
    const [name, prefix] = [textAt(header, 0, 100), textAt(header, 345, 155)];
    const path = this.#nextPath ?? (prefix ? `${prefix}/${name}` : name);
    this.#nextPath = undefined;
    this.#entry = { path, isPax, hash: createHash('sha256') };
    this.#content = size;
    this.#padding = (blockBytes - (size % blockBytes)) % blockBytes;
    if (size === 0) this.#end();
  }

  #pass(bytes: Uint8Array): number {
    const content = bytes.subarray(0, this.#content);
    const padding = Math.min(this.#padding, bytes.length - content.length);
    this.#content -= content.length;
    this.#padding -= padding;
    this.#entry?.hash.update(content);
    if (this.#entry?.isPax) this.#pending = Buffer.concat([this.#pending, content]);
    if (this.#content + this.#padding === 0) this.#end();
    return content.length + padding;
  }

  #end(): void {
    const entry = this.#entry;
    this.#entry = undefined;
    if (entry?.isPax) this.#nextPath = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(this.#pending.toString())?.[1];
    else if (entry) this.#found(entry.path, entry.hash.digest('hex'));
    this.#pending = Buffer.alloc(0);
  }
}

const textAt = (header: Buffer, start: number, length: number) => header.toString('utf8', start, start + length).replace(/\0.*$/s, '');

function numberAt(header: Buffer, start: number, length: number): number {
  const digits = textAt(header, start, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error('a header has a number that is none');
  return parseInt(digits || '0', 8);
}

/** Spaces stand for the checksum itself. */
function sumOf(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}
