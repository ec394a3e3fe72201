/** Label selectors, as kubectl -l sends them. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode } from '../../../src/machinery/encode.ts';
import { matchesLabels, mayMatch, parseLabelSelector } from '../../../src/machinery/reading/labels.ts';

const matches = (selector: string, labels: Record<string, string>) => matchesLabels(parseLabelSelector(selector), labels);

describe('label selectors', () => {
  it.each([
    ['a=b', true],
    ['a==b', true],
    ['a = b', true],
    ['a!=b', false],
    ['a=c', false],
    ['a in (b,c)', true],
    ['a in (c)', false],
    ['a notin (c,d)', true],
    ['a notin (b)', false],
    ['a', true],
    ['!a', false],
    ['x', false],
    ['!x', true],
    ['x!=b', true],
    ['x notin (b)', true],
    ['n>4', true],
    ['n<4', false],
    ['n>5', false],
    ['a>4', false],
    ['a=b,n=5,!x', true],
    ['a=b,n=6', false],
    ['', true],
    ['empty=', true],
    ['empty in (,z)', true],
    ['in in (in)', true],
    ['example.io/name=x', true],
    ['constructor', false],
  ])('%s matches: %s', (selector, expected) => {
    expect(matches(selector, { a: 'b', n: '5', empty: '', in: 'in', 'example.io/name': 'x' })).toBe(expected);
  });

  it.each([
    ['a in', "unable to parse requirement: found '', expected: '('"],
    ['a ~ b', "unable to parse requirement: found '~', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (', "unable to parse requirement: found '', expected: ',', ')' or identifier"],
    ['a in ()', "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
    ['a=b,', "found '', expected: identifier after ','"],
    ['=b', "found '=', expected: !, identifier, or 'end of string'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['n>x', `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`],
  ])('%s is refused', (selector, message) => {
    expect(() => parseLabelSelector(selector)).toThrow(message);
  });

  it('names what is wrong with a key or a value', () => {
    expect(() => parseLabelSelector('-a=b')).toThrow(/unable to parse requirement: key: Invalid value: "-a": name part must consist of/);
    expect(() => parseLabelSelector('a=-b')).toThrow(/unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid label/);
  });

  const word = fc.stringMatching(/^[a-z]([a-z0-9]{0,5})$/);
  it('in is the opposite of notin, exists of !, for any labels', () => {
    fc.assert(
      fc.property(word, fc.array(word, { minLength: 1 }), fc.dictionary(word, word), (key, values, labels) => {
        const set = `(${values.join(',')})`;
        expect(matches(`${key} in ${set}`, labels)).toBe(!matches(`${key} notin ${set}`, labels));
        expect(matches(key, labels)).toBe(!matches(`!${key}`, labels));
        expect(matches(`${key}=${values[0]}`, labels)).toBe(matches(`${key} in (${values[0]})`, labels));
      }),
    );
  });

  it('every object matches what its own labels say, and nothing but an ApiError comes of any text', () => {
    fc.assert(
      fc.property(fc.dictionary(word, word), (labels) => {
        const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
        expect(matches(selector.join(','), labels)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '=', '!', '<', '>', '(', ')', ',', ' ', 'in') }), (text) => {
        try {
          parseLabelSelector(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 400 });
        }
      }),
    );
  });
});

describe('a look at the text', () => {
  const word = fc.constantFrom('a', 'b', 'app', 'example.com/app', 'x-1');
  const labels = fc.dictionary(word, fc.constantFrom('', '1', 'a', 'web', 'x.y_z'));
  const requirement = fc.oneof(
    fc.tuple(word, fc.constantFrom('=', '!=', '>', '<'), fc.constantFrom('1', '7')).map((parts) => parts.join('')),
    fc.tuple(word, fc.constantFrom(' in ', ' notin '), fc.constantFrom('(a)', '(a,web)', '(,1)')).map((parts) => parts.join('')),
    fc.tuple(fc.constantFrom('', '!'), word).map((parts) => parts.join('')),
  );

  it('never passes over what matches', () => {
    fc.assert(
      fc.property(labels, fc.array(requirement, { maxLength: 3 }), (labels, requirements) => {
        const selector = parseLabelSelector(requirements.join(','));
        const json = encode({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'x', labels } });
        if (matchesLabels(selector, labels)) expect(mayMatch(selector)(json)).toBe(true);
      }),
    );
  });

  it('passes over what has no such label', () => {
    const json = encode({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'x', labels: { app: 'web' } } });
    for (const text of ['app=api', 'app in (api,db)', 'tier', 'tier>1', 'app,tier=x'])
      expect(mayMatch(parseLabelSelector(text))(json)).toBe(false);
    for (const text of ['app=web', '!tier', 'app!=api', 'app notin (x)', '']) expect(mayMatch(parseLabelSelector(text))(json)).toBe(true);
  });
});
