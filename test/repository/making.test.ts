import { createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { chunkerPolynomial, isIrreducible } from '../../src/repository/making/chunker-polynomial.ts';
import { seal } from '../../src/repository/making/sealing.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(':', ''), 'hex');

describe('seal', () => {
  // https://www.rfc-editor.org/rfc/rfc8439#section-2.5.2, with the nonce and the content that lead there.
  it('makes the tag of the example of RFC 8439', () => {
    const r = hex('85:d6:be:78:57:55:6d:33:7f:44:52:fe:42:d5:06:a8');
    const s = hex('01:03:80:8a:fb:0d:b2:fd:4a:bf:f6:af:41:49:f5:1b');
    const message = Buffer.from('Cryptographic Forum Research Group');
    const [k, encrypt] = [Buffer.alloc(16, 7), Buffer.alloc(32, 9)];
    const nonce = createDecipheriv('aes-128-ecb', k, null).setAutoPadding(false).update(s);
    const content = createCipheriv('aes-256-ctr', encrypt, nonce).update(message);
    const sealed = seal({ encrypt, mac: { k, r } }, nonce, content);
    expect(sealed).toEqual(Buffer.concat([nonce, message, hex('a8:06:1d:c1:30:51:36:c6:c2:2b:8b:af:0c:01:27:a9')]));
  });
});

describe('chunkerPolynomial', () => {
  it('tells irreducible ones', () => {
    // From restic's description of its format, and one in the documentation of its chunker.
    expect([0x25b468838dcb75n, 0x3da3358b4dc173n].map(isIrreducible)).toEqual([true, true]);
    // Their neighbours, a product of two odd ones of the right degree, and one of another degree.
    const product = multiplied(0b1000000000000000000000000011n, 0b100000000000000000000000111n);
    expect([0x25b468838dcb74n, 0x25b468838dcb77n, product, 0b111n].map(isIrreducible)).toEqual([false, false, false, false]);
  });

  it('makes others each time', () => {
    const made = [chunkerPolynomial(randomIds), chunkerPolynomial(randomIds)];
    expect(made.map(isIrreducible)).toEqual([true, true]);
    expect(made[0]).not.toBe(made[1]);
  });
});

function multiplied(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let i = 0n; b >> i > 0n; i++) if ((b >> i) & 1n) product ^= a << i;
  return product;
}
