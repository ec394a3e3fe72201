import { expect, it } from 'vitest';
import { ManualClock } from '../manual-clock.ts';
import { changed } from '../objectstore/changed.ts';
import { createWorkbench, folder, hour, idOf, shop, signal, to } from './workbench.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';

const other = { storeName: 'default', namespace: 'shop-2' };

it('begins with the repository, and is counted from there', async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  const { repositories } = createWorkbench({ clock });
  expect([await repositories.checks('default', signal), await repositories.lastCheck(shop, signal)]).toEqual([new Map(), undefined]);
  await repositories.access(shop, to('append'), hour, signal);
  const begun = { times: 0, at: clock.now() };
  expect(await repositories.lastCheck(shop, signal)).toEqual(begun);
  await repositories.noteCheck(shop, { times: 9, at: 1_000 }, signal);
  await repositories.noteCheck(shop, { times: 10, at: 2_000 }, signal);
  await repositories.access(shop, to('append'), hour, signal);
  await repositories.access(other, to('append'), hour, signal);
  expect(await repositories.checks('default', signal)).toEqual(
    new Map([
      ['shop', { times: 10, at: 2_000 }],
      ['shop-2', begun],
    ]),
  );
});

it('leaves one file for each, and is not confused by another', async () => {
  const objects = new Map<string, Uint8Array>();
  const { repositories, store } = createWorkbench({ store: memoryStore(objects) });
  await store.putIfAbsent('d/domain/checked/shop/README', Buffer.of(), signal);
  for (const times of [1, 2, 3]) await repositories.noteCheck(shop, { times, at: 5_000 }, signal);
  expect([...objects.keys()].toSorted()).toEqual(['d/domain/checked/shop/3.5000', 'd/domain/checked/shop/README']);
  expect(await repositories.lastCheck(shop, signal)).toEqual({ times: 3, at: 5_000 });
});

it('is never lost between two replicas that note the same one', async () => {
  const files = memoryStore();
  const both = Promise.withResolvers<void>();
  let puts = 0;
  const together = changed(files, {
    putIfAbsent: async (...args) => {
      const outcome = await files.putIfAbsent(...args);
      if (++puts === 2) both.resolve();
      await both.promise;
      return outcome;
    },
  });
  const { repositories } = createWorkbench({ store: together });
  await Promise.all([1_000, 2_000].map((at) => repositories.noteCheck(shop, { times: 1, at }, signal)));
  expect(await repositories.lastCheck(shop, signal)).toEqual({ times: 1, at: 2_000 });
});

it('is not begun by who only reads, maybe from a store that cannot be written', async () => {
  const { repositories } = createWorkbench();
  await repositories.access(shop, to('read'), hour, signal);
  expect(await repositories.lastCheck(shop, signal)).toBeUndefined();
});

it('knows how much is there', async () => {
  const { repositories, store } = createWorkbench();
  expect(await repositories.contents(shop, signal)).toEqual({ snapshots: 0, bytes: 0 });
  await store.putIfAbsent(`${folder}/restic/snapshots/${idOf('s')}`, Buffer.from('s'), signal);
  for (const pack of ['a', 'bcd']) await store.putIfAbsent(`${folder}/restic/data/00/${idOf(pack)}`, Buffer.from(pack), signal);
  await store.putIfAbsent(`${folder}/restic/index/${idOf('i')}`, Buffer.from('index'), signal);
  expect(await repositories.contents(shop, signal)).toEqual({ snapshots: 1, bytes: 4 });
});
