/** Where a page of a folder begins that never changes: by the number of an entry, which a token tells from one page to the next. */
import type { FileQuery } from '../../resources/services.ts';
import { noContinuation } from './file-refusals.ts';

/** `digits` tell the folder from others; `next`: the number of the first entry behind the page. */
export const tokenOf = (digits: string, next: number) => Buffer.from(`${digits}/${next}`).toString('base64url');

/** Throws ApiError 400 where the token is of another folder, or of none. */
export function startOf({ continue: token }: Pick<FileQuery, 'continue'>, digits: string): number {
  if (token === '') return 0;
  const [given, number = ''] = Buffer.from(token, 'base64url').toString().split('/');
  if (given === digits && /^\d{1,10}$/.test(number)) return Number(number);
  throw noContinuation();
}
