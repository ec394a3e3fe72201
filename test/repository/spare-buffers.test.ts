import { describe, expect, it } from 'vitest';
import { SpareBuffers } from '../../src/repository/protocol/spare-buffers.ts';

describe('spare buffers', () => {
  it('lends one that was given back again, and none that is lent', () => {
    const buffers = new SpareBuffers(8, 1);
    using other = buffers.lend();
    const first = lendAndGiveBack(buffers);
    using again = buffers.lend();
    expect(again.buffer).toBe(first);
    expect(again.buffer).not.toBe(other.buffer);
    expect(again.buffer).toHaveLength(8);
  });

  it('finds one again that nobody held meanwhile, as long as the collector has not taken it', () => {
    const buffers = new SpareBuffers(8, 1);
    const first = lendAndGiveBack(buffers);
    using again = buffers.lend();
    expect(again.buffer).toBe(first);
  });

  it('does not lend one again that was not given back', () => {
    const buffers = new SpareBuffers(8, 1);
    const lost = buffers.lend();
    lost[Symbol.dispose]();
    using next = buffers.lend();
    expect(next.buffer).not.toBe(lost.buffer);
  });

  it('lends any number, and keeps no more than it should', () => {
    const buffers = new SpareBuffers(8, 2);
    using _ = buffers.lend();
    const given = Array.from({ length: 3 }, () => buffers.lend());
    for (const loan of given) loan.giveBack();
    const again = Array.from({ length: 3 }, () => buffers.lend().buffer);
    expect(again.filter((buffer) => given.some((loan) => loan.buffer === buffer))).toHaveLength(2);
  });

  function lendAndGiveBack(buffers: SpareBuffers): Buffer {
    using loan = buffers.lend();
    loan.giveBack();
    return loan.buffer;
  }
});
