/** `?timeout=` of a request, and how long requests may take at most. */
import { spanOf } from '../duration.ts';
import { badRequest, quote, timedOut } from '../errors.ts';

/** In milliseconds; the same as kube-apiserver's for writes, and for all else. */
const maxWrite = 34_000;
const maxOther = 60_000;

/** Milliseconds that a request of this verb is given. Throws ApiError 400. */
export function requestTimeout(verb: string, query: URLSearchParams): number {
  const most = verb === 'get' || verb === 'list' ? maxOther : maxWrite;
  const text = query.get('timeout') ?? '';
  const asked = text === '' ? 0 : goDuration(text);
  if (asked === undefined || asked < 0)
    throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${quote(text)}`);
  return asked === 0 ? most : Math.min(asked, most);
}

export const requestTimedOut = () => timedOut('request did not complete within requested timeout - context deadline exceeded');

/** Milliseconds of a Go duration such as `1m30s`; undefined for anything else. */
function goDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  return text.startsWith('-') ? -spanOf(text) : spanOf(text);
}
