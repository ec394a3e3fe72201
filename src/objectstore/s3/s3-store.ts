/** A bucket of S3, or of a store that speaks its language, as an object store. */
import { Readable } from 'node:stream';
import { checkKey, checkPrefix, isKey } from '../keys.ts';
import type { ByteRange, ByteStream, ObjectStore, StoredKey, Uploaded } from '../objectstore.ts';
import { StoreError, StoreNotFound, StoreRange } from '../objectstore.ts';
import { boundsOf } from '../ranges.ts';
import { wholeOf } from '../whole.ts';
import type { S3Requests } from './s3-requests.ts';
import type { UploadParts } from './s3-upload.ts';
import { uploadToS3 } from './s3-upload.ts';

export class S3Store implements ObjectStore {
  readonly name: string;
  readonly #parts: UploadParts;
  readonly #requests: S3Requests;

  constructor(parts: UploadParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#requests = parts.requests;
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal, sha256?: string): Promise<'created' | 'exists'> {
    checkKey(key);
    return this.#requests.put(key, body, signal, { sha256 });
  }

  async upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
    checkKey(key);
    return uploadToS3(this.#parts, key, body, signal);
  }

  async read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    const { body } = await this.stream(key, signal, range);
    return wholeOf(body);
  }

  async stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream> {
    checkKey(key);
    return range?.length === 0 ? this.#nothing(key, range, signal) : this.#requests.get(key, range, signal);
  }

  /** Reads one byte: the answer to HEAD has no body, so that of a proxy which knows no such page would pass for an absent key. */
  async size(key: string, signal: AbortSignal): Promise<number | undefined> {
    checkKey(key);
    try {
      const { size, body } = await this.#requests.get(key, { start: 0, length: 1 }, signal);
      for await (const _ of body);
      return size;
    } catch (error) {
      if (error instanceof StoreRange) return error.size;
      if (error instanceof StoreNotFound) return undefined;
      throw error;
    }
  }

  async *list(prefix: string, signal: AbortSignal, startAfter?: string): AsyncIterable<StoredKey> {
    checkPrefix(prefix);
    let last = '';
    let next: string | undefined;
    do {
      const page = await this.#requests.list(prefix, next === undefined ? { after: startAfter } : { next }, signal);
      for (const stored of page.items.filter(({ key }) => isKey(key))) {
        signal.throwIfAborted();
        if (stored.key <= last) throw new StoreError(`${this.name}: lists ${stored.key} after ${last}, so its order cannot be relied on`);
        last = stored.key;
        yield stored;
      }
      next = page.next;
    } while (next !== undefined);
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    checkKey(key);
    await this.#requests.delete(key, signal);
  }

  async close(): Promise<void> {
    this.#requests.close();
  }

  /** No header asks for a range of no bytes. */
  async #nothing(key: string, range: ByteRange, signal: AbortSignal): Promise<ByteStream> {
    const size = await this.size(key, signal);
    if (size === undefined) throw new StoreNotFound(`${this.name}: cannot read ${key}: it does not exist`);
    boundsOf(key, size, range);
    return { size, body: Readable.from([]) };
  }
}
