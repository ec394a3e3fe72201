/**
 * The names of all objects that the catalog makes in a store. docs/format.md describes what is in them.
 *
 * `d/DOMAIN/ckpt/` is kept free for checkpoints: immutable files of the whole state at one segment, for a fast cold start.
 */

/** Says what the store is for, in which format, and tells it from every other store. */
export const markerKey = 'kylon.json';

const segmentPattern = /\/([0-9]{20})\.seg$/;

/** A domain is a part of keys: the uid of a cluster, or a word. */
export const domainPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;

export function logPrefix(domain: string): string {
  return `d/${domain}/log/`;
}

export function segmentKey(domain: string, n: number): string {
  return `${logPrefix(domain)}${String(n).padStart(20, '0')}.seg`;
}

/** The number of a segment, or undefined for a key that is none. */
export function segmentNumber(key: string): number | undefined {
  const digits = segmentPattern.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
