/** Reads what Google Cloud Storage answers. What does not look like its answer is taken for a damaged one, which may pass. */
import type { GcsAnswer } from './gcs-http.ts';
import type { ByteRange } from '../objectstore.ts';
import { StoreUnavailable } from '../objectstore.ts';
import { boundsOf } from '../ranges.ts';

export interface Page {
  readonly items: readonly { readonly name: string; readonly size: number; readonly modified?: number }[];
  /** Empty at the last one. */
  readonly nextPageToken: string;
}

/** The fields of a JSON object; none for anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/** What the text is as JSON; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The resource that a successful answer carries. */
export function resourceOf({ text }: GcsAnswer, what: string): Readonly<Record<string, unknown>> {
  const resource = parsed(text);
  if (typeof resource !== 'object' || resource === null) throw strange(what);
  return fieldsOf(resource);
}

export function sizeOf(resource: Readonly<Record<string, unknown>>, what: string): number {
  const { size } = resource;
  if (typeof size !== 'string' || !/^\d{1,15}$/.test(size)) throw strange(what);
  return Number(size);
}

export function pageOf(answer: GcsAnswer, what: string): Page {
  const { items, nextPageToken } = resourceOf(answer, what);
  if (items !== undefined && !Array.isArray(items)) throw strange(what);
  return {
    items: (items ?? []).map((item: unknown) => {
      const { name, ...rest } = fieldsOf(item);
      if (typeof name !== 'string') throw strange(what);
      const modified = Date.parse(String(rest['updated']));
      return { name, size: sizeOf(rest, what), ...(!Number.isNaN(modified) && { modified }) };
    }),
    nextPageToken: typeof nextPageToken === 'string' ? nextPageToken : '',
  };
}

/** Of the whole object, and of the part that the body holds. Throws StoreRange, and where the body holds another part than asked for. */
export function announced(response: Response, key: string, range: ByteRange | undefined, what: string): { size: number; length: number } {
  const sent = sentBy(response);
  if (sent === undefined) throw strange(what);
  const { start, end } = boundsOf(key, sent.size, range);
  if (sent.start !== start || sent.end !== end) throw new StoreUnavailable(`${what}: the answer holds another range than was asked for`);
  return { size: sent.size, length: end - start };
}

function sentBy({ status, headers }: Response): { start: number; end: number; size: number } | undefined {
  if (status === 200) {
    const size = Number(headers.get('content-length') ?? headers.get('x-goog-stored-content-length') ?? Number.NaN);
    return Number.isSafeInteger(size) ? { start: 0, end: size, size } : undefined;
  }
  const [, start, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get('content-range') ?? '') ?? [];
  return size === undefined ? undefined : { start: Number(start), end: Number(last) + 1, size: Number(size) };
}

/** For an answer that the service does not give to such a request. */
export function strange(what: string): StoreUnavailable {
  return new StoreUnavailable(`${what}: the answer is not one of Google Cloud Storage`);
}
