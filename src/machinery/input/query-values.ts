/** Numbers and booleans of a query, read as Kubernetes reads them. */
import { badRequest, quote } from '../errors.ts';

/** Undefined where it is not given. Throws ApiError 400. */
export function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name) ?? '';
  if (value === '') return undefined;
  const number = Number(value);
  if (/^[+-]?\d+$/.test(value) && Number.isSafeInteger(number)) return number;
  throw badRequest(`${name}: strconv.ParseInt: parsing ${quote(value)}: invalid syntax`);
}

/** Everything is true but `false` and `0`; undefined where it is not given. */
export function booleanParameter(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name);
  return value === null ? undefined : value.toLowerCase() !== 'false' && value !== '0';
}

/** The number of a state that a client names, or undefined for the empty text. Throws ApiError 400. */
export function resourceVersionNumber(text: string): number | undefined {
  if (text === '') return undefined;
  if (!/^\d+$/.test(text))
    throw badRequest(`invalid resource version ${quote(text)}: strconv.ParseUint: parsing ${quote(text)}: invalid syntax`);
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}
