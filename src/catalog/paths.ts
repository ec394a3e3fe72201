/**
 * The names of all objects that the catalog makes in a store. docs/format.md describes what is in them.
 */

/** Says what the store is for, in which format, and tells it from every other store. */
export const markerKey = 'kylon.json';

/** Of everything but the marker. */
export const dataPrefix = 'd/';

const segmentPattern = /\/([0-9]{20})\.seg$/;
const checkpointPattern = /\/([0-9]{20})\.[0-9a-f]{16}\.ckpt$/;

/** A domain is a part of keys: the uid of a cluster, or a word. */
export const domainPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;

export function logPrefix(domain: string): string {
  return `${dataPrefix}${domain}/log/`;
}

/** Where an accepted roll-back puts what it takes out of the log. `time` is in milliseconds since the epoch. */
export function lostPrefix(domain: string, time: number): string {
  return `${dataPrefix}${domain}/lost/${new Date(time).toISOString().replaceAll(':', '-')}/`;
}

export function segmentKey(domain: string, n: number): string {
  return `${logPrefix(domain)}${String(n).padStart(20, '0')}.seg`;
}

/** The number of a segment, or undefined for a key that is none. */
export function segmentNumber(key: string): number | undefined {
  const digits = segmentPattern.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function checkpointPrefix(domain: string): string {
  return `${dataPrefix}${domain}/ckpt/`;
}

/** `random` tells it from others of the same segment. */
export function checkpointKey(domain: string, n: number, random: string): string {
  return `${checkpointPrefix(domain)}${String(n).padStart(20, '0')}.${random}.ckpt`;
}

/** The segment at which a checkpoint stands, or undefined for a key that is none. */
export function checkpointNumber(key: string): number | undefined {
  const digits = checkpointPattern.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
