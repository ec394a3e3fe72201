import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactly, textExactly } from '../../src/base/exact-json.ts';

describe('exact JSON', () => {
  it('keeps every digit of whole numbers', () => {
    const text = '{"a":9007199254740993,"b":[-9223372036854775808,1.5,9007199254740991],"c":"9007199254740993","d":1e+30}';
    const value = parseExactly(text);
    expect(value).toEqual({ a: 9007199254740993n, b: [-9223372036854775808n, 1.5, 9007199254740991], c: '9007199254740993', d: 1e30 });
    expect(textExactly(value)).toBe(text);
    expect(textExactly(value, 2)).toBe(
      JSON.stringify(JSON.parse(text), null, 2)
        .replaceAll('9007199254740992', '9007199254740993')
        .replace('-9223372036854776000', '-9223372036854775808'),
    );
  });

  it('is JSON for everything else', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(textExactly(parseExactly(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
    expect(() => parseExactly('{"a":12345678901234567890')).toThrow(SyntaxError);
    const circular: { self?: unknown } = {};
    circular.self = circular;
    expect(() => textExactly(circular)).toThrow(TypeError);
  });
});
