/** Where blobs lie, told by index files of any size. */
import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreDamaged } from '../../../src/objectstore/objectstore.ts';
import { listedIn } from '../../../src/repository/reading/listed-in.ts';
import { objectsIn } from '../../../src/repository/reading/objects-in.ts';
import { Places } from '../../../src/repository/reading/places.ts';

const idOf = (n: number) => hash('sha256', String(n));
const blob = (n: number) => ({ id: idOf(n), offset: n, length: 1000 + n, expandedLength: n % 2 === 0 ? 0 : 5000 + n });
const placeOf = (n: number, pack: string) =>
  n % 2 === 0
    ? { pack, offset: n, length: 1000 + n, plainLength: 968 + n, isCompressed: false }
    : { pack, offset: n, length: 1000 + n, plainLength: 5000 + n, isCompressed: true };
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, n) => start + n);

describe('places', () => {
  it('are found, however many are added at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 40 }), (sizes) => {
        const places = new Places(32);
        let next = 0;
        for (const [at, size] of sizes.entries()) places.add(`pack-${at}`, range(next, (next += size)).map(blob));
        expect(places.size).toBe(next);
        let start = 0;
        for (const [at, size] of sizes.entries()) {
          for (const n of range(start, start + size)) expect(places.find(Buffer.from(idOf(n), 'hex'))).toEqual(placeOf(n, `pack-${at}`));
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
    for (const [at, id] of ids.entries()) places.add('p', [{ id, offset: at, length: 40, expandedLength: 0 }]);
    expect(ids.map((id) => places.find(Buffer.from(id, 'hex'))?.offset)).toEqual([0, 1, 2, 3, 4]);
    expect(places.find(Buffer.from(like('02'), 'hex'))).toBeUndefined();
  });
});

describe('an index file', () => {
  const listed = async (text: string) => {
    const found: [string, number][] = [];
    for await (const { pack, blobs } of listedIn(Buffer.from(text), 'index/x')) for (const { offset } of blobs) found.push([pack, offset]);
    return found;
  };
  const written = (n: number) => ({ id: idOf(n), type: 'data', offset: n, length: 1000, uncompressed_length: 5 });
  const [a, b, c] = [idOf(-1), idOf(-2), idOf(-3)] as [string, string, string];

  it('lists the blobs of each pack, also of those with very many', async () => {
    const packs = [
      { id: a, blobs: range(0, 9000).map(written) },
      { id: b, blobs: [] },
      { id: c, blobs: [written(9000), written(9001)] },
    ];
    const expected = [...range(0, 9000).map((n) => [a, n]), [c, 9000], [c, 9001]];
    expect(await listed(JSON.stringify({ supersedes: [b], packs }))).toEqual(expected);
    expect(await listed(JSON.stringify({ packs }, undefined, 2))).toEqual(expected);
    expect(await listed('{"packs":[]}')).toEqual([]);
  });

  it.each([
    '{"packs":[{"blobs":[{}]}]}',
    JSON.stringify({ packs: [{ blobs: [written(1)] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), offset: -1 }] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), length: 31 }] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), length: 2 ** 32 }] }] }),
    JSON.stringify({ packs: [{ id: a, blobs: [{ ...written(1), id: 'x' }] }] }),
    '{"packs":[{',
  ])('that is none is refused: %s', async (text) => {
    const error = await listed(text).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StoreDamaged);
    expect((error as Error).message).toBe("index/x: what is in it is no index of restic's");
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
