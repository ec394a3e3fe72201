/** How the index keeps objects, as they are or were: `number NUL text`. */
import type { ObjectKey, Stored } from '../../machinery/storage.ts';
import type { Version } from '../state/apply.ts';

export function versionOf(value: string): Version {
  const end = value.indexOf('\0');
  return { rv: Number(value.slice(0, end)), json: value.slice(end + 1) };
}

export function storedOf(key: ObjectKey, value: string): Stored {
  return { key, ...versionOf(value) };
}
