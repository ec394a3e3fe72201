/** What the URL of an S3 store and the environment say, checked before anything is sent. Messages name the part at fault, never its value. */
import { isKey } from '../keys.ts';
import { StoreError } from '../objectstore.ts';
import type { StoreParts } from '../provider.ts';

export interface S3Options {
  /** For messages: scheme, bucket and prefix. */
  readonly name: string;
  readonly bucket: string;
  /** Before each key: empty, or ends in a slash. */
  readonly prefix: string;
  /** undefined: the one of AWS. */
  readonly endpoint: string | undefined;
  /** undefined: the SDK looks it up in the shared files. */
  readonly region: string | undefined;
  readonly pathStyle: boolean;
  readonly caFile: string | undefined;
  readonly sse: Encryption | undefined;
  readonly sseKmsKeyId: string | undefined;
  /** undefined: the SDK's chain looks for some. */
  readonly keys: StaticKeys | undefined;
}

type Encryption = (typeof encryptions)[number];

interface StaticKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type Parameters = ReadonlyMap<string, string>;

const encryptions = ['AES256', 'aws:kms'] as const;
const known = ['endpoint', 'region', 'pathStyle', 'caFile', 'sse', 'sseKmsKeyId'];
/** S3 takes 1024 bytes: 512 are for the key, and one for the slash. */
const longestPrefix = 511;

export function s3OptionsOf(url: URL, env: StoreParts['env']): S3Options {
  const bucket = bucketOf(url);
  const prefix = prefixOf(url, bucket);
  const name = `s3://${bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}`;
  const refuse = (fault: string): never => {
    throw new StoreError(`${name}: ${fault}`);
  };
  const parameters = parametersOf(url, refuse);
  const endpoint = endpointOf(parameters, refuse);
  return {
    name,
    bucket,
    prefix,
    endpoint,
    region: regionOf(parameters, env, refuse) ?? (endpoint === undefined ? undefined : 'us-east-1'),
    pathStyle: pathStyleOf(parameters, refuse) ?? endpoint !== undefined,
    caFile: caFileOf(parameters, refuse),
    ...encryptionOf(parameters, refuse),
    keys: keysOf(env, refuse),
  };
}

type Refuse = (fault: string) => never;

function bucketOf(url: URL): string {
  const bucket = url.host;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new StoreError(
      `s3://${bucket.slice(0, 100)}: what stands between s3:// and the next slash must be the name of a bucket: 3 to 63 of a-z 0-9 . and -, with a letter or digit at both ends; an address belongs behind ?endpoint=`,
    );
  if (bucket.endsWith('--x-s3'))
    throw new StoreError(
      `s3://${bucket}: a directory bucket (S3 Express One Zone) lists its keys in no order, so Kylon cannot use it: name a general purpose bucket`,
    );
  return bucket;
}

function prefixOf(url: URL, bucket: string): string {
  const prefix = url.pathname.replace(/^\//, '').replace(/\/$/, '');
  if (url.hash !== '') throw new StoreError(`s3://${bucket}: the URL has a #, which means nothing here`);
  if (prefix !== '' && (!isKey(prefix) || prefix.length > longestPrefix))
    throw new StoreError(
      `s3://${bucket}: the prefix must be parts of A-Z a-z 0-9 . _ -, with a slash between them, ${longestPrefix} characters at most`,
    );
  return prefix === '' ? '' : `${prefix}/`;
}

function parametersOf(url: URL, refuse: Refuse): Parameters {
  const parameters = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!known.includes(name)) refuse(`there is no parameter "${name.slice(0, 40)}"; there are ${known.join(', ')}`);
    if (parameters.has(name)) refuse(`the URL has the parameter ${name} twice`);
    if (value === '') refuse(`the parameter ${name} of the URL is empty`);
    parameters.set(name, value);
  }
  return parameters;
}

function endpointOf(parameters: Parameters, refuse: Refuse): string | undefined {
  const value = parameters.get('endpoint');
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return refuse('endpoint must be a URL that begins with https:// or http://');
  if (url.username !== '' || url.password !== '') refuse('endpoint holds a user name or password: secrets belong in the environment');
  if (url.search !== '' || url.hash !== '')
    refuse('endpoint must be a URL without ? and #; in the URL of a store, write %3F for ?, %26 for & and %23 for #');
  return url.href;
}

function regionOf(parameters: Parameters, env: StoreParts['env'], refuse: Refuse): string | undefined {
  const found = ['AWS_REGION', 'AWS_DEFAULT_REGION'].find((name) => env[name]);
  const [from, region] = parameters.has('region') ? ['region', parameters.get('region')] : [found, found && env[found]];
  if (region !== undefined && !/^[A-Za-z0-9-]{1,63}$/.test(region)) refuse(`${from} must be the name of a region, such as eu-central-1`);
  return region;
}

function pathStyleOf(parameters: Parameters, refuse: Refuse): boolean | undefined {
  const value = parameters.get('pathStyle');
  if (value !== undefined && value !== 'true' && value !== 'false') refuse('pathStyle must be true or false');
  return value === undefined ? undefined : value === 'true';
}

function caFileOf(parameters: Parameters, refuse: Refuse): string | undefined {
  const value = parameters.get('caFile');
  if (value !== undefined && !value.startsWith('/')) refuse('caFile must be an absolute path');
  return value;
}

function encryptionOf(parameters: Parameters, refuse: Refuse): Pick<S3Options, 'sse' | 'sseKmsKeyId'> {
  const sse = encryptions.find((encryption) => encryption === parameters.get('sse'));
  const sseKmsKeyId = parameters.get('sseKmsKeyId');
  if (parameters.has('sse') && sse === undefined) refuse(`sse must be ${encryptions.join(' or ')}`);
  if (sseKmsKeyId !== undefined && sse !== 'aws:kms') refuse('sseKmsKeyId needs sse=aws:kms');
  return { sse, sseKmsKeyId };
}

function keysOf(env: StoreParts['env'], refuse: Refuse): StaticKeys | undefined {
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;
  const [accessKeyId, secretAccessKey, sessionToken] = names.map((name) => env[name] || undefined);
  // A line feed at the end is what a Secret made from a file often has.
  const spaced = names.find((name) => /\s/.test(env[name] ?? ''));
  if (spaced !== undefined) refuse(`${spaced} holds a space or line feed`);
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined) return refuse('AWS_SECRET_ACCESS_KEY is set, and AWS_ACCESS_KEY_ID is not');
  if (secretAccessKey === undefined) return refuse('AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not');
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}
