/**
 * A stream of any length into one object. What fits into one chunk goes by one request; more goes by a resumable session, of
 * which nothing can be seen before its last chunk. A session that is not ended is dropped by Google a week later, costs nothing
 * until then and cannot be listed: nothing has to be swept.
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload
 */
import { createHash } from 'node:crypto';
import { inChunks } from '../chunks.ts';
import { Crc32c } from './crc32c.ts';
import { fieldsOf, resourceOf, strange } from './gcs-answers.ts';
import { gcsErrorOf } from './gcs-errors.ts';
import type { GcsAnswer } from './gcs-http.ts';
import type { GcsParts } from './gcs-insert.ts';
import { createdBy, creation, insert, metadataOf, objectPath, uploadPath, writing } from './gcs-insert.ts';
import { interruptible } from '../interruptible.ts';
import type { Uploaded } from '../objectstore.ts';
import { StoreConflict, StoreError, StoreUnavailable } from '../objectstore.ts';
import { Tries } from '../tries.ts';

/** A multiple of 256 KiB, as Google wants it. An upload holds two chunks, and a copy of the one that is sent. */
const chunkBytes = 4 * 1024 * 1024;

export class GcsUpload {
  readonly #parts: GcsParts;
  readonly #key: string;
  readonly #signal: AbortSignal;
  readonly #what: string;
  /** Stored beside the object: it tells who wrote it when the answer is lost. */
  readonly #attempt: string;
  readonly #sha256 = createHash('sha256');
  readonly #crc32c = new Crc32c();
  #bytes = 0;

  constructor(parts: GcsParts, key: string, signal: AbortSignal) {
    this.#parts = parts;
    this.#key = key;
    this.#signal = signal;
    this.#what = writing(parts.place, key);
    this.#attempt = parts.ids.hex(16);
  }

  async run(source: AsyncIterable<Uint8Array>): Promise<Uploaded> {
    let session: string | undefined;
    try {
      let held: Uint8Array = new Uint8Array();
      for await (const chunk of inChunks(interruptible(source, this.#signal), chunkBytes)) {
        if (held.length > 0) {
          session ??= await this.#begin();
          await this.#sendMore(session, held);
        }
        held = chunk;
      }
      await this.#proved(session === undefined ? this.#sendOnly(held) : this.#sendLast(session, held));
    } catch (error) {
      if (session !== undefined) this.#cancel(session);
      throw error;
    }
    return { bytes: this.#bytes, sha256: this.#sha256.digest('hex') };
  }

  /** Resolves with the path of a session, and what stands behind its question mark. */
  async #begin(): Promise<string> {
    const { http, place } = this.#parts;
    const query = { ...creation(place, this.#key), uploadType: 'resumable' };
    const headers = { 'content-type': 'application/json; charset=UTF-8' };
    const body = Buffer.from(JSON.stringify(metadataOf(this.#attempt)));
    const answer = await http.ask({ method: 'POST', path: uploadPath(place), query, headers, body, what: this.#what }, this.#signal);
    const location = answer.headers.get('location') ?? '';
    if (answer.status !== 200 && answer.status !== 201) throw this.#errorOf(answer);
    if (!URL.canParse(location)) throw new StoreUnavailable(`${this.#what}: the service says nothing about where to upload`);
    // Only the endpoint of the URL is talked to, whatever host the service takes itself for.
    const { pathname, search } = new URL(location);
    return `${pathname}${search}`;
  }

  async #sendMore(session: string, chunk: Uint8Array): Promise<void> {
    const start = this.#count(chunk);
    const behind = start + chunk.length;
    let kept: number | undefined = start;
    await new Tries(this.#parts, this.#signal).until(async () => {
      const from = kept ?? (await this.#keptIn(session));
      kept = undefined;
      if (from < start || from > behind) throw new StoreError(`${this.#what}: the service lost a part of what it was sent`);
      if (from === behind) return;
      const answer = await this.#send(session, chunk.subarray(from - start), from, {});
      if (answer.status !== 308) throw this.#sessionErrorOf(answer);
    });
  }

  /** How many bytes a session has: the only thing that tells after an answer was lost. */
  async #keptIn(session: string): Promise<number> {
    const headers = { 'content-range': 'bytes */*' };
    const answer = await this.#parts.http.ask({ method: 'PUT', path: session, headers, what: this.#what }, this.#signal);
    if (answer.status !== 308) throw this.#sessionErrorOf(answer);
    return keptBy(answer);
  }

  async #sendLast(session: string, chunk: Uint8Array): Promise<'created' | 'exists'> {
    const start = this.#count(chunk);
    const crc32c = this.#crc32c.toString();
    const answer = await this.#send(session, chunk, start, { total: this.#bytes, crc32c });
    return createdBy(this.#parts, this.#key, answer, crc32c);
  }

  async #sendOnly(body: Uint8Array): Promise<'created' | 'exists'> {
    this.#count(body);
    return insert(this.#parts, this.#key, { body, attempt: this.#attempt }, this.#signal);
  }

  /** The service may keep less than it is sent: then it gets the rest once more. */
  async #send(session: string, chunk: Uint8Array, start: number, end: End): Promise<GcsAnswer> {
    const behind = start + chunk.length;
    const headers = {
      'content-range': `bytes ${start}-${behind - 1}/${end.total ?? '*'}`,
      ...(end.crc32c && { 'x-goog-hash': `crc32c=${end.crc32c}` }),
    };
    const answer = await this.#parts.http.ask({ method: 'PUT', path: session, headers, body: chunk, what: this.#what }, this.#signal);
    if (answer.status !== 308) return answer;
    const kept = keptBy(answer);
    if (kept === behind) return answer;
    if (kept <= start || kept > behind) throw new StoreUnavailable(`${this.#what}: the service lost a part of what it was sent`);
    return this.#send(session, chunk.subarray(kept - start), kept, end);
  }

  /** Resolves when the object is there and ours: where the answer to the last request is missing, the object itself tells. */
  async #proved(creation: Promise<'created' | 'exists'>): Promise<void> {
    try {
      if ((await creation) === 'exists') throw new StoreConflict(`${this.#what}: it exists already`);
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || !(await this.#isThere())) throw error;
    }
  }

  /** Removes an object that is ours, but holds other bytes than were sent. */
  async #isThere(): Promise<boolean> {
    const { http, place } = this.#parts;
    const path = objectPath(place, this.#key);
    try {
      const answer = await http.ask(
        { method: 'GET', path, query: { fields: 'metadata,crc32c,generation' }, what: this.#what },
        this.#signal,
      );
      const { metadata, crc32c, generation } = answer.status === 200 ? resourceOf(answer, this.#what) : {};
      if (fieldsOf(metadata)['attempt'] !== this.#attempt) return false;
      if (crc32c === this.#crc32c.toString()) return true;
      await http.ask({ method: 'DELETE', path, query: { ifGenerationMatch: String(generation) }, what: this.#what }, this.#signal);
    } catch {
      // It stays unknown.
    }
    return false;
  }

  /** Nobody waits for it: what is not cancelled is dropped by Google. */
  #cancel(session: string): void {
    this.#parts.http.ask({ method: 'DELETE', path: session, what: this.#what }, AbortSignal.any([])).catch(() => {});
  }

  /** Resolves with where in the object `chunk` begins. */
  #count(chunk: Uint8Array): number {
    const start = this.#bytes;
    this.#sha256.update(chunk);
    this.#crc32c.update(chunk);
    this.#bytes += chunk.length;
    return start;
  }

  #errorOf(answer: GcsAnswer): Error {
    if (answer.status === 412) return new StoreConflict(`${this.#what}: it exists already`);
    return gcsErrorOf(answer, this.#what, this.#parts.place.bucket, 'bucket');
  }

  /** Of a request before the last chunk, when an object cannot be there yet. A session that is gone says nothing of the bucket. */
  #sessionErrorOf(answer: GcsAnswer): Error {
    if (answer.status < 300) return strange(this.#what);
    if (answer.status === 404 || answer.status === 410) return new StoreUnavailable(`${this.#what}: the service has dropped the upload`);
    return this.#errorOf(answer);
  }
}

/** What goes along with the last chunk. */
interface End {
  readonly total?: number;
  readonly crc32c?: string;
}

/** How many bytes of the object the service has. */
function keptBy({ headers }: GcsAnswer): number {
  const [, last] = /^bytes=0-(\d+)$/.exec(headers.get('range') ?? '') ?? [];
  return last === undefined ? 0 : Number(last) + 1;
}
