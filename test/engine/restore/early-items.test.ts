import { describe, expect, it } from 'vitest';
import { EarlyItems } from '../../../src/engine/restore/early-items.ts';

describe('EarlyItems', () => {
  it('remembers exactly the items that it is told, until they are taken', () => {
    const early = new EarlyItems(
      new Map([
        ['configmaps', 1_000],
        ['secrets', 1],
      ]),
    );
    const places = [0, 1, 7, 8, 9, 300, 999];
    for (const place of places) early.add('configmaps', place);
    early.add('secrets', 0);
    expect(early.resources).toEqual(['configmaps', 'secrets']);
    const isEarly = early.take('configmaps');
    expect(Array.from({ length: 1_001 }, (_, place) => place).filter(isEarly)).toEqual(places);
    expect(early.resources).toEqual(['secrets']);
    early.add('configmaps', 3);
    expect(isEarly(3)).toBe(false);
    expect(early.take('configmaps')(3)).toBe(true);
  });
});
