import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../../src/resources/quantities.ts';

describe('parseQuantity', () => {
  it.each([
    ['1Gi', 1024 ** 3],
    ['1.5Ki', 1536],
    ['500M', 500_000_000],
    ['100', 100],
    ['.5k', 500],
    ['1500m', 1.5],
    ['2e3', 2000],
    ['1E', 1e18],
    ['+1Mi', 1024 ** 2],
  ])('reads %s', (text, bytes) => {
    expect(parseQuantity(text)).toBeCloseTo(bytes);
  });

  it.each(['', '-1Gi', '1 Gi', '1GiB', 'Gi', '1g', '1e', '0x10', '1Gi\n'])('refuses %j', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });
});
