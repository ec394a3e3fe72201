/** The Range header of RFC 9110, for one range of bytes. */

import type { Call } from '../machinery/call.ts';

export interface Span {
  readonly start: number;
  readonly length: number;
}

/** The Range header of who has the content with this tag: who has another one, and names it by If-Range, gets all. */
export const rangeOf = ({ range, ifRange }: Pick<Call, 'range' | 'ifRange'>, tag: string): string =>
  ifRange === '' || ifRange === `"${tag}"` ? range : '';

/**
 * The bytes that are asked for of `size`: undefined for all of them, which is also what a header gets that is malformed or
 * asks for several ranges; `unsatisfiable` where there are none.
 */
export function spanOf(header: string, size: number): Span | undefined | 'unsatisfiable' {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/i.exec(header.replaceAll(' ', '')) ?? [];
  if (first === '') return last === '' ? undefined : spanBetween(Math.max(size - Number(last), 0), size - 1);
  if (last === '') return spanBetween(Number(first), size - 1);
  return Number(last) < Number(first) ? undefined : spanBetween(Number(first), Math.min(Number(last), size - 1));
}

/** Both ends included. */
function spanBetween(start: number, end: number): Span | 'unsatisfiable' {
  return start > end ? 'unsatisfiable' : { start, length: end - start + 1 };
}
