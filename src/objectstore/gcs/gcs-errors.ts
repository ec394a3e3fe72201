/** What Google Cloud Storage answers, in the terms of an object store. https://cloud.google.com/storage/docs/json_api/v1/status-codes */
import { fieldsOf, parsed } from './gcs-answers.ts';
import type { GcsAnswer } from './gcs-http.ts';
import { StoreConflict, StoreDenied, StoreError, StoreFull, StoreNotFound, StoreUnavailable } from '../objectstore.ts';

interface Failure {
  readonly Class: typeof StoreError;
  readonly cause: string;
}

const longestMessage = 300;
const fullReasons: ReadonlySet<string> = new Set(['quotaExceeded', 'dailyLimitExceeded', 'storageQuotaExceeded', 'insufficientStorage']);
const busyReasons: ReadonlySet<string> = new Set(['rateLimitExceeded', 'userRateLimitExceeded', 'backendError']);

/** `what` begins with the name of the store and says what could not be done. `bucket` is the one that a 404 may be about. */
export function gcsErrorOf(answer: GcsAnswer, what: string, bucket: string, missing: 'key' | 'bucket'): StoreError {
  const { Class, cause } = failureOf(answer, bucket, missing);
  return new Class(`${what}: ${cause}`);
}

function failureOf(answer: GcsAnswer, bucket: string, missing: 'key' | 'bucket'): Failure {
  const { status } = answer;
  const told = toldBy(answer);
  const said = told.message === '' ? '' : `: ${told.message}`;
  if (status === 401) return { Class: StoreDenied, cause: `the credentials are not accepted (401)${said}` };
  if (status === 403) return forbidden(told.reasons, said);
  if (status === 404) return notFound(told.message, bucket, missing);
  if (status === 412) return { Class: StoreConflict, cause: 'it exists already' };
  if (status === 400 && /crc32c/i.test(told.message)) return { Class: StoreUnavailable, cause: `it was damaged on its way${said}` };
  if (status === 408 || status === 409 || status === 429 || status >= 500)
    return { Class: StoreUnavailable, cause: `the service answers ${status}${said}` };
  return { Class: StoreError, cause: `the service answers ${status}${said}` };
}

function forbidden(reasons: readonly string[], said: string): Failure {
  if (reasons.some((reason) => fullReasons.has(reason))) return { Class: StoreFull, cause: `a quota is used up${said}` };
  if (reasons.some((reason) => busyReasons.has(reason))) return { Class: StoreUnavailable, cause: `too many requests (403)${said}` };
  return { Class: StoreDenied, cause: `the credentials do not allow it (403)${said}` };
}

function notFound(message: string, bucket: string, missing: 'key' | 'bucket'): Failure {
  if (missing === 'key' && !message.includes('bucket does not exist')) return { Class: StoreNotFound, cause: 'it does not exist' };
  return { Class: StoreError, cause: `the bucket ${bucket} does not exist; make it, or correct the URL` };
}

interface Told {
  /** On one line and of a bounded length, without anything that looks like a token. */
  readonly message: string;
  readonly reasons: readonly string[];
}

function toldBy({ text }: GcsAnswer): Told {
  const error = fieldsOf(fieldsOf(parsed(text))['error']);
  const details: readonly unknown[] = Array.isArray(error['errors']) ? error['errors'] : [];
  const reasons = details.map((detail) => String(fieldsOf(detail)['reason']));
  const message = typeof error['message'] === 'string' ? error['message'] : text.startsWith('<') || text.startsWith('{') ? '' : text;
  return { message: harmless(message), reasons };
}

/** A service that echoes what it was sent must not bring a token into a message. */
function harmless(message: string): string {
  return message
    .replace(/bearer\s+\S+/gi, 'Bearer …')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, longestMessage);
}
