/** An engine with BackupStores in memory, each a place that a URL names, for the tests. */
import { randomIds } from '../../../src/base/ids.ts';
import { probe } from '../../../src/objectstore/probe/probe.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { BackupStores } from '../../../src/engine/stores/backup-stores.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { StoreDenied, StoreUnavailable } from '../../../src/objectstore/objectstore.ts';
import { foundWhenUsed } from '../../../src/objectstore/wrappers/found-when-used.ts';
import type { Repositories } from '../../../src/repository/repositories.ts';
import { backupStores } from '../../../src/resources/backup-store.ts';
import type { BackupStore, BackupStoreSpec } from '../../../src/resources/backup-store.ts';
import { changed } from '../../objectstore/changed.ts';
import { sampleCluster } from '../sample-cluster.ts';
import { createWorkbench, forever } from '../workbench.ts';

interface Opening {
  readonly url: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ca: string | undefined;
}

export function createStoresBench(given: { clock?: Clock; repositories?: Repositories; storeFolder?: string } = {}) {
  const { clock = systemClock, storeFolder = '/srv/stores' } = given;
  const cluster = sampleCluster();
  /** What lies at each URL. */
  const places = new Map<string, Map<string, Uint8Array>>();
  /** URLs that cannot be reached, that may only be read, that never answer, or that ignore put-if-absent. */
  const faults = new Map<string, 'down' | 'denied' | 'silent' | 'liar'>();
  const opened: Opening[] = [];
  const closed: string[] = [];
  const filesAt = (url: string) => {
    const files = places.get(url) ?? new Map<string, Uint8Array>();
    places.set(url, files);
    return files;
  };
  const storeAt = (url: string) => {
    const found = async () => {
      if (faults.get(url) === 'down') throw new StoreUnavailable(`${url} does not answer`);
      const files = filesAt(url);
      const store = memoryStore(files);
      if (faults.get(url) === 'denied') return changed(store, { putIfAbsent: () => Promise.reject(new StoreDenied('access denied')) });
      if (faults.get(url) === 'liar')
        return changed(store, { putIfAbsent: async (key, body) => (files.set(key, body.slice()), 'created') });
      return store;
    };
    return changed(foundWhenUsed(url, found), { close: async () => void closed.push(url) });
  };
  const own = { store: storeAt('s3://own'), url: 's3://own' };
  let made: BackupStores | undefined;
  const bench = createWorkbench({
    ...given,
    cluster,
    stores: (objects) => {
      made = new BackupStores({
        own,
        objects,
        cluster: Promise.resolve(cluster),
        clock,
        env: { OWN: 'own' },
        storeFolder,
        open: async (opening) => {
          opened.push(opening);
          if (faults.get(opening.url) === 'silent') await new Promise(() => {});
          const store = storeAt(opening.url);
          const { denied } = await probe(store, { clock, ids: randomIds }, forever);
          return { store, readOnly: denied };
        },
      });
      return made;
    },
  });
  /** As when the process ends. */
  const end = async () => made?.[Symbol.asyncDispose]();
  const make = (name: string, spec: Partial<BackupStoreSpec> = {}) =>
    bench.create(backupStores, '', name, { url: `s3://${name}`, ...spec });
  const store = async (name: string) => (await bench.get(backupStores, '', name)) as BackupStore | undefined;
  const check = async (name: string) =>
    (await bench.engine.services.checkStore((await store(name)) as BackupStore, forever)) as BackupStore;
  return { ...bench, cluster, faults, opened, closed, filesAt, make, store, check, end };
}
