import { describe, expect, it } from 'vitest';
import { parseAccept, preferred } from '../../../src/machinery/views/accept.ts';

describe('parseAccept', () => {
  it.each([
    ['', ['*/*']],
    ['application/json', ['application/json']],
    ['application/yaml;q=0.5, application/json', ['application/json', 'application/yaml']],
    ['*/*, application/json', ['application/json', '*/*']],
    ['application/*, application/yaml', ['application/yaml', 'application/*']],
    ['application/json;q=0, application/yaml', ['application/yaml']],
    ['Application/JSON ; charset=utf-8', ['application/json']],
    ['a/b;q=nonsense, c/d;q=0.9', ['a/b', 'c/d']],
    [',,application/json', ['application/json']],
  ])('%s', (header, types) => {
    expect(parseAccept(header).map(({ type }) => type)).toEqual(types);
  });

  it('keeps parameters, without q and quotes', () => {
    expect(parseAccept('application/json;as=Table;v="v1"; g=meta.k8s.io;q=0.3')[0]?.parameters).toEqual({
      as: 'Table',
      v: 'v1',
      g: 'meta.k8s.io',
    });
  });
});

describe('preferred', () => {
  it.each([
    ['', 'application/json'],
    ['application/yaml', 'application/yaml'],
    ['application/*', 'application/json'],
    ['application/yaml;q=0.1, */*;q=0.2', 'application/json'],
    ['text/html', undefined],
  ])('%s', (header, type) => {
    expect(preferred(header, ['application/json', 'application/yaml'])).toBe(type);
  });
});
