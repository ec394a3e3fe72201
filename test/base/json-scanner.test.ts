import { describe, expect, it } from 'vitest';
import { elementsOf, JsonFault, membersOf, parseAt } from '../../src/base/json-scanner.ts';

const stringsOf = (text: string) => {
  const bytes = Buffer.from(text);
  return membersOf(bytes).map(({ key, start, end }) => [key, parseAt(bytes, start, end)]);
};

describe('membersOf', () => {
  it('finds the end of strings of every length, wherever an escape stands in them', () => {
    for (let before = 0; before < 140; before++)
      for (const escaped of ['"', '\\', '\\"', '\\\\"', '"'.repeat(50), '\\'.repeat(70)]) {
        const value = { a: `${'x'.repeat(before)}${escaped}`, b: `${escaped}${'y'.repeat(before)}`, c: 1 };
        expect(stringsOf(JSON.stringify(value))).toEqual(Object.entries(value));
      }
  });

  it('refuses a string without an end, however long', () => {
    for (const length of [0, 10, 31, 32, 33, 1000])
      for (const end of ['', '\\', '\\"', '\\\\\\"'])
        expect(() => membersOf(Buffer.from(`{"a":"${'x'.repeat(length)}${end}`))).toThrow('it ends in the middle');
  });

  it('takes no longer for a string of escapes than for another', () => {
    const bytes = Buffer.from(JSON.stringify({ a: '\\'.repeat(1 << 20) }));
    const start = performance.now();
    expect(membersOf(bytes)).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(500);
  });

  it('takes a scalar for no object', () => {
    expect(() => membersOf(Buffer.from('1'))).toThrow(JsonFault);
  });
});

describe('elementsOf', () => {
  it('gives views of the same memory, and the place behind', () => {
    const bytes = Buffer.from('[1, {"a":[2]} ,"]"] ');
    const { elements, end } = elementsOf(bytes, 0);
    expect(elements.map(String)).toEqual(['1', '{"a":[2]}', '"]"']);
    expect(elements.every(({ buffer }) => buffer === bytes.buffer)).toBe(true);
    expect(end).toBe(bytes.length - 1);
  });
});
