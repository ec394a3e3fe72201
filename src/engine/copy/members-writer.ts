/** Packs the bytes of a tar file into gzip members of one size each, and writes down where each lies. */
import { hash } from 'node:crypto';
import type { ObjectStore, Uploaded } from '../../objectstore/objectstore.ts';
import { BoundedQueue } from '../archive/bounded-queue.ts';
import { compress } from '../archive/compression.ts';
import { putOnce } from '../archive/put-once.ts';
import { encodeMember, memberBytes, pageFile, pageMembers, sha256Of, volumeFile } from './copy-format.ts';

/** Members that are being compressed or wait for the store. */
const queueBound = 4;

export class MembersWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #queue = new BoundedQueue<Promise<Buffer>>(queueBound);
  readonly #uploaded: Promise<Uploaded>;
  readonly #pages: string[] = [];
  #page: Buffer[] = [];
  #member = Buffer.allocUnsafe(memberBytes);
  #held = 0;
  #bytes = 0;

  constructor(store: ObjectStore, folder: string, signal: AbortSignal) {
    this.#store = store;
    this.#folder = folder;
    this.#signal = signal;
    this.#uploaded = store.upload(volumeFile(folder), this.#body(), signal);
    this.#uploaded.catch((error: unknown) => this.#queue.fail(error));
  }

  /** Of the tar file, so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async push(piece: Uint8Array): Promise<void> {
    for (let at = 0; at < piece.length;) {
      const taken = piece.subarray(at, at + memberBytes - this.#held);
      this.#member.set(taken, this.#held);
      this.#held += taken.length;
      at += taken.length;
      if (this.#held === memberBytes) await this.#seal();
    }
    this.#bytes += piece.length;
  }

  async finish(): Promise<{ readonly volume: Uploaded; readonly tarBytes: number; readonly pages: readonly string[] }> {
    if (this.#held > 0) await this.#seal();
    this.#queue.end();
    const volume = await this.#uploaded;
    await this.#endPage();
    return { volume, tarBytes: this.#bytes, pages: this.#pages };
  }

  /** Resolves when nothing is on its way any more. */
  async abort(reason: unknown): Promise<void> {
    this.#queue.fail(reason);
    await Promise.allSettled([this.#uploaded]);
  }

  async #seal(): Promise<void> {
    const raw = this.#member.subarray(0, this.#held);
    this.#member = Buffer.allocUnsafe(memberBytes);
    this.#held = 0;
    const compressed = compress(raw);
    // Looked at in its turn; until then it is nobody's fault.
    compressed.catch(() => {});
    await this.#queue.push(compressed);
  }

  async *#body(): AsyncGenerator<Uint8Array> {
    let offset = 0;
    for await (const bytes of this.#queue) {
      this.#page.push(encodeMember({ offset, length: bytes.length, sha256: hash('sha256', bytes, 'buffer') }));
      offset += bytes.length;
      if (this.#page.length === pageMembers) await this.#endPage();
      yield bytes;
    }
  }

  async #endPage(): Promise<void> {
    if (this.#page.length === 0) return;
    const bytes = Buffer.concat(this.#page);
    this.#page = [];
    await putOnce(this.#store, pageFile(this.#folder, this.#pages.length), bytes, this.#signal);
    this.#pages.push(sha256Of(bytes));
  }
}
