import { array, assert, constantFrom, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatcher } from '../../../src/engine/selection/glob.ts';

describe('globMatcher', () => {
  it('fits as a regular expression would', () => {
    const letters = (...from: string[]) => array(constantFrom(...from), { maxLength: 8 }).map((some) => some.join(''));
    assert(
      property(letters('a', 'b', '.', '*', '?'), letters('a', 'b', '.', '\n'), (pattern, text) => {
        const source = pattern
          .replaceAll('.', String.raw`\.`)
          .replaceAll('*', '.*')
          .replaceAll('?', '.');
        expect(globMatcher(pattern)(text)).toBe(new RegExp(`^${source}$`, 's').test(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no time for what would take a regular expression for ever', () => {
    const name = 'a'.repeat(253);
    const matches = globMatcher(`${'*a'.repeat(100)}*b`);
    const began = performance.now();
    for (let n = 0; n < 100; n++) expect(matches(name)).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
