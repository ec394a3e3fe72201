/**
 * restic's encryption: 16 bytes of IV, the content by AES-256 in counter mode, a MAC of 16 bytes
 * (https://restic.readthedocs.io/en/stable/100_references.html#keys-encryption-and-mac). The MAC is not computed: whoever opens
 * something here knows the SHA-256 of what it has to be.
 */
import { createDecipheriv } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const ivBytes = 16;
const macBytes = 16;

/** By how many bytes what is sealed is longer than what is in it. */
export const sealBytes = ivBytes + macBytes;

/** What is in it, as long as it is by that key; of less than the seal itself nothing. */
export function unseal(key: KeyObject, sealed: Uint8Array): Buffer {
  if (sealed.length < sealBytes) return Buffer.alloc(0);
  return createDecipheriv('aes-256-ctr', key, sealed.subarray(0, ivBytes)).update(sealed.subarray(ivBytes, -macBytes));
}
