/** The requests to S3 that a store consists of: one try each, with keys below the prefix, and errors translated. */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { PutObjectCommand } from '@aws-sdk/client-s3';
import { unlessAborted } from '../../base/lifetime.ts';
import type { ByteRange, ByteStream, StoredKey } from '../objectstore.ts';
import { StoreDamaged, StoreError, StoreNotFound, StoreUnavailable } from '../objectstore.ts';
import { boundsOf } from '../ranges.ts';
import { piecesOf } from './s3-body.ts';
import type { S3Connection } from './s3-client.ts';
import type { Asked } from './s3-errors.ts';
import { s3ErrorOf, sizeBeyondRange, statusOf } from './s3-errors.ts';
import type { S3Options } from './s3-options.ts';

export interface Found {
  readonly size: number;
  /** Of the upload that made it, if one did. */
  readonly attempt: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Asks for the page behind this one; undefined at the end. */
  readonly next: string | undefined;
}

export interface Multipart {
  readonly key: string;
  readonly id: string;
}

export interface StartedUpload extends Multipart {
  /** Milliseconds since the epoch, by the clock of the store. */
  readonly started: number;
}

export interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
  readonly ChecksumCRC32: string;
}

/** What is known of a body that is put. */
interface Given {
  /** Is kept with the object, so that who lost the answer can tell whose it is. */
  readonly attempt?: string | undefined;
  /** In hexadecimal digits. */
  readonly sha256?: string | undefined;
}

type CallOptions = { readonly abortSignal: AbortSignal };

/** Of the metadata of an object that was uploaded. */
const attemptField = 'kylon-attempt';
const putIfAbsent = 'put-if-absent (If-None-Match), which Kylon needs';

export class S3Requests {
  readonly #connection: S3Connection;
  readonly #options: S3Options;

  constructor(connection: S3Connection, options: S3Options) {
    this.#connection = connection;
    this.#options = options;
  }

  async put(key: string, body: Uint8Array, signal: AbortSignal, { attempt, sha256 }: Given): Promise<'created' | 'exists'> {
    const { sdk, client } = this.#connection;
    const checksum = sha256 === undefined ? { ChecksumCRC32: crc32Of(body) } : { ChecksumSHA256: base64Of(sha256) };
    const command = new sdk.PutObjectCommand({
      ...this.#object(key),
      ...this.#made(attempt),
      ...checksum,
      Body: body,
      IfNoneMatch: '*',
    });
    if (sha256 !== undefined) signBy(sha256, command);
    const asked = this.#asked(`cannot write ${key}`, 's3:PutObject', putIfAbsent);
    const answer = await this.#send(asked, signal, (options) => unlessExists(client.send(command, options)));
    if (answer === 'exists') return answer;
    if (answer.ETag === undefined) throw new StoreUnavailable(`${asked.what}: what answers does not speak S3: check the address`);
    for (const [kind, sent] of Object.entries(checksum)) this.#compare(key, sent, answer[kind as keyof typeof checksum]);
    return 'created';
  }

  /** `range` must not be empty. Rejects as ObjectStore.stream does. */
  async get(key: string, range: ByteRange | undefined, signal: AbortSignal): Promise<ByteStream> {
    const { sdk, client } = this.#connection;
    const command = new sdk.GetObjectCommand({ ...this.#object(key), Range: range && headerOf(range) });
    const asked = this.#asked(`cannot read ${key}`, 's3:GetObject');
    const answer = await this.#send(asked, signal, (options) =>
      client.send(command, options).catch(async (error: unknown) => {
        if (statusOf(error) === 416) boundsOf(key, sizeBeyondRange(error) ?? (await this.head(key, signal))?.size ?? 0, range);
        throw error;
      }),
    );
    if (!(answer.Body instanceof Readable)) throw new StoreUnavailable(`${asked.what}: the answer has no body`);
    const extent = extentOf(range, answer);
    if (extent !== undefined) return { size: extent.size, body: piecesOf(answer.Body, extent.bytes, asked, signal) };
    answer.Body.destroy();
    throw new StoreError(
      `${asked.what}: the store does not ${range === undefined ? 'tell the length of what it sends' : 'answer to ranges'}`,
    );
  }

  /** Of an upload. */
  async head(key: string, signal: AbortSignal): Promise<Found | undefined> {
    const { sdk, client } = this.#connection;
    const command = new sdk.HeadObjectCommand(this.#object(key));
    const asked = this.#asked(`cannot read ${key}`, 's3:GetObject');
    const answer = await this.#send(asked, signal, (options) => client.send(command, options).catch(undefinedIfAbsent));
    if (answer === undefined) return undefined;
    if (answer.ContentLength === undefined) throw new StoreUnavailable(`${asked.what}: the store does not tell its size`);
    return { size: answer.ContentLength, attempt: answer.Metadata?.[attemptField] };
  }

  async list(
    prefix: string,
    from: { readonly after?: string | undefined; readonly next?: string | undefined },
    signal: AbortSignal,
  ): Promise<Page<StoredKey>> {
    const { sdk, client } = this.#connection;
    const command = new sdk.ListObjectsV2Command({
      Bucket: this.#options.bucket,
      Prefix: `${this.#options.prefix}${prefix}`,
      StartAfter: from.after && `${this.#options.prefix}${from.after}`,
      ContinuationToken: from.next,
    });
    const asked = this.#asked(`cannot list ${prefix === '' ? 'the keys' : prefix}`, 's3:ListBucket');
    const answer = await this.#send(asked, signal, (options) => client.send(command, options));
    // A web page is XML enough to pass for an empty list.
    if (answer.IsTruncated === undefined) throw new StoreUnavailable(`${asked.what}: what answers does not speak S3: check the address`);
    const { IsTruncated, NextContinuationToken } = answer;
    if (IsTruncated && NextContinuationToken === undefined)
      throw new StoreError(`${asked.what}: the store cuts its list, and does not say where`);
    const items = (answer.Contents ?? []).map(({ Key = '', Size = 0, LastModified }) => ({
      key: this.#withoutPrefix(Key),
      size: Size,
      ...(LastModified && { modified: LastModified.getTime() }),
    }));
    return { items, next: IsTruncated ? NextContinuationToken : undefined };
  }

  async delete(key: string, signal: AbortSignal): Promise<void> {
    const { sdk, client } = this.#connection;
    const command = new sdk.DeleteObjectCommand(this.#object(key));
    const asked = this.#asked(`cannot delete ${key}`, 's3:DeleteObject');
    await this.#send(asked, signal, (options) => client.send(command, options)).catch((error: unknown) => {
      if (!(error instanceof StoreNotFound)) throw error;
    });
  }

  async start(key: string, attempt: string, signal: AbortSignal): Promise<Multipart> {
    const { sdk, client } = this.#connection;
    const command = new sdk.CreateMultipartUploadCommand({ ...this.#object(key), ...this.#made(attempt), ChecksumAlgorithm: 'CRC32' });
    const asked = this.#asked(`cannot upload ${key}`, 's3:PutObject', 'uploads in parts');
    const { UploadId } = await this.#send(asked, signal, (options) => client.send(command, options));
    if (UploadId === undefined) throw new StoreUnavailable(`${asked.what}: the store began an upload without a name`);
    return { key, id: UploadId };
  }

  async sendPart(upload: Multipart, number: number, body: Uint8Array, signal: AbortSignal): Promise<SentPart> {
    const { sdk, client } = this.#connection;
    const ChecksumCRC32 = crc32Of(body);
    const part = { ...this.#object(upload.key), UploadId: upload.id, PartNumber: number };
    const command = new sdk.UploadPartCommand({ ...part, Body: body, ChecksumCRC32 });
    const asked = this.#asked(`cannot upload part ${number} of ${upload.key}`, 's3:PutObject', 'uploads in parts');
    const answer = await this.#send(asked, signal, (options) => client.send(command, options));
    this.#compare(`part ${number} of ${upload.key}`, ChecksumCRC32, answer.ChecksumCRC32);
    return { PartNumber: number, ETag: answer.ETag, ChecksumCRC32 };
  }

  async complete(upload: Multipart, parts: readonly SentPart[], signal: AbortSignal): Promise<'created' | 'exists'> {
    const { sdk, client } = this.#connection;
    const command = new sdk.CompleteMultipartUploadCommand({
      ...this.#object(upload.key),
      UploadId: upload.id,
      MultipartUpload: { Parts: [...parts] },
      IfNoneMatch: '*',
    });
    const asked = this.#asked(`cannot finish the upload of ${upload.key}`, 's3:PutObject', putIfAbsent);
    const answer = await this.#send(asked, signal, (options) => unlessExists(client.send(command, options)));
    return answer === 'exists' ? answer : 'created';
  }

  /** Ends an upload and frees what its parts take up. One that is over already is no error. */
  async abandon(upload: Multipart, signal: AbortSignal): Promise<void> {
    const { sdk, client } = this.#connection;
    const command = new sdk.AbortMultipartUploadCommand({ ...this.#object(upload.key), UploadId: upload.id });
    await this.#send(this.#asked(`cannot end the upload of ${upload.key}`, 's3:AbortMultipartUpload'), signal, (options) =>
      client.send(command, options).catch(undefinedIfAbsent),
    );
  }

  /** Uploads that were begun and neither finished nor ended. `after` is the last one of the page before. */
  async uploads(
    after: Multipart | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly StartedUpload[]; readonly more: boolean }> {
    const { sdk, client } = this.#connection;
    const { bucket, prefix } = this.#options;
    const command = new sdk.ListMultipartUploadsCommand({
      Bucket: bucket,
      Prefix: prefix,
      KeyMarker: after && `${prefix}${after.key}`,
      UploadIdMarker: after?.id,
    });
    const asked = this.#asked('cannot list the unfinished uploads', 's3:ListBucketMultipartUploads');
    const { Uploads = [], IsTruncated = false } = await this.#send(asked, signal, (options) => client.send(command, options));
    const items = Uploads.flatMap(({ Key, UploadId: id, Initiated }) =>
      Key?.startsWith(prefix) && id !== undefined && Initiated ? [{ key: this.#withoutPrefix(Key), id, started: Initiated.getTime() }] : [],
    );
    return { items, more: IsTruncated };
  }

  close(): void {
    this.#connection.client.destroy();
  }

  async #send<T>(asked: Asked, signal: AbortSignal, call: (options: CallOptions) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await unlessAborted(call({ abortSignal: signal }), signal);
    } catch (error) {
      signal.throwIfAborted();
      throw s3ErrorOf(error, asked);
    }
  }

  #asked(what: string, right: string, needs?: string): Asked {
    const { name, bucket, endpoint, sse } = this.#options;
    const wanted = { ...(needs !== undefined && { needs }), ...(sse !== undefined && { sse }) };
    return { what: `${name}: ${what}`, right, bucket, endpoint, ...wanted };
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#options.bucket, Key: `${this.#options.prefix}${key}` };
  }

  #made(attempt: string | undefined) {
    const { sse, sseKmsKeyId } = this.#options;
    return {
      ServerSideEncryption: sse,
      SSEKMSKeyId: sseKmsKeyId,
      Metadata: attempt === undefined ? undefined : { [attemptField]: attempt },
    };
  }

  #withoutPrefix(key: string): string {
    return key.slice(this.#options.prefix.length);
  }

  /** Not every store tells what it computed; the signature covers the hash of the body in any case. */
  #compare(what: string, sent: string, stored: string | undefined): void {
    if (stored !== undefined && stored !== sent)
      throw new StoreDamaged(`${this.#options.name}: ${what}: the store has another checksum (${stored}) than what was sent (${sent})`);
  }
}

async function unlessExists<T>(sending: Promise<T>): Promise<T | 'exists'> {
  try {
    return await sending;
  } catch (error) {
    if (statusOf(error) === 412) return 'exists';
    throw error;
  }
}

/** For requests whose 404 has no body to tell more. */
function undefinedIfAbsent(error: unknown): undefined {
  if (statusOf(error) !== 404) throw error;
}

function crc32Of(body: Uint8Array): string {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return checksum.toString('base64');
}

const base64Of = (hexadecimal: string) => Buffer.from(hexadecimal, 'hex').toString('base64');

/** The signature covers the hash of the body, which the SDK computes unless the header is there. */
function signBy(sha256: string, { middlewareStack }: PutObjectCommand): void {
  middlewareStack.add(
    (next) => (given) => {
      const { headers } = given.request as { readonly headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256;
      return next(given);
    },
    { step: 'build' },
  );
}

function headerOf({ start, length }: ByteRange): string {
  return `bytes=${start}-${length === undefined ? '' : start + length - 1}`;
}

interface Extent {
  /** Of the whole object. */
  readonly size: number;
  /** Of what is sent. */
  readonly bytes: number;
}

function extentOf(
  range: ByteRange | undefined,
  answer: { readonly ContentLength?: number | undefined; readonly ContentRange?: string | undefined },
): Extent | undefined {
  const { ContentLength: bytes, ContentRange } = answer;
  if (ContentRange === undefined) return bytes !== undefined && isWhole(range, bytes) ? { size: bytes, bytes } : undefined;
  const [, start, end, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange) ?? [];
  return Number(start) === range?.start ? { size: Number(size), bytes: Number(end) - Number(start) + 1 } : undefined;
}

/** Some stores send an object without further ado when a range covers all of it. */
function isWhole(range: ByteRange | undefined, bytes: number): boolean {
  return range === undefined || (range.start === 0 && bytes <= (range.length ?? bytes));
}
