/** A clock that is days off neither loses history nor keeps it for ever. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { StorageExpired } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { CatalogFixture } from './fixture.ts';
import { resource, signal } from './gone-back.ts';

const day = 24 * 3600 * 1000;
const minute = 60_000;
const window = { changes: 10, milliseconds: 10 * minute };

let fixture: CatalogFixture;
let objects: Map<string, Uint8Array>;
beforeEach(() => {
  fixture = new CatalogFixture();
  objects = new Map();
});
afterEach(() => fixture.destroy());

/** The machine's clock, `off` milliseconds away; `passed` of its own time are over. */
function clockThatIs(off: number): Clock & { passed: number; off: number } {
  const clock = {
    passed: 0,
    off,
    now: () => systemClock.now() + clock.off + clock.passed,
    monotonic: () => systemClock.monotonic() + clock.passed,
    sleep: (ms: number, until: AbortSignal) => systemClock.sleep(ms, until),
  };
  return clock;
}

const open = (clock: Clock, index: string) => fixture.open(memoryStore(objects), { clock, index, window, interval: 1_000_000 });
let count = 0;
const write = (catalog: Catalog, changes: number) =>
  Promise.all(
    Array.from({ length: changes }, () =>
      catalog.write({ op: 'create', key: { resource, namespace: 'ns', name: `n${count++}` }, json: '{}' }, signal),
    ),
  );
/** Whether change 3 can still be watched. */
const hasOld = async (catalog: Catalog) => {
  try {
    await catalog.watch({ resource, since: 2 }, signal)[Symbol.asyncIterator]().next();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(StorageExpired);
    return false;
  }
};

describe.each([-3 * day, 3 * day])('a clock that is %d ms off', (off) => {
  it('does not change what the process that has it keeps, also when it is put right', async () => {
    const clock = clockThatIs(off);
    const catalog = await open(clock, 'own');
    await write(catalog, 1200);
    clock.passed = 9 * minute;
    clock.off = 0;
    await write(catalog, 1);
    expect(await hasOld(catalog)).toBe(true);
    clock.passed = 11 * minute;
    await write(catalog, 1);
    expect(await hasOld(catalog)).toBe(false);
  });

  it('does not change what others keep', async () => {
    const clock = clockThatIs(0);
    const [writer, other] = [await open(clockThatIs(off), 'writer'), await open(clock, 'other')];
    await write(writer, 1200);
    await other.latest(signal);
    clock.passed = 9 * minute;
    await write(other, 1);
    expect(await hasOld(other)).toBe(true);
    clock.passed = 11 * minute;
    await write(other, 1);
    expect(await hasOld(other)).toBe(false);
  });

  it('does not keep history for ever in an index that it has left', async () => {
    const before = await open(clockThatIs(Math.abs(off)), 'left');
    await write(before, 1200);
    await before.close();
    const clock = clockThatIs(0);
    const catalog = await open(clock, 'left');
    clock.passed = 11 * minute;
    await write(catalog, 1);
    expect(await hasOld(catalog)).toBe(false);
  });
});
