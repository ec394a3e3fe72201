import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { StorageConflict } from '../../src/machinery/storage.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { CatalogFixture } from './fixture.ts';

const signal = AbortSignal.any([]);
const keyOf = (name: string) => ({ resource: 'widgets.example.com', namespace: 'ns', name });
const add = (catalog: Catalog, name: string) => catalog.write({ op: 'create', key: keyOf(name), json: '{"value":1}' }, signal);

let fixture: CatalogFixture;
beforeEach(() => (fixture = new CatalogFixture()));
afterEach(() => fixture.destroy());

it('is answered, however fast others write meanwhile', async () => {
  const objects = new Map<string, Uint8Array>();
  const other = await fixture.open(memoryStore(objects));
  let pauses = 0;
  /** Whenever the catalog pauses, the other one writes; not for ever, so that the test ends. */
  const clock: Clock = {
    ...systemClock,
    sleep: async (ms, aborted) => {
      if (ms > 1000 || pauses === 20) return systemClock.sleep(ms, aborted);
      await add(other, `n${pauses++}`);
    },
  };
  const catalog = await fixture.open(memoryStore(objects), { interval: 1_000_000, clock });
  const first = await add(other, 'a');
  await catalog.latest(signal);
  await other.write({ op: 'update', key: keyOf('a'), json: '{"value":2}', expect: first }, signal);
  const late = catalog.write({ op: 'update', key: keyOf('a'), json: '{"value":3}', expect: first }, signal);
  await expect(late).rejects.toBeInstanceOf(StorageConflict);
  expect(pauses).toBeLessThan(3);
});
