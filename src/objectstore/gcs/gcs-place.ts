/** What a gs:// URL says, and why it is refused. Values behind the question mark are never repeated: they may be secrets. */
import { isIPv4 } from 'node:net';
import { messageOf } from '../../base/lifetime.ts';
import { checkKey } from '../keys.ts';
import { StoreError } from '../objectstore.ts';

export interface GcsPlace {
  /** `gs://bucket/prefix`. */
  readonly name: string;
  readonly bucket: string;
  /** What stands before every key: empty, or ending in a slash. */
  readonly prefix: string;
  /** Scheme, host and port of the JSON API. */
  readonly endpoint: string;
  /** The project that is billed for requests, where it is not the bucket's own. */
  readonly project: string | undefined;
}

const google = 'https://storage.googleapis.com';
const parameters = ['endpoint', 'project'];
/** With the slash behind it and a key of 512 characters, it just fits into the 1024 bytes of a name. */
const longestPrefix = 511;

/** Throws a StoreError that names the part and its fault. */
export function placeOf(url: URL): GcsPlace {
  const bucket = bucketOf(url);
  const name = `gs://${bucket}${url.pathname.replace(/\/$/, '')}`;
  if (url.hash !== '') throw new StoreError(`${name}: a # has no meaning in the URL of a store`);
  checkParameters(name, url.searchParams);
  const project = url.searchParams.get('project') ?? undefined;
  if (project !== undefined && !/^[a-z0-9.:-]+$/.test(project)) throw new StoreError(`${name}: project is not the id of a Google project`);
  return { name, bucket, prefix: prefixOf(url), endpoint: endpointOf(name, url.searchParams.get('endpoint')), project };
}

/** https://cloud.google.com/storage/docs/buckets#naming */
function bucketOf(url: URL): string {
  const bucket = url.hostname;
  if (bucket === '') throw new StoreError('gs: the URL names no bucket; its form is gs://BUCKET/PREFIX');
  if (url.port !== '') throw new StoreError(`gs://${bucket}: a port belongs in the parameter endpoint`);
  const fits = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket) && bucket.split('.').every((part) => part !== '' && part.length <= 63);
  if (!fits || isIPv4(bucket))
    throw new StoreError(`gs://${bucket}: a bucket is named by 3 to 63 of a-z 0-9 - _ and dots, with a letter or digit at both ends`);
  return bucket;
}

function checkParameters(name: string, given: URLSearchParams): void {
  for (const parameter of given.keys()) {
    if (!parameters.includes(parameter))
      throw new StoreError(`${name}: there is no parameter "${parameter.slice(0, 40)}"; there are ${parameters.join(', ')}`);
    if (given.getAll(parameter).length > 1) throw new StoreError(`${name}: ${parameter} is given twice`);
  }
}

function prefixOf(url: URL): string {
  const prefix = url.pathname.replace(/^\//, '').replace(/\/$/, '');
  if (prefix === '') return '';
  if (prefix.length > longestPrefix) throw new StoreError(`gs://${url.hostname}: the prefix is longer than ${longestPrefix} characters`);
  try {
    checkKey(prefix);
  } catch (error) {
    throw new StoreError(`gs://${url.hostname}: the prefix is no good: ${messageOf(error)}`, { cause: error });
  }
  return `${prefix}/`;
}

function endpointOf(name: string, given: string | null): string {
  if (given === null) return google;
  const endpoint = URL.canParse(given) ? new URL(given) : undefined;
  const isPlain = endpoint !== undefined && endpoint.href === `${endpoint.origin}/`;
  if (!isPlain || !/^https?:$/.test(endpoint.protocol))
    throw new StoreError(`${name}: endpoint is not of the form http://HOST:PORT or https://HOST`);
  return endpoint.origin;
}
