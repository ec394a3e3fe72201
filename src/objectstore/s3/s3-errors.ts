/**
 * What S3, its SDK and the network say, in the terms of an object store. The error of the SDK is not passed on as a cause: it
 * carries the answer of the store, which repeats tokens and signatures.
 */
import { StoreDenied, StoreError, StoreFull, StoreNotFound, StoreUnavailable } from '../objectstore.ts';

/** What was asked when it failed. */
export interface Asked {
  /** For messages: "s3://bucket/prefix: cannot write KEY". */
  readonly what: string;
  /** The right that it takes, as policies call it. */
  readonly right: string;
  /** What not every store implements. */
  readonly needs?: string;
  /** The encryption that was asked for with it. */
  readonly sse?: string;
  readonly bucket: string;
  /** undefined: the one of AWS. */
  readonly endpoint: string | undefined;
}

/** What is looked at of an error: the SDK types hardly any of it. */
interface Answer {
  /** The code of S3, or of the system. */
  readonly code: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  /** Where the bucket lies, if the store told. */
  readonly region: string | undefined;
  /** In the words of the store. */
  readonly words: string;
}

interface Verdict {
  readonly as: new (message: string) => StoreError;
  readonly because: (answer: Answer, asked: Asked) => string;
}

const unreachable = (fault: string): Verdict => ({
  as: StoreUnavailable,
  because: ({ words }, { endpoint }) => `${fault} ${at(endpoint)}${quoted(words)}`,
});
const denied = (because: string): Verdict => ({ as: StoreDenied, because: () => because });
const full: Verdict = { as: StoreFull, because: () => 'the store is full, or a quota is used up' };
const passing = (because: string): Verdict => ({ as: StoreUnavailable, because: ({ words }) => `${because}${quoted(words)}` });
const damaged = passing('it was damaged on the way');
const notImplemented: Verdict = {
  as: StoreError,
  because: ({ words }, { needs, right, sse }) =>
    sse === undefined
      ? `the store does not implement ${needs ?? right}${quoted(words)}`
      : `the store does not implement something of this request, perhaps sse=${sse} (try without)${quoted(words)}`,
};
const elsewhere: Verdict = {
  as: StoreError,
  because: ({ region }, { bucket }) =>
    region === undefined
      ? `the bucket "${bucket}" lies in another region: name it by ?region=`
      : `the bucket "${bucket}" lies in the region ${region}: name it by ?region=${region}`,
};
const tokenOver = denied('the session token is not valid or has expired: get new credentials');
const untrusted = unreachable('nobody who is trusted here has signed the certificate (caFile may name its authority)');
const stranger: Verdict = {
  as: StoreUnavailable,
  because: ({ status }, { endpoint }) => `what answers ${at(endpoint)} (with ${status}) does not speak S3: check the address`,
};

/** By the code of S3 or of the system. */
const byCode: ReadonlyMap<string, Verdict> = new Map(
  Object.entries({
    InvalidAccessKeyId: denied('the store does not know the access key: check AWS_ACCESS_KEY_ID, and that it is for this store'),
    SignatureDoesNotMatch: denied('the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY'),
    ExpiredToken: tokenOver,
    ExpiredTokenException: tokenOver,
    InvalidToken: tokenOver,
    TokenRefreshRequired: tokenOver,
    CredentialsProviderError: {
      as: StoreDenied,
      because: ({ words }) =>
        `no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the process a role${quoted(words)}`,
    },
    RequestTimeTooSkewed: denied('the clocks of this machine and of the store are too far apart: set the clock of this machine'),
    QuotaExceeded: full,
    InsufficientStorage: full,
    XMinioStorageFull: full,
    XMinioAdminBucketQuotaExceeded: full,
    NoSuchKey: { as: StoreNotFound, because: () => 'it does not exist' },
    NoSuchBucket: {
      as: StoreError,
      because: (_, { bucket, endpoint }) => `the bucket "${bucket}" does not exist ${at(endpoint)}: make it, or correct the URL`,
    },
    NoSuchUpload: passing('somebody removed the upload while it went on'),
    PermanentRedirect: elsewhere,
    AuthorizationHeaderMalformed: elsewhere,
    TemporaryRedirect: passing('the bucket is so new that its address is not known everywhere yet'),
    BadDigest: damaged,
    XAmzContentSHA256Mismatch: damaged,
    XAmzContentChecksumMismatch: damaged,
    IncompleteBody: damaged,
    RequestTimeout: passing('it came too slowly for the store'),
    TimeoutError: { as: StoreUnavailable, because: (_, { endpoint }) => `there was no answer in time ${at(endpoint)}` },
    ECONNREFUSED: { as: StoreUnavailable, because: (_, { endpoint }) => `nothing listens ${at(endpoint)}` },
    ENOTFOUND: unreachable('there is no such host'),
    EAI_AGAIN: unreachable('the name of the host cannot be looked up'),
    ECONNRESET: unreachable('the connection was cut'),
    EPIPE: unreachable('the connection was cut'),
    EPROTO: { as: StoreUnavailable, because: (_, { endpoint }) => `there is no TLS ${at(endpoint)}: should it be http://?` },
    SELF_SIGNED_CERT_IN_CHAIN: untrusted,
    DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
    UNABLE_TO_GET_ISSUER_CERT: untrusted,
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
    CERT_HAS_EXPIRED: unreachable('the certificate has expired'),
    ERR_TLS_CERT_ALTNAME_INVALID: unreachable('the certificate is for another host'),
  }),
);

const byStatus: Readonly<Record<number, Verdict>> = {
  301: elsewhere,
  403: {
    as: StoreDenied,
    because: ({ words }, { right }) => `access denied: the credentials need the right ${right}${quoted(words)}`,
  },
  404: stranger,
  408: passing('it came too slowly for the store'),
  409: passing('another request for the same key was under way, so it is not known what became of this one'),
  429: passing('the store gets more requests than it takes'),
  501: notImplemented,
  507: full,
};

/** Passes a StoreError on as it is. */
export function s3ErrorOf(error: unknown, asked: Asked): StoreError {
  if (error instanceof StoreError) return error;
  const answer = answerOf(error);
  const { as: Translated, because } = byCode.get(answer.code) ?? byStatus[answer.status ?? 0] ?? otherwise(answer);
  return new Translated(`${asked.what}: ${because(answer, asked)}`);
}

/** The HTTP status; undefined where no answer came. */
export function statusOf(error: unknown): number | undefined {
  return answerOf(error).status;
}

/** The size of the object, in an error that says that a range begins behind its end. */
export function sizeBeyondRange(error: unknown): number | undefined {
  const { $response, ActualObjectSize } = fieldsOf(error);
  const header = textOf(fieldsOf(fieldsOf($response)['headers'])['content-range']);
  const size = /^bytes \*\/(\d+)$/.exec(header)?.[1] ?? textOf(ActualObjectSize);
  return /^\d+$/.test(size) ? Number(size) : undefined;
}

function otherwise({ status, code }: Answer): Verdict {
  if (status === undefined) return unreachable('there is no answer');
  if (status < 400 || code === 'Error') return stranger;
  const said = `the store answers ${status} ${code}`;
  return { as: status >= 500 ? StoreUnavailable : StoreError, because: ({ words }) => `${said}${quoted(words)}` };
}

function at(endpoint: string | undefined): string {
  return endpoint === undefined ? 'at AWS' : `at ${new URL(endpoint).origin}`;
}

function quoted(words: string): string {
  return words === '' ? '' : ` (${words})`;
}

function answerOf(error: unknown): Answer {
  const { name, message, code, Region, $metadata, $response } = fieldsOf(error);
  const { httpStatusCode: status } = fieldsOf($metadata);
  const headers = fieldsOf(fieldsOf($response)['headers']);
  return {
    // The SDK gives the name of a time-out to connections that were cut, too.
    code: textOf((status === undefined && code) || name),
    status: typeof status === 'number' ? status : undefined,
    region: [textOf(headers['x-amz-bucket-region']), textOf(Region)].find((region) => region !== ''),
    words: wordsOf(textOf(message)),
  };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** One line; what the SDK says for want of better is left out. */
function wordsOf(message: string): string {
  const line = message.split('\n')[0]?.trim() ?? '';
  return line === 'UnknownError' ? '' : line.slice(0, 300);
}
