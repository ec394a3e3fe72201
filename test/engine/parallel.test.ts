import { describe, expect, it } from 'vitest';
import { inParallel } from '../../src/engine/parallel.ts';
import { settled } from '../manual-clock.ts';

describe('inParallel', () => {
  it('has no more than so many in flight and reads no further', async () => {
    let [flying, most, read, ended] = [0, 0, 0, 0];
    function* items() {
      for (; read < 20; read++) yield read;
    }
    await inParallel(items(), 3, async () => {
      flying += 1;
      most = Math.max(most, flying);
      expect(read - ended).toBeLessThan(3);
      await settled();
      flying -= 1;
      ended += 1;
    });
    expect([most, read, flying]).toEqual([3, 20, 0]);
  });

  it('rejects with the first failure, after those in flight, and begins no more', async () => {
    const ended: number[] = [];
    const work = inParallel([1, 2, 3, 4, 5], 2, async (item) => {
      if (item === 1) throw new Error('one');
      await settled();
      ended.push(item);
    });
    await expect(work).rejects.toThrow('one');
    expect(ended).toEqual([2]);
  });
});
