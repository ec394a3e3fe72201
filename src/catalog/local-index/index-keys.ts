/**
 * How the index names its entries. Parts are joined by NUL, which sorts before all that a name may hold, so that entries lie
 * in the order of namespace, then name, by their UTF-8 bytes.
 *
 * `c resource namespace name`       the object as it is:  number, text
 * `v resource namespace name rv`    as it was from rv on: the number that ended it, text
 * `h rv`                            a change:             op, number of the state before, time, resource, namespace, name
 * `m`                               where the index stands
 */
import type { ObjectKey } from '../../machinery/storage.ts';
import type { Bounds } from './kv.ts';

export const metaKey = 'm';

export interface KeyRange {
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly after?: { readonly namespace: string; readonly name: string } | undefined;
}

export function currentKey({ resource, namespace, name }: ObjectKey): string {
  return `c\0${resource}\0${namespace}\0${name}`;
}

/** The object whose state an entry is; undefined for an entry of another table. */
export function objectKeyOf(key: string): ObjectKey | undefined {
  if (!key.startsWith('c\0')) return undefined;
  const [, resource = '', namespace = '', name = ''] = key.split('\0');
  return { resource, namespace, name };
}

/** How many parts the key has, by table: the value is behind them. */
const keyParts: Readonly<Record<string, number>> = { c: 4, h: 2, v: 5 };

/** Key and value of a line, which has no newline at its end. */
export function entryOf(line: string): [string, string] {
  let end = -1;
  for (let part = keyParts[line[0] ?? ''] ?? 1; part > 0; part--) end = line.indexOf('\0', end + 1);
  return [line.slice(0, end), line.slice(end + 1)];
}

/** The line of an entry, with a newline at its end. */
export function lineOf(key: string, value: string): string {
  return `${key}\0${value}\n`;
}

export function versionKey({ resource, namespace, name }: ObjectKey, rv: number): string {
  return `v\0${resource}\0${namespace}\0${name}\0${digits(rv)}`;
}

export function historyKey(rv: number): string {
  return `h\0${digits(rv)}`;
}

/** Where the entries of a range lie, among the objects as they are (`c`) or were (`v`). */
export function boundsOf(table: 'c' | 'v', { resource, namespace, after }: KeyRange): Bounds {
  const all = `${table}\0${resource}`;
  const whole = namespace === undefined ? all : `${all}\0${namespace}`;
  // \x01 sorts behind every continuation by NUL, and before every longer name.
  return { gte: after === undefined ? `${whole}\0` : `${all}\0${after.namespace}\0${after.name}\x01`, lt: `${whole}\x01` };
}

/** Numbers with as many digits as 2^53 has, so that they sort as text. */
function digits(rv: number): string {
  return String(rv).padStart(16, '0');
}
