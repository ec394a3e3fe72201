import { expect, it } from 'vitest';
import { shareOf } from '../../../src/engine/upkeep/share.ts';

const GiB = 1024 ** 3;

it('is one of thirty, and each of them in turn', () => {
  const month = Array.from({ length: 30 }, (_, n) => shareOf(n + 1, 700 * GiB));
  expect(month).toEqual(Array.from({ length: 30 }, (_, n) => `${n + 1}/30`));
  expect([shareOf(31, 0), shareOf(60, 0)]).toEqual(['1/30', '30/30']);
});

it('is no more than 50 GiB, as far as restic can tell shares apart', () => {
  expect(shareOf(1, 1500 * GiB)).toBe('1/30');
  expect(shareOf(31, 1500 * GiB + 1)).toBe('31/31');
  expect(shareOf(300, 1_000_000 * GiB)).toBe('44/256');
});
