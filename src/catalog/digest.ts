/**
 * A digest of the whole state that is kept up to date by each change: the sum of the hashes of all objects modulo 2^256. It
 * does not depend on the order of changes, so it can also be computed from any copy of the state.
 */
import { createHash } from 'node:crypto';
import type { ObjectKey } from '../machinery/storage.ts';

const modulus = 1n << 256n;

/** Of no objects. */
export const emptyDigest = 0n;

/** What an object at a number adds to the digest. */
export function digestOf({ resource, namespace, name }: ObjectKey, rv: number, json: string): bigint {
  const hash = createHash('sha256').update(`${resource}\0${namespace}\0${name}\0${rv}\0${json}`).digest('hex');
  return BigInt(`0x${hash}`);
}

export function plus(digest: bigint, part: bigint): bigint {
  return (digest + part) % modulus;
}

export function minus(digest: bigint, part: bigint): bigint {
  return (digest + modulus - part) % modulus;
}

/** 64 hexadecimal digits. */
export function digestText(digest: bigint): string {
  return digest.toString(16).padStart(64, '0');
}
