/** Field selectors, as kubectl --field-selector sends them. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldText, matchesFields, parseFieldSelector } from '../../../src/machinery/reading/fields.ts';

const known = ['metadata.name', 'metadata.namespace', 'spec.x'];
const matches = (selector: string, values: Record<string, string>) =>
  matchesFields(parseFieldSelector(selector, known), (field) => values[field] ?? '');

describe('field selectors', () => {
  it.each([
    ['metadata.name=a', true],
    ['metadata.name==a', true],
    ['metadata.name!=a', false],
    ['metadata.name=a,spec.x!=z', true],
    ['metadata.name=a,spec.x=z', false],
    ['metadata.namespace=', true],
    ['', true],
    [',metadata.name=a,', true],
  ])('%s matches: %s', (selector, expected) => {
    expect(matches(selector, { 'metadata.name': 'a', 'spec.x': 'y' })).toBe(expected);
  });

  it('refuses a field that the kind does not offer, and names those it does', () => {
    expect(() => parseFieldSelector('spec.foo=1', ['metadata.name', 'metadata.namespace'])).toThrow(
      '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
  });

  it.each([
    ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['metadata.name=a\\b', 'invalid field selector: invalid escape sequence: \\b'],
    ['metadata.name=a=b', 'invalid field selector: unescaped character in value: ='],
  ])('%s is refused', (selector, message) => {
    expect(() => parseFieldSelector(selector, known)).toThrow(message);
  });

  it('takes any value back that was escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '\\', ',', '=', '!') }), (value) => {
        const escaped = value.replaceAll(/[\\,=]/g, '\\$&');
        expect(parseFieldSelector(`spec.x=${escaped},metadata.name!=q`, known)).toEqual([
          { field: 'spec.x', equal: true, value },
          { field: 'metadata.name', equal: false, value: 'q' },
        ]);
      }),
    );
  });

  it('reads scalars at their paths, and never what is inherited', () => {
    const object = { spec: { x: 5, y: true, z: { a: 1 } } };
    expect([fieldText(object, 'spec.x'), fieldText(object, 'spec.y'), fieldText(object, 'spec.z'), fieldText(object, 'spec.q.r')]).toEqual([
      '5',
      'true',
      '',
      '',
    ]);
    expect(fieldText(object, 'constructor.name')).toBe('');
  });
});
