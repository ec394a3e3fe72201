/** Which keys there may be: the same for every store, so that what one holds can be copied to any other. */
import { StoreError } from './objectstore.ts';

const longest = 512;
const allowed = /^[A-Za-z0-9._/-]+$/;

/** Throws a StoreError that names the key and its fault. */
export function checkKey(key: string): void {
  const fault = faultOf(key);
  if (fault !== undefined) throw new StoreError(`key "${key.slice(0, longest)}" ${fault}`);
}

/** Whether a store may hold `key`; other programs may have put other keys beside ours. */
export function isKey(key: string): boolean {
  return faultOf(key) === undefined;
}

/** A prefix of a list: empty, or the beginning of a key, which may end in a slash. */
export function checkPrefix(prefix: string): void {
  const start = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  if (prefix !== '') checkKey(start);
}

function faultOf(key: string): string | undefined {
  if (key === '') return 'is empty';
  if (key.length > longest) return `is longer than ${longest} characters`;
  if (!allowed.test(key)) return 'has a character other than A-Z a-z 0-9 . _ / -';
  if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) return 'has an empty, "." or ".." part';
  return undefined;
}
