/** What lies in the store and belongs to nobody: found, told, and removed when it is of no use. */
import { describe, expect, it } from 'vitest';
import { findOrphans } from '../../../src/engine/upkeep/orphans.ts';
import { backups } from '../../../src/resources/backup.ts';
import { restores } from '../../../src/resources/restore.ts';
import { ManualClock } from '../../manual-clock.ts';
import { sampleCluster } from '../sample-cluster.ts';
import { createWorkbench, forever, whileRunning } from '../workbench.ts';

async function createStore() {
  const clock = new ManualClock();
  const bench = createWorkbench({ cluster: sampleCluster(), clock });
  const { files, parts } = bench;
  const made = await whileRunning(bench.engine, async () => ({
    backup: await bench.backUp('shop', 'b'),
    restore: await bench.restore('shop', 'r', { backupName: 'b' }),
  }));
  const put = (path: string, length = 1) => files.set(`d/domain/${path}`, new Uint8Array(length));
  const find = () =>
    findOrphans(
      {
        store: parts.stores.named('default'),
        domain: 'domain',
        objects: (word, signal) => parts.objects.each(word === 'backup' ? backups : restores, signal),
      },
      forever,
    );
  const figures = async () => {
    const { body } = await parts.metrics.text();
    return ['folders', 'bytes'].map((name) => Number(new RegExp(`^kylon_orphaned_${name} (\\d+)$`, 'm').exec(body)?.[1]));
  };
  const folderOf = (word: string, object: { metadata: { uid?: string } }) => `${word}/${object.metadata.uid}`;
  return {
    bench,
    clock,
    files,
    put,
    find,
    figures,
    ...made,
    own: folderOf('backups', made.backup),
    ownRestore: folderOf('restores', made.restore),
  };
}

describe('orphans', () => {
  it('are none where every folder is of an object and of its run', async () => {
    const { find } = await createStore();
    expect(await find()).toEqual({ orphans: [], folders: 0, bytes: 0 });
  });

  it('are pieces of the log of a run that died, not of the current one', async () => {
    const { put, find, own, backup } = await createStore();
    put(`${own}/${(backup.status as { run?: { id: string } }).run?.id}/live-log/00000001`);
    put(`${own}/0ld/live-log/00000001`);
    put(`${own}/0ld/live-log/00000002`);
    expect((await find()).orphans).toEqual([expect.objectContaining({ path: `d/domain/${own}/0ld/`, files: 2, holdsBackup: false })]);
  });

  it('are folders of unknown objects, and of runs that are not the current one', async () => {
    const { put, find, own, ownRestore } = await createStore();
    put('backups/dead/run1/archive.tar.gz', 10);
    put('backups/dead/run2/manifest.json', 3);
    put('backups/dead/run2/archive.tar.gz', 3);
    put('backups/torn/run1/archive.tar.gz', 5);
    put('restores/gone/run1/log', 7);
    put(`${own}/0ld/archive.tar.gz`, 100);
    put(`${own}/0ld/manifest.json`, 1);
    put(`${ownRestore}/0ld/results`, 1);
    put('backups/stray', 2);
    put(`${own}/stray`, 2);
    put('log/00000000000000000001.seg');
    put('lost/x/backups/y/z');
    expect(await find()).toEqual({
      folders: 7,
      bytes: 134,
      orphans: [
        { path: 'd/domain/backups/stray', files: 1, bytes: 2, holdsBackup: false },
        { path: 'd/domain/backups/dead/', files: 3, bytes: 16, holdsBackup: true },
        { path: 'd/domain/backups/torn/', files: 1, bytes: 5, holdsBackup: false },
        { path: `d/domain/${own}/0ld/`, files: 2, bytes: 101, holdsBackup: false },
        { path: `d/domain/${own}/stray`, files: 1, bytes: 2, holdsBackup: false },
        { path: 'd/domain/restores/gone/', files: 1, bytes: 7, holdsBackup: false },
        { path: `d/domain/${ownRestore}/0ld/`, files: 1, bytes: 1, holdsBackup: false },
      ]
        .toSorted((a, b) => (a.path < b.path ? -1 : 1))
        .map((orphan) => ({ ...orphan, modified: undefined })),
    });
  });

  it('are not those of another domain, nor of one whose name begins alike', async () => {
    const { files, find } = await createStore();
    files.set('d/domain2/backups/x/y/log', new Uint8Array(1));
    files.set('d/other/backups/x/y/log', new Uint8Array(1));
    expect((await find()).folders).toBe(0);
  });

  it('are never what is being written: the folders are listed before the catalog', async () => {
    const { bench, put } = await createStore();
    const { parts } = bench;
    const asked: string[] = [];
    const own = parts.stores.named('default');
    const list: typeof own.list = own.list.bind(own);
    const store = Object.assign(own, {
      list: (...given: Parameters<typeof list>) => {
        asked.push('store');
        return list(...given);
      },
    });
    put('backups/x/y/log');
    await findOrphans(
      {
        store,
        domain: 'domain',
        objects: (word, signal) => {
          asked.push('catalog');
          return parts.objects.each(word === 'backup' ? backups : restores, signal);
        },
      },
      forever,
    );
    expect(asked).toEqual(['store', 'catalog', 'store', 'catalog', 'store']);
  });

  it('are not told where the catalog cannot be read to its end', async () => {
    const { bench, put } = await createStore();
    put('backups/dead/run1/archive.tar.gz');
    async function* broken() {
      yield (await bench.get(backups, 'shop', 'b'))!;
      throw new Error('the catalog is damaged');
    }
    const source = { store: bench.parts.stores.named('default'), domain: 'domain', objects: broken };
    await expect(findOrphans(source, forever)).rejects.toThrow('the catalog is damaged');
    async function* nameless() {
      yield { apiVersion: 'v', kind: 'Backup', metadata: { name: 'n' } };
    }
    await expect(findOrphans({ ...source, objects: nameless }, forever)).rejects.toThrow('without a uid, n');
  });
});

describe('the sweep', () => {
  const hour = 3_600_000;

  it('tells at once, removes an hour later what is of no use, and leaves whole backups', async () => {
    const { bench, clock, files, put, figures, own } = await createStore();
    put('backups/torn/run1/archive.tar.gz', 5);
    put('backups/whole/run1/archive.tar.gz', 5);
    put('backups/whole/run1/manifest.json', 5);
    put(`${own}/0ld/log`, 3);
    const kept = [...files.keys()].filter((key) => !/torn|0ld/.test(key));
    await whileRunning(bench.engine, async () => {
      await clock.pass(301_000);
      expect(await figures()).toEqual([3, 18]);
      await clock.pass(hour - 2_000);
      expect(files.size).toBe(kept.length + 2);
      put('backups/late/run1/log', 1);
      await clock.pass(2_000);
      expect([...files.keys()].filter((key) => !key.includes('late'))).toEqual(kept);
      expect(files.has('d/domain/backups/late/run1/log')).toBe(true);
      expect(await figures()).toEqual([2, 11]);
      await clock.pass(hour);
      expect(await figures()).toEqual([1, 10]);
      expect([...files.keys()]).toEqual(kept);
    });
  });

  it('removes nothing while the catalog cannot be read, and goes on when it can', async () => {
    const { bench, clock, files, put } = await createStore();
    put('backups/torn/run1/log');
    const each = bench.parts.objects.each.bind(bench.parts.objects);
    await whileRunning(bench.engine, async () => {
      await clock.pass(301_000);
      Object.assign(bench.parts.objects, {
        each: () => {
          throw new Error('away');
        },
      });
      await clock.pass(2 * hour);
      expect(files.has('d/domain/backups/torn/run1/log')).toBe(true);
      Object.assign(bench.parts.objects, { each });
      await clock.pass(hour);
      expect(files.has('d/domain/backups/torn/run1/log')).toBe(false);
    });
  });
});
