import { expect, it } from 'vitest';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { changed } from '../objectstore/changed.ts';
import { createWorkbench, folder, idOf, shop, signal } from './workbench.ts';

const id = idOf('a snapshot');
const other = idOf('another');
const snapshotKey = (one: string) => `${folder}/restic/snapshots/${one}`;

it('remembers what was forgotten until it is pruned, by namespace', async () => {
  const { repositories, store } = createWorkbench();
  expect(await repositories.unpruned('default', signal)).toEqual([]);
  await store.putIfAbsent(snapshotKey(id), Buffer.from('x'), signal);
  await repositories.forget(shop, id, signal);
  await repositories.forget(shop, id, signal);
  await repositories.forget({ storeName: 'default', namespace: 'shop-2' }, other, signal);
  expect(await store.size(snapshotKey(id), signal)).toBeUndefined();
  expect((await repositories.unpruned('default', signal)).toSorted()).toEqual(['shop', 'shop-2']);
  expect(await repositories.forgotten(shop, signal)).toEqual([id]);
  await repositories.pruned(shop, [id], signal);
  expect(await repositories.unpruned('default', signal)).toEqual(['shop-2']);
  expect(await repositories.forgotten(shop, signal)).toEqual([]);
});

it('remembers it before anything is deleted, and does not take it for gone until it is', async () => {
  const files = memoryStore();
  let broken = true;
  const store = changed(files, {
    delete: async (key, signal) => {
      if (broken) throw new StoreUnavailable('the process ends here');
      await files.delete(key, signal);
    },
  });
  const { repositories } = createWorkbench({ store });
  await store.putIfAbsent(snapshotKey(id), Buffer.from('x'), signal);
  await expect(repositories.forget(shop, id, signal)).rejects.toThrow('the process ends here');
  expect([await repositories.unpruned('default', signal), await repositories.forgotten(shop, signal)]).toEqual([['shop'], []]);
  broken = false;
  await repositories.forget(shop, id, signal);
  expect(await repositories.forgotten(shop, signal)).toEqual([id]);
});

it('forgets nothing that has no id of a snapshot', async () => {
  const { repositories } = createWorkbench();
  await expect(repositories.forget(shop, '../../secrets.json', signal)).rejects.toThrow('is no id of a snapshot of restic');
  expect(await repositories.unpruned('default', signal)).toEqual([]);
});
