/** Where blobs lie, told by index files of any size. */
import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreDamaged } from '../../../src/objectstore/objectstore.ts';
import { listedIn } from '../../../src/repository/reading/listed-in.ts';
import { objectsIn } from '../../../src/repository/reading/objects-in.ts';
import { Places } from '../../../src/repository/reading/places.ts';
import type { Listed, NewPlace } from '../../../src/repository/reading/places.ts';

const idOf = (n: number) => hash('sha256', String(n));
const wordsOf = (id: string) => Uint32Array.from({ length: 4 }, (_, word) => parseInt(id.slice(8 * word, 8 * word + 8), 16));
const blob = (n: number, pack: string) => ({
  pack,
  id: wordsOf(idOf(n)),
  offset: n,
  length: 1000 + n,
  expandedLength: n % 2 === 0 ? 0 : 5000 + n,
});
const placeOf = (n: number, pack: string) =>
  n % 2 === 0
    ? { pack, offset: n, length: 1000 + n, plainLength: 968 + n, isCompressed: false }
    : { pack, offset: n, length: 1000 + n, plainLength: 5000 + n, isCompressed: true };
/** As an index file lists them. */
function listing(blobs: readonly NewPlace[]): Listed {
  const packs = [...new Set(blobs.map(({ pack }) => pack))];
  const records = blobs.map(({ pack, id, offset, length, expandedLength }) => [...id, packs.indexOf(pack), offset, length, expandedLength]);
  return { packs, records: Uint32Array.from(records.flat()) };
}
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, n) => start + n);

describe('places', () => {
  it('are found, however many are added at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 40 }), (sizes) => {
        const places = new Places(32);
        let next = 0;
        for (const [at, size] of sizes.entries()) {
          places.add(listing(range(next, next + size).map((n) => blob(n, `pack-${n % 2 === 0 ? 'even' : at}`))));
          next += size;
          if (at % 3 === 0) expect(places.find(Buffer.from(idOf(next), 'hex'))).toBeUndefined();
        }
        expect(places.size).toBe(next);
        let start = 0;
        for (const [at, size] of sizes.entries()) {
          for (const n of range(start, start + size))
            expect(places.find(Buffer.from(idOf(n), 'hex'))).toEqual(placeOf(n, `pack-${n % 2 === 0 ? 'even' : at}`));
          start += size;
        }
        expect(places.find(Buffer.from(idOf(next), 'hex'))).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it('are told apart by the bytes behind the first four', () => {
    const like = (text: string) => `00000000${text}`.padEnd(64, '0');
    const ids = ['00', '01', '7f', '80', 'ff'].map(like);
    const places = new Places(32);
    places.add(listing(ids.map((id, at) => ({ pack: 'p', id: wordsOf(id), offset: at, length: 40, expandedLength: 0 }))));
    expect(ids.map((id) => places.find(Buffer.from(id, 'hex'))?.offset)).toEqual([0, 1, 2, 3, 4]);
    expect(places.find(Buffer.from(like('02'), 'hex'))).toBeUndefined();
  });

  it('are sought no longer because somebody has made up ids that are alike', () => {
    const places = new Places(32);
    const alike = (n: number) => ({ ...blob(n, 'p'), id: Uint32Array.of(7, n, 0, 0) });
    places.add(listing(range(0, 100_000).map(alike)));
    const other = Buffer.from(`00000007${'f'.repeat(56)}`, 'hex');
    const before = performance.now();
    for (const _ of range(0, 1000)) expect(places.find(other)).toBeUndefined();
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe('an index file', () => {
  const listed = (text: string | Uint8Array) =>
    Array.from(listedIn(Buffer.from(text), 'index/x'), ({ pack, id, offset, length, expandedLength }) => [
      pack,
      [...id],
      offset,
      length,
      expandedLength,
    ]);
  const written = (n: number) => ({ id: idOf(n), type: 'data', offset: n, length: 1000, uncompressed_length: 5 });
  const [a, b, c] = [idOf(-1), idOf(-2), idOf(-3)] as [string, string, string];

  it('lists the blobs of each pack, also of those with very many', () => {
    const packs = [
      { id: a, blobs: range(0, 9000).map(written) },
      { id: b, blobs: [] },
      { id: c, blobs: [written(9000), written(9001)] },
    ];
    const expected = [...range(0, 9000).map((n) => [a, n] as const), [c, 9000] as const, [c, 9001] as const].map(([pack, n]) => [
      pack,
      [...wordsOf(idOf(n))],
      n,
      1000,
      5,
    ]);
    expect(listed(JSON.stringify({ supersedes: [b], packs }))).toEqual(expected);
    expect(listed(JSON.stringify({ packs }, undefined, 2))).toEqual(expected);
    expect(listed('{"packs":[]}')).toEqual([]);
  });

  it.each([
    '{"packs":[{"blobs":[{}]}]}',
    JSON.stringify({ packs: [{ blobs: [written(1)] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), offset: -1 }] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), length: 31 }] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), length: 2 ** 32 }] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), id: 'x' }] }] }),
    '{"packs":[{',
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), uncompressed_length: '5' }] }] }),
    JSON.stringify({ packs: [{ id: 'x', blobs: [written(1)] }] }),
    JSON.stringify({ packs: [{ blobs: [written(1)], id: a }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [written(1)] }, { blobs: [written(2)] }] }),
    JSON.stringify({ packs: {} }),
    '[]',
    '"',
    '',
  ])('that is none is refused: %s', (text) => {
    expect(() => listed(text)).toThrow(StoreDamaged);
    expect(() => listed(text)).toThrow(/^index\/x: what is in it is no index of restic's$/);
  });

  it('may hold whatever else restic will write one day', () => {
    const more = fc.dictionary(
      fc.string().map((name) => `new ${name}`),
      fc.jsonValue(),
      { maxKeys: 3 },
    );
    fc.assert(
      fc.property(more, more, more, fc.boolean(), (inIndex, inPack, inBlob, isWide) => {
        const packs = [{ ...inPack, id: a, ...inPack, blobs: [{ ...inBlob, ...written(1) }, written(2)], end: inPack }];
        const text = JSON.stringify({ ...inIndex, packs, end: inIndex }, undefined, isWide ? 1 : 0);
        expect(listed(text).map(([pack, , offset]) => [pack, offset])).toEqual([
          [a, 1],
          [a, 2],
        ]);
      }),
    );
  });

  it('that ends anywhere is refused', () => {
    const text = JSON.stringify({ supersedes: [b], packs: [{ id: a, blobs: [written(1), written(2)] }] });
    for (let end = 0; end < text.length; end++) expect(() => listed(text.slice(0, end))).toThrow(StoreDamaged);
    expect(listed(text)).toHaveLength(2);
  });

  it('of any bytes is read or refused', () => {
    const text = JSON.stringify({ packs: [{ id: a, blobs: [written(1), written(2)] }] });
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bytes = Buffer.from(text);
        bytes[at] = byte;
        try {
          expect(listed(bytes).length).toBeLessThanOrEqual(2);
        } catch (error) {
          expect(error).toBeInstanceOf(StoreDamaged);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('objects in a text', () => {
  it('are found at their depth, whatever strings hold, across the places where others have their turn', async () => {
    const nodes = range(0, 40_000).map((n) => ({ name: `{"}\\${n}`, in: [{ deeper: '}' }] }));
    const text = Buffer.from(JSON.stringify({ nodes }));
    expect(text.length).toBeGreaterThan(1 << 20);
    const bounds = (await objectsIn(text, 2)) ?? expect.fail('the braces fit');
    const found = range(0, bounds.length / 2).map((n) => JSON.parse(text.toString('utf8', bounds[2 * n], bounds[2 * n + 1])) as object);
    expect(found).toEqual(nodes);
  });

  it.each(['{', '}', '{"a":[{]}', '{"a":"{}'])('are none in %s', async (text) => {
    expect(await objectsIn(Buffer.from(text), 2)).toBeUndefined();
  });
});
