/**
 * A store whose objects are encrypted, each under a key of its own, which a named key of the keyring wraps. Those above it
 * give and get content, sizes and ranges as on any store. Without reading, sizes are what the store says of the encrypted
 * object: that nothing was cut off is proved when the last bytes are read.
 */
import { createHash } from 'node:crypto';
import type { Ids } from '../../base/ids.ts';
import { inChunks } from '../chunks.ts';
import { interruptible } from '../interruptible.ts';
import type { Keyring } from './keyring.ts';
import type { ByteRange, ByteStream, ObjectStore, StoredKey, Uploaded } from '../objectstore.ts';
import { StoreDamaged, StoreRange } from '../objectstore.ts';
import { wholeOf } from '../whole.ts';
import type { Head } from './sealed-parts.ts';
import { openPart, openParts, partOf, sealedRange } from './sealed-parts.ts';
import { chunkBytes, contentSize, headerBytes, newHeader, openHeader, sealChunk } from './sealing.ts';

/** How many headers are remembered for reads of parts; the one used longest ago is forgotten. */
const mostHeaders = 256;

/** Encrypts what lies under `prefix`; the rest passes as it is: the marker and the probe hold nothing that is secret. */
export function encrypted(store: ObjectStore, keyring: Keyring, ids: Ids, prefix = 'd/'): ObjectStore {
  return new EncryptedStore(store, keyring, ids, prefix);
}

class EncryptedStore implements ObjectStore {
  readonly name: string;
  readonly #store: ObjectStore;
  readonly #keyring: Keyring;
  readonly #ids: Ids;
  readonly #prefix: string;
  /** In the order of their use. One may be of an object that was deleted since and made anew. */
  readonly #heads = new Map<string, Head>();

  constructor(store: ObjectStore, keyring: Keyring, ids: Ids, prefix: string) {
    this.name = store.name;
    this.#store = store;
    this.#keyring = keyring;
    this.#ids = ids;
    this.#prefix = prefix;
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal, sha256?: string): Promise<'created' | 'exists'> {
    if (!this.#covers(key)) return this.#store.putIfAbsent(key, body, signal, sha256);
    return this.#store.putIfAbsent(key, this.#sealed(key, body), signal);
  }

  async upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
    if (!this.#covers(key)) return this.#store.upload(key, body, signal);
    const hash = createHash('sha256');
    let bytes = 0;
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const piece of interruptible(body, signal)) {
        hash.update(piece);
        bytes += piece.length;
        yield piece;
      }
    }
    await this.#store.upload(key, this.#sealing(key, hashed()), signal);
    return { bytes, sha256: hash.digest('hex') };
  }

  async read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    if (!this.#covers(key)) return this.#store.read(key, signal, range);
    return range === undefined ? this.#readWhole(key, signal) : this.#readPart(key, range, signal);
  }

  async stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream> {
    if (!this.#covers(key)) return this.#store.stream(key, signal, range);
    const head = await this.#readHead(key, signal);
    const part = partOf(head, range);
    const { body } = await this.#store.stream(key, signal, sealedRange(part)).catch(asDamage(key));
    return { size: head.size, body: openParts(part, body) };
  }

  async size(key: string, signal: AbortSignal): Promise<number | undefined> {
    const size = await this.#store.size(key, signal);
    return size === undefined || !this.#covers(key) ? size : sizeOf(key, size);
  }

  /** What has not the size of any encrypted object is listed as empty: a list shows what there is, and reading it tells. */
  async *list(prefix: string, signal: AbortSignal, startAfter?: string): AsyncIterable<StoredKey> {
    for await (const stored of this.#store.list(prefix, signal, startAfter))
      yield this.#covers(stored.key) ? { ...stored, size: contentSize(stored.size) ?? 0 } : stored;
  }

  delete(key: string, signal: AbortSignal): Promise<void> {
    this.#heads.delete(key);
    return this.#store.delete(key, signal);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #covers(key: string): boolean {
    return key.startsWith(this.#prefix);
  }

  #sealed(key: string, content: Uint8Array): Uint8Array {
    const { header, cipher } = newHeader(key, this.#keyring.current, this.#ids);
    const chunks = Math.max(1, Math.ceil(content.length / chunkBytes));
    const seal = (i: number) => sealChunk(cipher, i, i === chunks - 1, content.subarray(i * chunkBytes, (i + 1) * chunkBytes));
    return Buffer.concat([header, ...Array.from({ length: chunks }, (_, i) => seal(i))]);
  }

  async *#sealing(key: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { header, cipher } = newHeader(key, this.#keyring.current, this.#ids);
    yield header;
    let index = 0;
    let held: Uint8Array | undefined;
    for await (const chunk of inChunks(content, chunkBytes)) {
      if (held !== undefined) yield sealChunk(cipher, index++, false, held);
      held = chunk;
    }
    yield sealChunk(cipher, index, true, held ?? new Uint8Array());
  }

  async #readWhole(key: string, signal: AbortSignal): Promise<Uint8Array> {
    const sealed = await this.#store.read(key, signal);
    const head = { cipher: openHeader(key, sealed, this.#keyring), size: sizeOf(key, sealed.length) };
    return openPart(partOf(head, undefined), sealed.subarray(headerBytes));
  }

  /** A remembered header may be that of an earlier object; then its key does not fit, and it is read again. */
  async #readPart(key: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const known = this.#heads.get(key);
    if (known === undefined) return this.#readPartBy(await this.#readHead(key, signal), key, range, signal);
    try {
      return await this.#readPartBy(known, key, range, signal);
    } catch (error) {
      this.#heads.delete(key);
      if (!(error instanceof StoreDamaged || error instanceof StoreRange)) throw error;
      return this.#readPartBy(await this.#readHead(key, signal), key, range, signal);
    }
  }

  async #readPartBy(head: Head, key: string, range: ByteRange, signal: AbortSignal): Promise<Uint8Array> {
    const part = partOf(head, range);
    const content = openPart(part, await this.#store.read(key, signal, sealedRange(part)).catch(asDamage(key)));
    this.#remember(key, head);
    return content;
  }

  async #readHead(key: string, signal: AbortSignal): Promise<Head> {
    const { size, body } = await this.#store.stream(key, signal, { start: 0, length: headerBytes }).catch(asDamage(key));
    return { cipher: openHeader(key, await wholeOf(body), this.#keyring), size: sizeOf(key, size) };
  }

  #remember(key: string, head: Head): void {
    this.#heads.delete(key);
    this.#heads.set(key, head);
    for (const oldest of this.#heads.keys()) {
      if (this.#heads.size <= mostHeaders) break;
      this.#heads.delete(oldest);
    }
  }
}

function sizeOf(key: string, sealed: number): number {
  const size = contentSize(sealed);
  if (size === undefined) throw new StoreDamaged(`${key} is damaged or not encrypted: no encrypted object has ${sealed} bytes`);
  return size;
}

/** Where the object ends before its header, or before what its size promises. */
function asDamage(key: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof StoreRange) throw new StoreDamaged(`${key} is damaged: it ends too early`, { cause: error });
    throw error;
  };
}
