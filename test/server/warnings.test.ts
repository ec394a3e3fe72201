import { describe, expect, it } from 'vitest';
import { warningHeaders } from '../../src/server/warnings.ts';

describe('warningHeaders', () => {
  it('says each thing once, quoted, on one line', () => {
    expect(warningHeaders(['a "b"', 'a "b"', 'c\r\nd\\', ' '])).toEqual(['299 - "a \\"b\\""', '299 - "c d\\\\"']);
  });

  it('cuts long ones and leaves out the last ones when there is too much to say', () => {
    const headers = warningHeaders(Array.from({ length: 20 }, (_, i) => `${i}${'x'.repeat(1000)}`));
    expect(headers).toHaveLength(16);
    expect(headers[15]).toBe(`299 - "15${'x'.repeat(254)}"`);
  });

  it('says no more than any client reads as headers, and does not work long on very many', { timeout: 2_000 }, () => {
    expect(warningHeaders(Array.from({ length: 200_000 }, (_, i) => `unknown field "f${i}"`))).toHaveLength(64);
  });
});
