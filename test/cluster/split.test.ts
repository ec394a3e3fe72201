import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitList } from '../../src/cluster/split.ts';

const split = (text: string) => splitList(Buffer.from(text));
const texts = (text: string) => split(text).items.map((item) => Buffer.from(item).toString());

/** JSON text with spaces wherever JSON allows them. */
function spaced(value: unknown, space: string): string {
  if (Array.isArray(value)) return `[${space}${value.map((element) => spaced(element, space)).join(`${space},${space}`)}${space}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)}${space}:${space}${spaced(field, space)}`);
  return `{${space}${fields.join(`${space},${space}`)}${space}}`;
}

describe('splitList', () => {
  it('cuts out what JSON.parse finds, byte for byte', () => {
    const item = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' });
    const space = fc.constantFrom('', ' ', '\n  ', '\t\r\n');
    const extra = fc.dictionary(
      fc.string().filter((key) => !['items', 'metadata', '__proto__'].includes(key)),
      item,
      { maxKeys: 3 },
    );
    fc.assert(
      fc.property(fc.array(item), fc.string(), extra, fc.boolean(), space, (items, token, rest, itemsFirst, space) => {
        const metadata = { resourceVersion: '7', continue: token };
        const list = itemsFirst ? { items, ...rest, metadata } : { metadata, ...rest, items };
        const text = spaced(list, space);
        const found = split(text);
        expect(found.items.map((bytes) => Buffer.from(bytes).toString())).toEqual(items.map((value) => spaced(value, space)));
        expect([found.resourceVersion, found.continue]).toEqual(['7', token]);
      }),
      { numRuns: 300 },
    );
  });

  it('is not misled by strings that look like structure', () => {
    const items = ['{"a":"}],{[\\"\\\\"}', '{"b":"\\\\"}', '{"items":[{"c":1}]}', '{"d":"\\u007d"}'];
    expect(texts(`{"items":[${items.join(',')}],"metadata":{}}`)).toEqual(items);
  });

  it('takes null for an empty list, and finds keys that are written with escapes', () => {
    expect(texts('{"metadata":null,"items":null}')).toEqual([]);
    expect(texts('{"items":[1],"items":null}')).toEqual([]);
    expect(texts('{"\\u0069tems":[1]}')).toEqual(['1']);
  });

  it.each([
    ['', '"{" is missing'],
    ['[]', '"{" is missing'],
    ['{}', 'there are no items'],
    ['{"items":{}}', 'not an array'],
    ['{"items":[{"a":1}', '"]" is missing'],
    ['{"items":[{"a":"x', 'ends in the middle'],
    ['{"items":[{"a":1', 'ends in the middle'],
    ['{"items":[1,]}', 'a value is missing'],
    ['{"items":[] "x":1}', '"}" is missing'],
    ['{"items":[],}', 'is missing'],
    ['{"items":[]}{', 'something follows'],
    ['{"items" []}', '":" is missing'],
  ])('refuses %s', (text, message) => {
    expect(() => split(text)).toThrow(message);
  });

  it('refuses every beginning of a list', () => {
    const text = '{"kind":"L","metadata":{"resourceVersion":"1"},"items":[{"a":"b\\""},{"c":[1,2]}]}';
    for (let end = 0; end < text.length; end++) expect(() => split(text.slice(0, end)), text.slice(0, end)).toThrow('not a list');
  });
});
