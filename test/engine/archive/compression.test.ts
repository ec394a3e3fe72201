import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compress, expand } from '../../../src/engine/archive/compression.ts';

describe('compress', () => {
  it('makes members that do not depend on each other, however many at once', async () => {
    const raw = Array.from({ length: 60 }, (_, n) => Buffer.concat([randomBytes(n * 997), Buffer.alloc(n * 501)]));
    const members = await Promise.all(raw.map(compress));
    for (const [n, member] of members.entries()) expect(gunzipSync(member).equals(raw[n]!)).toBe(true);
    expect(gunzipSync(Buffer.concat(members)).equals(Buffer.concat(raw))).toBe(true);
  });

  it('gives the same bytes for the same input, whatever went before', async () => {
    const raw = randomBytes(70_000);
    const first = await compress(raw);
    await compress(Buffer.alloc(1 << 20));
    expect((await compress(raw)).equals(first)).toBe(true);
  });

  it('takes nothing, and what is longer than its tables', async () => {
    for (const length of [0, 1, 9 << 20]) {
      const raw = Buffer.alloc(length, 'kylon');
      expect((await expand(await compress(raw), 'it')).equals(raw)).toBe(true);
    }
  });
});
