/** How many requests a catalog makes when nobody asks it anything. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { ManualClock } from '../manual-clock.ts';
import { CatalogFixture } from './fixture.ts';
import { add, signal } from './gone-back.ts';

let fixture: CatalogFixture;
let clock: ManualClock;
let requests: number;
beforeEach(() => {
  fixture = new CatalogFixture();
  clock = new ManualClock();
});
afterEach(() => fixture.destroy());

const counted = (right: ObjectStore): ObjectStore =>
  new Proxy(right, {
    get: (target, name: keyof ObjectStore) => {
      const method = target[name];
      if (typeof method !== 'function') return method;
      return (...args: never[]) => {
        requests++;
        return (method as (...given: never[]) => unknown).apply(target, args);
      };
    },
  });

const during = async (minutes: number) => {
  requests = 0;
  await clock.pass(minutes * 60_000);
  return requests;
};

const open = (objects: Map<string, Uint8Array>) => fixture.open(counted(memoryStore(objects)), { clock, interval: 1000 });

describe('an idle catalog', () => {
  it('makes at most four requests a minute, the look at its newest segment among them', async () => {
    const catalog = await open(new Map());
    await add(catalog, 'a');
    await during(3);
    expect(await during(60)).toBeLessThanOrEqual(240);
    expect(requests).toBeGreaterThanOrEqual(230);
  });

  it('looks every second for a minute after each write, read and find', async () => {
    const objects = new Map<string, Uint8Array>();
    const [catalog, other] = [await open(objects), await fixture.open(memoryStore(objects), { interval: 1_000_000 })];
    const events = [
      () => add(catalog, 'written'),
      () => catalog.latest(signal),
      async () => {
        await add(other, 'found');
        await clock.pass(20_000);
        await expect.poll(() => catalog.current()).toBe(3);
      },
    ];
    for (const event of events) {
      await during(5);
      const happening = event();
      await clock.pass(0);
      await happening;
      requests = 0;
      await clock.pass(30_000);
      expect(requests).toBeGreaterThanOrEqual(29);
      expect(requests).toBeLessThanOrEqual(32);
    }
  });
});
