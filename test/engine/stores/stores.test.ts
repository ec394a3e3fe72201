/** Backups in stores of their own: all that is done with one is done where it lies. */
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { backups } from '../../../src/resources/backup.ts';
import { backupStores } from '../../../src/resources/backup-store.ts';
import { refOf } from '../../../src/engine/runs/run-status.ts';
import type { Backup } from '../../../src/resources/backup.ts';
import { ManualClock } from '../../manual-clock.ts';
import { temporaryFolder } from '../../objectstore/stores.ts';
import { forever, logOf, resultsOf, whileRunning } from '../workbench.ts';
import { fastClock } from '../clocks.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { createStoresBench } from './stores-bench.ts';

const eventsOf = (cluster: MemoryCluster, reason: string) =>
  cluster
    .names('events', 'shop')
    .map((name) => cluster.read('events', 'shop', name))
    .filter((event) => event?.['reason'] === reason);

const available = { phase: 'Available', observedGeneration: 1 };

describe('a Backup that names a store', () => {
  it('lies there, is read there, restored from there, and deleted there', async () => {
    const bench = createStoresBench();
    const { engine, cluster, parts } = bench;
    await whileRunning(engine, async () => {
      await bench.make('archive');
      const backup = await bench.backUp('shop', 'b', { storeName: 'archive' });
      expect(backup.status).toMatchObject({ phase: 'Completed', storeName: 'archive', errors: 0 });
      const files = bench.filesAt('s3://archive');
      expect([...files.keys()].map((key) => key.split('/').at(-1) ?? '').sort()).toEqual([
        'archive.tar.gz',
        'items',
        'log',
        'manifest.json',
      ]);
      expect([...bench.filesAt('s3://own').keys()]).toEqual([]);

      const items = await engine.services.items(backup, { limit: 10, continue: '', labelSelector: '' }, forever);
      expect(items.items.map(({ name }) => name)).toContain('settings');
      expect(await logOf(engine, backup)).toContain('configmaps of shop');
      const verified = (await engine.services.verify(backup, forever)) as Backup;
      expect(verified.status.verification).toMatchObject({ phase: 'Passed' });
      const { size } = await engine.services.archive(backup, undefined, forever);
      expect(size).toBe(backup.status.archive?.bytes);

      cluster.dropNamespace('shop');
      const restored = await bench.restore('shop', 'r', { backupName: 'b' });
      expect(restored.status.phase).toBe('Completed');
      expect(await resultsOf(engine, restored)).toContain('configmaps shop/settings created');
      expect([...bench.filesAt('s3://own').keys()].every((key) => key.startsWith('d/domain/restores/'))).toBe(true);

      await parts.objects.delete(backups, refOf(backup), forever);
      await vi.waitFor(async () => expect(await bench.get(backups, 'shop', 'b')).toBeUndefined());
      expect([...files.keys()]).toEqual([]);
    });
  });

  it('is refused where there is none of that name', async () => {
    const { backUp } = createStoresBench();
    await expect(backUp('shop', 'b', { storeName: 'archive' })).rejects.toThrow('spec.storeName: Not found: "archive"');
  });

  it.each([
    ['down', 's3://archive does not answer'],
    ['denied', 'it cannot be written: access denied'],
    [
      'liar',
      's3://archive cannot be used: it accepts a second create of the same key and replaces the first: it ignores put-if-absent, as some stores do in versioned buckets',
    ],
  ] as const)('fails clearly where that is %s, and leaves nothing', async (fault, why) => {
    const bench = createStoresBench();
    bench.faults.set('s3://archive', fault);
    await whileRunning(bench.engine, async () => {
      await bench.make('archive');
      await vi.waitFor(async () => expect((await bench.store('archive'))?.status?.phase).toBe('Unavailable'));
      const failed = await bench.backUp('shop', 'b', { storeName: 'archive' });
      expect(failed.status).toMatchObject({
        phase: 'Failed',
        failureReason: `StoreUnavailable: the BackupStore "archive" cannot be used: ${why}`,
      });
      expect(failed.status.startTimestamp).toBeUndefined();
      expect([...bench.filesAt('s3://archive').keys()]).toEqual([]);
      await bench.parts.objects.delete(backups, refOf(failed), forever);
      await vi.waitFor(async () => expect(await bench.get(backups, 'shop', 'b')).toBeUndefined());
      bench.faults.clear();
      expect((await bench.backUp('shop', 'again', { storeName: 'archive' })).status.phase).toBe('Completed');
      expect((await bench.store('archive'))?.status).toMatchObject(available);
    });
  });

  it('fails as StoreUnavailable where the store goes away meanwhile, and is deleted when it is back', async () => {
    const bench = createStoresBench();
    await whileRunning(bench.engine, async () => {
      await bench.make('archive');
      await vi.waitFor(async () => expect((await bench.store('archive'))?.status).toMatchObject(available));
      bench.faults.set('s3://archive', 'down');
      const failed = await bench.backUp('shop', 'b', { storeName: 'archive' });
      expect(failed.status.failureReason).toBe('StoreUnavailable: s3://archive does not answer');
      await bench.parts.objects.delete(backups, refOf(failed), forever);
      await vi.waitFor(async () => {
        const { status } = (await bench.get(backups, 'shop', 'b')) as Backup;
        expect(status.conditions?.find(({ type }) => type === 'Reconciling')?.message).toBe(
          'Its data is not removed yet: s3://archive does not answer; it is tried again; if the store is gone for good, take away the finalizer backup.kylon.io/data: what may lie there stays',
        );
      });
      await vi.waitFor(() => expect(eventsOf(bench.cluster, 'DeletionFailed')).toMatchObject([{ count: 2 }]), 5_000);
      bench.faults.clear();
      await vi.waitFor(async () => expect(await bench.get(backups, 'shop', 'b')).toBeUndefined(), 5_000);
    });
  });

  it('is deleted at once while it is not known yet whether its store can be used', async () => {
    const bench = createStoresBench();
    bench.faults.set('s3://archive', 'silent');
    await bench.make('archive');
    await whileRunning(bench.engine, async () => {
      const backup = await bench.create(backups, 'shop', 'b', { storeName: 'archive' });
      await vi.waitFor(() => expect(bench.opened.length).toBeGreaterThan(0));
      await bench.parts.objects.delete(backups, refOf(backup), forever);
      await vi.waitFor(async () => expect(await bench.get(backups, 'shop', 'b')).toBeUndefined());
      await bench.end();
    });
  });

  it('fails where the store is being deleted when it begins', async () => {
    const bench = createStoresBench();
    const store = await bench.make('archive');
    await bench.create(backups, 'shop', 'b', { storeName: 'archive' });
    // As one that was deleted at the same moment, whose users were counted before.
    const going = { ...store.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const key = { resource: 'backupstores.backup.kylon.io', namespace: '', name: 'archive' };
    const json = JSON.stringify({ ...store, metadata: { ...going, resourceVersion: undefined } });
    await bench.storage.write({ op: 'update', key, json, expect: (await bench.storage.get(key, forever))?.rv ?? 0 }, forever);
    await whileRunning(bench.engine, async () => {
      const failed = (await bench.ended(backups, 'shop', 'b')) as Backup;
      expect(failed.status.failureReason).toBe('StoreNotFound: the BackupStore "archive" is being deleted');
      await vi.waitFor(async () => expect((await bench.store('archive'))?.status?.message).toBe('it is used by 1 Backup'));
      await bench.parts.objects.delete(backups, refOf(failed), forever);
      await vi.waitFor(async () => expect(await bench.get(backups, 'shop', 'b')).toBeUndefined(), 5_000);
    });
  });
});

describe('a BackupStore', () => {
  it('is not deleted while it is used, and then at once', async () => {
    const bench = createStoresBench();
    const { objects } = bench.parts;
    await whileRunning(bench.engine, async () => {
      const store = await bench.make('archive');
      const backup = await bench.backUp('shop', 'b', { storeName: 'archive' });
      await expect(objects.delete(backupStores, refOf(store), forever)).rejects.toThrow('it is used by 1 Backup');
      await objects.delete(backups, refOf(backup), forever);
      await vi.waitFor(async () => expect(await bench.get(backups, 'shop', 'b')).toBeUndefined());
      await objects.delete(backupStores, refOf(store), forever);
      await vi.waitFor(async () => expect(await bench.store('archive')).toBeUndefined());
    });
  });

  it('shows the default one, which cannot be touched', async () => {
    const bench = createStoresBench();
    await whileRunning(bench.engine, async () => {
      await vi.waitFor(async () => expect((await bench.store('default'))?.status).toMatchObject(available));
      const store = await bench.store('default');
      expect(store?.spec).toEqual({ url: 's3://own' });
      await expect(bench.parts.objects.delete(backupStores, refOf(store!), forever)).rejects.toThrow('Kylon was started with');
      await expect(bench.make('default')).rejects.toThrow('follows its flags');
      bench.faults.set('s3://own', 'down');
      expect((await bench.check('default')).status).toMatchObject({ phase: 'Unavailable', message: 's3://own does not answer' });
      bench.faults.clear();
      expect((await bench.check('default')).status).toMatchObject(available);
    });
    expect(bench.closed).toEqual(['s3://own']);
  });

  it('is opened with the Secret that it names, and nothing else; and again when that has changed', async () => {
    const bench = createStoresBench();
    const { cluster } = bench;
    const seed = (key: string, resourceVersion: string) =>
      cluster.seed('secrets', {
        metadata: { name: 'keys', namespace: 'shop', resourceVersion },
        data: Object.fromEntries(
          Object.entries({ AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: 'hunter2', other: 'x' }).map(([name, value]) => [
            name,
            Buffer.from(value).toString('base64'),
          ]),
        ),
      });
    seed('first', '1');
    await bench.make('archive', {
      credential: { namespace: 'shop', name: 'keys' },
      caBundle: Buffer.from('-----BEGIN CERTIFICATE-----').toString('base64'),
    });
    const status = (await bench.check('archive')).status;
    expect(status).toMatchObject(available);
    expect(JSON.stringify(await bench.store('archive'))).not.toContain('hunter2');
    const env = { AWS_ACCESS_KEY_ID: 'first', AWS_SECRET_ACCESS_KEY: 'hunter2', AWS_SESSION_TOKEN: undefined };
    expect(bench.opened).toEqual([{ url: 's3://archive', env, ca: '-----BEGIN CERTIFICATE-----' }]);
    await bench.check('archive');
    expect(bench.closed).toEqual(['s3://archive']);
    seed('second', '2');
    await bench.check('archive');
    expect(bench.opened.at(-1)?.env).toEqual({ ...env, AWS_ACCESS_KEY_ID: 'second' });
    expect(bench.closed).toEqual(['s3://archive']);
  });

  it.each([
    [{ credential: { namespace: 'shop', name: 'none' } }, 'there is no Secret "none" in the namespace "shop"'],
    [{ credential: { namespace: 'shop', name: 'password' } }, 'the credentials lack AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    [{ url: 'file:///etc' }, 'file:// may name folders below /srv/stores only'],
    [{ url: 'file:///srv/stores/../x' }, 'file:// may name folders below /srv/stores only'],
    [
      { url: 'file://host/srv/stores/x' },
      'file://host/srv/stores/x: a directory is named by file:///PATH, an absolute path without host, ? and #',
    ],
    [{ url: 'file:///srv/stores' }, 'file:// may name folders below /srv/stores only'],
  ])('with %j says what is wrong with it, and is not opened', async (spec, message) => {
    const bench = createStoresBench();
    await bench.make('archive', spec);
    const { status } = await bench.check('archive');
    expect(status).toMatchObject({ phase: 'Unavailable', message });
    expect(status?.conditions?.map(({ type, status: holds }) => `${type} ${holds}`)).toEqual(['Available False', 'Ready False']);
    expect(bench.opened).toEqual([]);
  });

  it('does not leave the folder by a symbolic link, through which the folder itself may be named', async () => {
    const place = await temporaryFolder();
    await using _ = { [Symbol.asyncDispose]: () => rm(place, { recursive: true }) };
    await mkdir(join(place, 'real/inside'), { recursive: true });
    await mkdir(join(place, 'outside'));
    const storeFolder = join(place, 'stores');
    await symlink(join(place, 'real'), storeFolder);
    await symlink(join(place, 'outside'), join(storeFolder, 'out'));
    await symlink(join(place, 'nowhere'), join(storeFolder, 'lost'));
    await symlink(join(storeFolder, 'inside'), join(storeFolder, 'in'));
    const bench = createStoresBench({ storeFolder });
    const checked = async (path: string) => {
      const [name = ''] = path.split('/');
      await bench.make(name, { url: pathToFileURL(join(storeFolder, path)).href });
      return (await bench.check(name)).status;
    };
    const message = `file:// may name folders below ${storeFolder} only, and a symbolic link leads out of it`;
    expect(await checked('out/new')).toMatchObject({ phase: 'Unavailable', message });
    expect((await checked('lost'))?.message).toBe(`${join(storeFolder, 'lost')} is a symbolic link to what is not there`);
    expect(bench.opened).toEqual([]);
    expect(await checked('in/new')).toMatchObject(available);
    expect(await checked('plain/new')).toMatchObject(available);
  });

  it('that never answers is Unavailable after a while', async () => {
    const bench = createStoresBench({ clock: fastClock });
    bench.faults.set('s3://archive', 'silent');
    await bench.make('archive');
    expect((await bench.check('archive')).status).toMatchObject({ phase: 'Unavailable', message: 'it was not open within 30 s' });
  });

  it('is checked anew by who asks while an earlier check goes on', async () => {
    const bench = createStoresBench({ clock: fastClock });
    bench.faults.set('s3://archive', 'silent');
    await bench.make('archive');
    const earlier = bench.check('archive');
    await vi.waitFor(() => expect(bench.opened).toHaveLength(1));
    bench.faults.clear();
    const [, later] = await Promise.all([earlier, bench.check('archive'), bench.check('archive')]);
    expect(later.status).toMatchObject(available);
    expect(bench.opened).toHaveLength(2);
  });

  it('that is being opened does not hold up the end of the process', async () => {
    const bench = createStoresBench();
    bench.faults.set('s3://archive', 'silent');
    await bench.make('archive');
    const checked = expect(bench.check('archive')).rejects.toThrow('Kylon has ended');
    await vi.waitFor(() => expect(bench.opened).toHaveLength(1));
    await bench.end();
    await checked;
  });

  it('is another one when it was made anew under the same name', async () => {
    const bench = createStoresBench();
    const { objects } = bench.parts;
    await whileRunning(bench.engine, async () => {
      const first = await bench.make('archive', { url: 's3://first' });
      await vi.waitFor(async () => expect((await bench.store('archive'))?.status).toMatchObject(available));
      await objects.delete(backupStores, refOf(first), forever);
      await vi.waitFor(async () => expect(await bench.store('archive')).toBeUndefined());
      await bench.make('archive', { url: 's3://second' });
      await bench.backUp('shop', 'b', { storeName: 'archive' });
      expect(bench.filesAt('s3://first').size).toBe(0);
      expect(bench.filesAt('s3://second').size).toBe(4);
    });
  });
});

describe('the sweep', () => {
  it('looks through each store, and past one that does not answer', async () => {
    const clock = new ManualClock();
    const bench = createStoresBench({ clock });
    const torn = 'd/domain/backups/torn/run1/archive.tar.gz';
    const urls = ['s3://own', 's3://archive', 's3://lost'];
    await bench.make('archive');
    await bench.make('lost');
    for (const url of urls) bench.filesAt(url).set(torn, new Uint8Array(5));
    const folders = async () => /^kylon_orphaned_folders (\d+)$/m.exec((await bench.parts.metrics.text()).body)?.[1];
    await whileRunning(bench.engine, async () => {
      const { metadata } = await bench.backUp('shop', 'b', { storeName: 'archive' });
      bench.faults.set('s3://lost', 'down');
      await clock.pass(301_000);
      expect(await folders()).toBe('2');
      await clock.pass(3_600_000);
      expect(urls.map((url) => bench.filesAt(url).has(torn))).toEqual([false, false, true]);
      expect([...bench.filesAt('s3://archive').keys()].filter((key) => key.includes(metadata.uid ?? '-'))).toHaveLength(4);
    });
  });
});
