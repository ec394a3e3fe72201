import { CRC32C } from '@google-cloud/storage';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Crc32c } from '../../src/objectstore/gcs/crc32c.ts';

/** RFC 3720, appendix B.4, but for the last, which is the usual check value. */
it.each([
  [new Uint8Array(32), '8a9136aa'],
  [new Uint8Array(32).fill(0xff), '62a8ab43'],
  [Uint8Array.from({ length: 32 }, (_, i) => i), '46dd794e'],
  [new Uint8Array(), '00000000'],
  [Buffer.from('123456789'), 'e3069283'],
])('is that of the RFC: %#', (bytes, expected) => {
  const crc32c = new Crc32c();
  crc32c.update(bytes);
  expect(Buffer.from(crc32c.toString(), 'base64').toString('hex')).toBe(expected);
});

it("is that of Google's SDK, in whatever pieces the bytes come", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (pieces) => {
      const own = new Crc32c();
      for (const piece of pieces) own.update(piece);
      const theirs = new CRC32C();
      theirs.update(Buffer.concat(pieces));
      expect(own.toString()).toBe(theirs.toString());
    }),
  );
});
