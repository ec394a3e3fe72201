import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf, DigestSum, digestText, emptyDigest, minus, plus } from '../../src/catalog/state/digest.ts';

const key = (name: string) => ({ resource: 'r', namespace: 'n', name });

describe('the digest of the state', () => {
  it('does not depend on the order of changes, and forgets what was removed', () => {
    const objects = fc.uniqueArray(fc.tuple(fc.string(), fc.nat(), fc.string()), { maxLength: 8 });
    fc.assert(
      fc.property(objects, fc.string(), (all, extra) => {
        const parts = all.map(([name, rv, json]) => digestOf(key(name), rv, json));
        const forward = parts.reduce(plus, emptyDigest);
        const other = digestOf(key(extra), 7, '{}');
        expect(minus(parts.toReversed().reduce(plus, other), other)).toBe(forward);
      }),
    );
  });

  it('is the same when it is summed up for very many', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.nat(), fc.string()), { maxLength: 40 }), (all) => {
        const sum = new DigestSum();
        let digest = emptyDigest;
        for (const [name, rv, json] of all) {
          sum.add(Buffer.from(`r\0n\0${name}\0${rv}\0${json}`));
          digest = plus(digest, digestOf(key(name), rv, json));
          expect(sum.value).toBe(digest);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('stays below 2^256 and has 64 digits', () => {
    const most = (1n << 256n) - 1n;
    expect(plus(most, 2n)).toBe(1n);
    expect(minus(1n, 2n)).toBe(most);
    expect(digestText(1n)).toBe(`${'0'.repeat(63)}1`);
  });

  it('tells key, number and text apart', () => {
    const all = [digestOf(key('a'), 1, '{}'), digestOf(key('b'), 1, '{}'), digestOf(key('a'), 2, '{}'), digestOf(key('a'), 1, '{ }')];
    expect(new Set(all).size).toBe(4);
  });
});
