import { describe, expect, it } from 'vitest';
import { jsonOfYaml } from '../../../src/machinery/input/yaml-text.ts';

describe('jsonOfYaml', () => {
  it('reads one document, aliases included', () => {
    expect(JSON.parse(jsonOfYaml('a: &x {b: 1}\nc: [*x, "2", null]\n').json)).toEqual({ a: { b: 1 }, c: [{ b: 1 }, '2', null] });
    expect(jsonOfYaml('').json).toBe('null');
  });

  it('takes the last of keys that are given twice, and tells of each', () => {
    const { json, duplicates } = jsonOfYaml('a: 1\nb: [{}, {c: 1, c: 2, c: 3}]\na: 4\nd: {e: {f: 1, f: 2}}\n');
    expect(JSON.parse(json)).toEqual({ a: 4, b: [{}, { c: 3 }], d: { e: { f: 2 } } });
    expect(duplicates).toEqual(['a', 'b[1].c', 'd.e.f']);
  });

  it.each([
    ['a: b: c', 'Nested mappings are not allowed in compact mappings at line 1, column 4'],
    ['a: 1\n---\nb: 2\n', 'it has more than one document'],
    ['a: &a [*a]', 'circular'],
  ])('refuses %j', (text, message) => {
    expect(() => jsonOfYaml(text)).toThrow(message);
  });

  const size = 1_000_000;
  it.each([
    ['brackets', '['.repeat(size), 'exceeded max depth'],
    ['nested keys', 'a: b: c: '.repeat(size / 10), 'exceeded max depth'],
    ['nested lists', '- '.repeat(size / 2), 'exceeded max depth'],
    ['commas', `[${','.repeat(size)}`, 'more than 100000 tokens'],
    ['quotes', '"'.repeat(size), 'more than 100000 tokens'],
    ['keys', Array.from({ length: size / 10 }, (_, i) => `k${i}: v`).join('\n'), 'more than 100000 tokens'],
    ['aliases of a long text', `a: &a "${'x'.repeat(size)}"\nb: [*a, *a, *a, *a]`, 'its aliases make it larger'],
  ])('does not work long on many %s', { timeout: 3_000 }, (_, text, message) => {
    expect(() => jsonOfYaml(text)).toThrow(message);
  });

  it('takes as many keys as its bound allows', { timeout: 3_000 }, () => {
    const text = Array.from({ length: 10_000 }, (_, i) => `k${i}: v`).join('\n');
    expect(Object.keys(JSON.parse(jsonOfYaml(text).json) as object)).toHaveLength(10_000);
  });
});
