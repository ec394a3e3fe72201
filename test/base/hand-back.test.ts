import { describe, expect, it } from 'vitest';
import { handBack } from '../../src/base/hand-back.ts';

describe('handBack', () => {
  it('gives back memory that is nobody else’s', () => {
    const bytes = new Uint8Array(100);
    handBack(bytes);
    expect(bytes.buffer.byteLength).toBe(0);
  });

  it('leaves a part of something larger', () => {
    const bytes = new Uint8Array(100).fill(1);
    handBack(bytes.subarray(50));
    handBack(bytes.subarray(0, 50));
    expect(bytes).toEqual(new Uint8Array(100).fill(1));
  });

  it('leaves memory that is shared between threads', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(10)).fill(1);
    handBack(bytes);
    expect([...bytes]).toEqual(Array(10).fill(1));
  });
});
