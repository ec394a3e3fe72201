import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Head } from '../../src/catalog/state/apply.ts';
import { firstHead } from '../../src/catalog/state/apply.ts';
import { faultOf, hasRecent } from '../../src/catalog/local-index/index-check.ts';
import { historyKey } from '../../src/catalog/local-index/index-keys.ts';
import type { Kv } from '../../src/catalog/local-index/kv.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { temporaryFolder } from '../objectstore/stores.ts';

let folder: string;
let kv: Kv;
beforeAll(async () => {
  folder = await temporaryFolder();
  kv = await indexHome(join(folder, 'index')).open();
  const numbers = Array.from({ length: 70_000 }, (_, i) => i + 1001);
  await kv.batch(numbers.map((rv) => ({ type: 'put', key: historyKey(rv), value: 'delete\x000\0t\0r\0n\0a' })));
});
afterAll(async () => {
  await kv.close();
  await rm(folder, { recursive: true });
});

const headAt = (horizon: number, rv: number): Head => ({ ...firstHead, n: 1, horizon, rv });
const without = async (rv: number, head: Head) => {
  await kv.batch([{ type: 'del', key: historyKey(rv) }]);
  const found = await hasRecent(kv, head);
  await kv.batch([{ type: 'put', key: historyKey(rv), value: 'delete\x000\0t\0r\0n\0a' }]);
  return found;
};

describe('the quick look at an index', () => {
  const whole = headAt(1000, 71_000);

  it('finds whatever is missing of late, and does not read what is older', async () => {
    expect(await hasRecent(kv, whole)).toBe(true);
    for (const rv of [71_000, 70_999, 40_000, 71_000 - 65_535]) expect(await without(rv, whole), String(rv)).toBe(false);
    expect(await without(71_000 - 65_536, whole)).toBe(true);
  });

  it('finds what should have been forgotten', async () => {
    expect(await hasRecent(kv, headAt(40_000, 71_000))).toBe(false);
    expect(await hasRecent(kv, headAt(71_000, 71_000))).toBe(false);
  });

  it('finds history that is ahead of the head', async () => {
    expect(await hasRecent(kv, headAt(1000, 70_999))).toBe(false);
  });
});

describe('the quick look, where history begins', () => {
  it('finds as many changes too old as there are missing', async () => {
    const small = await indexHome(join(folder, 'small')).open();
    const put = (numbers: readonly number[]) => small.batch(numbers.map((rv) => ({ type: 'put', key: historyKey(rv), value: '' })));
    await put([7, 8, 9, 10]);
    expect(await hasRecent(small, headAt(6, 10))).toBe(true);
    await small.batch([{ type: 'del', key: historyKey(8) }]);
    await put([5]);
    expect(await hasRecent(small, headAt(6, 10))).toBe(false);
    await small.close();
  });
});

describe('the thorough look', () => {
  it('finds what the quick one does not read, and pauses', async () => {
    let pauses = 0;
    const pause = async () => void pauses++;
    expect(await faultOf(kv, headAt(1000, 71_000), pause)).toBeUndefined();
    expect(pauses).toBeGreaterThan(50);
    expect(await faultOf(kv, headAt(1000, 71_001), pause)).toBe('there are 70000 changes of history, not 70001');
    await kv.batch([{ type: 'put', key: 'v\0r\0n\0a\x000000000000000001', value: '2\0{}' }]);
    expect(await faultOf(kv, headAt(1000, 71_000), pause)).toBe('there are 1 earlier states, not 0');
    await kv.batch([{ type: 'put', key: 'c\0r\0n\0a', value: '2\0{}' }]);
    expect(await faultOf(kv, headAt(1000, 71_000), pause)).toBe('the objects do not have the digest that belongs to them');
  });
});
