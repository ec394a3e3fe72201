/**
 * Creates an object in one request. What arrives is checked by the service against the CRC32C that is sent ahead, and the one
 * it answers with is compared again. An object that did not arrive whole is left as it is: a delete would free its name.
 */
import type { Clock } from '../../base/clock.ts';
import type { Ids } from '../../base/ids.ts';
import { Crc32c } from './crc32c.ts';
import { resourceOf } from './gcs-answers.ts';
import { gcsErrorOf } from './gcs-errors.ts';
import type { GcsAnswer, GcsHttp } from './gcs-http.ts';
import type { GcsPlace } from './gcs-place.ts';
import { StoreUnavailable } from '../objectstore.ts';

export interface GcsParts {
  readonly place: GcsPlace;
  readonly http: GcsHttp;
  readonly ids: Ids;
  readonly clock: Clock;
}

export interface Insertion {
  readonly body: Uint8Array;
  /** Kept beside the object, as proof of whose it is. */
  readonly attempt?: string;
}

export async function insert(
  parts: GcsParts,
  key: string,
  { body, attempt }: Insertion,
  signal: AbortSignal,
): Promise<'created' | 'exists'> {
  const { place, http, ids } = parts;
  const checksum = new Crc32c();
  checksum.update(body);
  const crc32c = checksum.toString();
  const boundary = ids.hex(16);
  const answer = await http.ask(
    {
      method: 'POST',
      path: uploadPath(place),
      query: { ...creation(place, key), uploadType: 'multipart' },
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body: inParts(boundary, { ...metadataOf(attempt), crc32c }, body),
      what: writing(place, key),
    },
    signal,
  );
  return createdBy(parts, key, answer, crc32c);
}

/** What the answer to the last request of a creation means. */
export function createdBy({ place }: GcsParts, key: string, answer: GcsAnswer, crc32c: string): 'created' | 'exists' {
  const what = writing(place, key);
  if (answer.status === 412) return 'exists';
  if (answer.status !== 200 && answer.status !== 201) throw gcsErrorOf(answer, what, place.bucket, 'bucket');
  const stored = resourceOf(answer, what)['crc32c'];
  if (stored !== crc32c)
    throw new StoreUnavailable(`${what}: the service has other bytes than were sent (CRC32C ${String(stored)}, not ${crc32c})`);
  return 'created';
}

export function writing(place: GcsPlace, key: string): string {
  return `${place.name}: cannot write ${key}`;
}

export function bucketPath({ bucket }: GcsPlace): string {
  return `/storage/v1/b/${bucket}/o`;
}

export function objectPath(place: GcsPlace, key: string): string {
  return `${bucketPath(place)}/${encodeURIComponent(`${place.prefix}${key}`)}`;
}

export function uploadPath(place: GcsPlace): string {
  return `/upload${bucketPath(place)}`;
}

/** Generation 0 is that of an object that does not exist. */
export function creation(place: GcsPlace, key: string): { readonly name: string; readonly ifGenerationMatch: string } {
  return { name: `${place.prefix}${key}`, ifGenerationMatch: '0' };
}

/** Without `no-store`, a bucket that the public may read would be answered for by caches. */
export function metadataOf(attempt: string | undefined): Readonly<Record<string, unknown>> {
  return { contentType: 'application/octet-stream', cacheControl: 'no-store', ...(attempt && { metadata: { attempt } }) };
}

/** https://cloud.google.com/storage/docs/uploading-objects#rest-upload-objects */
function inParts(boundary: string, metadata: Readonly<Record<string, unknown>>, body: Uint8Array): Buffer<ArrayBuffer> {
  const head = [
    `--${boundary}`,
    'content-type: application/json; charset=UTF-8',
    '',
    JSON.stringify(metadata),
    `--${boundary}`,
    'content-type: application/octet-stream',
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(head.join('\r\n')), body, Buffer.from(`\r\n--${boundary}--\r\n`)]);
}
