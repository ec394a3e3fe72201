/** How restic seals what it stores: AES-256 in counter mode, with Poly1305-AES over it. https://restic.readthedocs.io/en/stable/100_references.html#keys-encryption-and-mac */
import { createCipheriv } from 'node:crypto';

export interface SealingKey {
  /** 32 bytes. */
  readonly encrypt: Uint8Array;
  /** 16 bytes each. */
  readonly mac: { readonly k: Uint8Array; readonly r: Uint8Array };
}

/** `nonce` has 16 bytes, is used once, and stands before the result. */
export function seal(key: SealingKey, nonce: Uint8Array, content: Uint8Array): Buffer {
  const sealed = createCipheriv('aes-256-ctr', key.encrypt, nonce).update(content);
  return Buffer.concat([nonce, sealed, poly1305Aes(key.mac, nonce, sealed)]);
}

const prime = 2n ** 130n - 5n;
/** Bits of r that Poly1305 takes for zero. */
const clamp = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

/** https://cr.yp.to/mac/poly1305-20050329.pdf; node:crypto has it only inside of ChaCha20-Poly1305. */
function poly1305Aes({ k, r }: SealingKey['mac'], nonce: Uint8Array, message: Uint8Array): Buffer {
  const multiplier = littleEndian(r) & clamp;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16) {
    const block = littleEndian(Buffer.concat([message.subarray(at, at + 16), Buffer.of(1)]));
    sum = ((sum + block) * multiplier) % prime;
  }
  const pad = createCipheriv('aes-128-ecb', k, null).setAutoPadding(false).update(nonce);
  const tag = BigInt.asUintN(128, sum + littleEndian(pad));
  return Buffer.from(Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').toReversed());
}

const littleEndian = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`);
