/** Objects in a bucket of Google Cloud Storage, by its JSON API. https://cloud.google.com/storage/docs/json_api/v1/objects */
import { announced, pageOf, resourceOf, sizeOf } from './gcs-answers.ts';
import type { Page } from './gcs-answers.ts';
import { gcsErrorOf } from './gcs-errors.ts';
import { answerOf } from './gcs-http.ts';
import type { GcsAnswer } from './gcs-http.ts';
import type { GcsParts } from './gcs-insert.ts';
import { bucketPath, insert, objectPath } from './gcs-insert.ts';
import { GcsUpload } from './gcs-upload.ts';
import { checkKey, checkPrefix, isKey } from '../keys.ts';
import type { ByteRange, ByteStream, ObjectStore, StoredKey, StoreError, Uploaded } from '../objectstore.ts';
import { StoreNotFound, StoreRange } from '../objectstore.ts';
import { boundsOf } from '../ranges.ts';
import { wholeOf } from '../whole.ts';

const listKeys = 1000;

export class GcsStore implements ObjectStore {
  readonly name: string;
  readonly #parts: GcsParts;

  constructor(parts: GcsParts) {
    this.name = parts.place.name;
    this.#parts = parts;
  }

  /** Rejects with a StoreError when the bucket is not there, or may not be listed. Needs no right to write. */
  async prove(signal: AbortSignal): Promise<void> {
    await this.#page({ prefix: this.#parts.place.prefix, maxResults: '1' }, `${this.name}: cannot list the bucket`, signal);
  }

  async putIfAbsent(key: string, body: Uint8Array, signal: AbortSignal): Promise<'created' | 'exists'> {
    this.#check(key, signal);
    return insert(this.#parts, key, { body }, signal);
  }

  async upload(key: string, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Uploaded> {
    this.#check(key, signal);
    return new GcsUpload(this.#parts, key, signal).run(body);
  }

  async read(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array> {
    const { body } = await this.stream(key, signal, range);
    return wholeOf(body);
  }

  async stream(key: string, signal: AbortSignal, range?: ByteRange): Promise<ByteStream> {
    this.#check(key, signal);
    if (range?.length === 0) return this.#withoutBytes(key, range, signal);
    const what = `${this.name}: cannot read ${key}`;
    const { http } = this.#parts;
    const headers: Record<string, string> = range === undefined ? {} : { range: `bytes=${range.start}-${lastOf(range)}` };
    const response = await http.open({ method: 'GET', path: this.#path(key), query: { alt: 'media' }, headers, what }, signal);
    if (response.status === 200 || response.status === 206) {
      const { size, length } = announced(response, key, range, what);
      return { size, body: http.pieces(response, length, what, signal) };
    }
    const answer = await answerOf(response);
    if (answer.status !== 416 || range === undefined) throw this.#errorOf(answer, what);
    const size = await this.#sizeOfPresent(key, signal);
    throw new StoreRange(`${this.name}: ${key} has ${size} bytes: there is none at ${range.start}`, size);
  }

  async size(key: string, signal: AbortSignal): Promise<number | undefined> {
    this.#check(key, signal);
    const what = `${this.name}: cannot read ${key}`;
    const answer = await this.#parts.http.ask({ method: 'GET', path: this.#path(key), query: { fields: 'size' }, what }, signal);
    if (answer.status === 200) return sizeOf(resourceOf(answer, what), what);
    return this.#unlessAbsent(answer, what);
  }

  async *list(prefix: string, signal: AbortSignal, startAfter = ''): AsyncIterable<StoredKey> {
    checkPrefix(prefix);
    const root = this.#parts.place.prefix;
    const what = `${this.name}: cannot list ${prefix}`;
    const query = { prefix: `${root}${prefix}`, maxResults: String(listKeys), ...(startAfter && { startOffset: `${root}${startAfter}` }) };
    let page = await this.#page(query, what, signal);
    for (;;) {
      for (const { name, ...about } of page.items) {
        signal.throwIfAborted();
        const key = name.slice(root.length);
        // startOffset itself is listed too; and what others put beside our keys is not ours.
        if (key > startAfter && isKey(key)) yield { key, ...about };
      }
      if (page.nextPageToken === '') return;
      page = await this.#page({ ...query, pageToken: page.nextPageToken }, what, signal);
    }
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    this.#check(key, signal);
    const what = `${this.name}: cannot delete ${key}`;
    const answer = await this.#parts.http.ask({ method: 'DELETE', path: this.#path(key), what }, signal);
    if (answer.status !== 200 && answer.status !== 204) this.#unlessAbsent(answer, what);
  }

  async close(): Promise<void> {}

  async #page(query: Readonly<Record<string, string>>, what: string, signal: AbortSignal): Promise<Page> {
    const { http, place } = this.#parts;
    const fields = 'items(name,size,updated),nextPageToken';
    const answer = await http.ask({ method: 'GET', path: bucketPath(place), query: { ...query, fields }, what }, signal);
    if (answer.status !== 200) throw gcsErrorOf(answer, what, place.bucket, 'bucket');
    return pageOf(answer, what);
  }

  /** HTTP has no range without bytes. */
  async #withoutBytes(key: string, range: ByteRange, signal: AbortSignal): Promise<ByteStream> {
    const size = await this.#sizeOfPresent(key, signal);
    boundsOf(key, size, range);
    return { size, body: noPieces() };
  }

  async #sizeOfPresent(key: string, signal: AbortSignal): Promise<number> {
    const size = await this.size(key, signal);
    if (size === undefined) throw new StoreNotFound(`${this.name}: cannot read ${key}: it does not exist`);
    return size;
  }

  #unlessAbsent(answer: GcsAnswer, what: string): undefined {
    const error = this.#errorOf(answer, what);
    if (!(error instanceof StoreNotFound)) throw error;
    return undefined;
  }

  #errorOf(answer: GcsAnswer, what: string): StoreError {
    return gcsErrorOf(answer, what, this.#parts.place.bucket, 'key');
  }

  #check(key: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    checkKey(key);
  }

  #path(key: string): string {
    return objectPath(this.#parts.place, key);
  }
}

function lastOf({ start, length }: ByteRange): string {
  return length === undefined ? '' : String(start + length - 1);
}

async function* noPieces(): AsyncGenerator<Uint8Array> {}
