import { describe, expect, it } from 'vitest';
import { specSelector, specSelectors } from '../../../src/cli/objects/label-selectors.ts';

describe('a selector', () => {
  it.each<[string, object]>([
    ['app=web', { matchLabels: { app: 'web' } }],
    ['app==web,tier=front', { matchLabels: { app: 'web', tier: 'front' } }],
    ['app in (a,b)', { matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] }],
    ['app!=a', { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] }],
    [
      'app,!old',
      {
        matchExpressions: [
          { key: 'app', operator: 'Exists' },
          { key: 'old', operator: 'DoesNotExist' },
        ],
      },
    ],
    ['app=', { matchLabels: { app: '' } }],
    [
      'app=a,app=b',
      {
        matchExpressions: [
          { key: 'app', operator: 'In', values: ['a'] },
          { key: 'app', operator: 'In', values: ['b'] },
        ],
      },
    ],
  ])('%s', (text, selector) => expect(specSelector('selector', text)).toEqual(selector));

  it('may be one of several', () => {
    expect(specSelectors('or-selector', 'a=b or c in (d,e)')).toEqual([
      { matchLabels: { a: 'b' } },
      { matchExpressions: [{ key: 'c', operator: 'In', values: ['d', 'e'] }] },
    ]);
  });

  it.each(['', 'a=b c', 'a>1', '-x=y', 'a=b or '])('is refused: %j', (text) =>
    expect(() => specSelectors('or-selector', text)).toThrow(/^error: --or-selector: /),
  );
});
