import { describe, expect, it } from 'vitest';
import { checkSame } from '../../src/catalog/place/emptied.ts';

describe('a marker', () => {
  it('is not believed when it was read in two ways: the wrong one could be remembered for good', () => {
    const [one, other] = [
      { format: 1, store: 'one' },
      { format: 1, store: 'other' },
    ];
    expect(() => checkSame(one, other)).toThrow('kylon.json: names the store one, and then other');
    expect(() => checkSame(one, { ...one })).not.toThrow();
    expect(() => checkSame(undefined, one)).not.toThrow();
  });
});
