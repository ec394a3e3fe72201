/** Volumes copied into a further store and back, by real restic in real Pods. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { coldBuild } from './go.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { moverFlags, withMovers } from './mover-image.ts';
import { backup, backups, complete, ended, gone, namespace, path, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { eventually, run } from './process.ts';
import { claim, writer } from './volumes.ts';

const cluster = withMovers(findCluster());
const moved = suite('volumes in a further store', cluster);
const bst = 'backupstores.backup.kylon.io';

describe(moved.title, moved.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const place = 'kylon-stores-move';
  const [data, stores] = [temporaryFolder(), temporaryFolder()];
  let flags: readonly string[];
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    flags = [...(await moverFlags(kubectl)), `--store-folder=${stores}`];
    await kubectl.run(['create', '-f', '-'], [namespace(place), claim(place, 'data'), writer(place, 'writer', 'data')]);
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await inPod('echo hello > /data/greeting');
    kylon = await Kylon.beside(kubeconfig, { data, flags });
    await store('archive');
  }, coldBuild);
  afterAll(async () => {
    await kubectl.try(['delete', `${backups},${snapshots}`, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
  }

  /** Has Kylon find what was changed while it was away. */
  async function restarted(change: () => void): Promise<void> {
    await kylon.stop();
    change();
    kylon = await Kylon.beside(kubeconfig, { data, flags });
  }

  const inPod = (script: string) => kubectl.run(['exec', 'writer', '-n', place, '--', 'sh', '-c', script]);
  const create = (object: object) => kubectl.run(['create', '-f', '-'], object);
  const store = async (name: string) => {
    const url = pathToFileURL(join(stores, name)).href;
    await create({ apiVersion: 'backup.kylon.io/v1alpha1', kind: 'BackupStore', metadata: { name }, spec: { url } });
    await kubectl.run(['wait', '--for=condition=Available', `${bst}/${name}`, '--timeout=60s']);
  };
  const nothingIsLeft = () =>
    eventually(async () => (await kubectl.list('pods,secrets,pvc', '-n', place, '-l', 'app.kubernetes.io/managed-by=kylon')).length === 0);
  /** What lies in a folder of the repository of the namespace in this store. */
  const kept = (store: string, kind: 'data' | 'snapshots') => {
    const domains = existsSync(join(store, 'd')) ? readdirSync(join(store, 'd')) : [];
    return domains.flatMap((domain) => {
      const folder = join(store, 'd', domain, 'volumes', place, 'restic', kind);
      return existsSync(folder) ? readdirSync(folder) : [];
    });
  };
  const own = () => [...kept(join(data, 'store'), 'data'), ...kept(join(data, 'store'), 'snapshots')];
  /** Of this cluster. */
  const archive = () => join(stores, 'archive/d', readdirSync(join(stores, 'archive/d'))[0] ?? '');
  const archived = () => kept(join(stores, 'archive'), 'snapshots');
  const below = (rest: string) => path(place, `snapshots/first/${rest}`);

  it('are copied there, and nowhere else', async () => {
    await create(snapshot(place, 'first', 'data', { moveData: true, storeName: 'archive' }));
    const { status } = await complete(kubectl, snapshots, { namespace: place, name: 'first' });
    expect(status).toMatchObject({ phase: 'Completed', method: 'File', storeName: 'archive', files: 1, bytesRead: 6 });
    expect(archived()).toEqual([status?.['handle']]);
    expect(own()).toEqual([]);
  });

  it('are looked into and downloaded from there', async () => {
    expect(await kubectl.run(['get', '--raw', below('files')])).toContain('"greeting"');
    expect(await kubectl.run(['get', '--raw', below('download?path=greeting')])).toBe('hello\n');
  });

  it('come back from there, as a claim and as a file', async () => {
    await create(restoreOfSnapshot(place, 'copy', 'first', { name: 'copy', verify: true }));
    const copy = await complete(kubectl, restores, { namespace: place, name: 'copy' });
    expect(copy.status).toMatchObject({ phase: 'Completed' });
    await inPod('echo changed > /data/greeting');
    const spec = { files: { path: 'greeting' }, existingResourcePolicy: 'Update' };
    await create(restoreOfSnapshot(place, 'file', 'first', {}, spec));
    await complete(kubectl, restores, { namespace: place, name: 'file' });
    expect(await inPod('cat /data/greeting')).toBe('hello\n');
  });

  it('fail where the key of the repository is lost or wrong, saying so, and change nothing there; with the right one they succeed', async () => {
    const folder = join(archive(), 'volumes', place);
    const file = join(folder, 'secrets.json');
    const right = JSON.parse(readFileSync(file, 'utf8')) as { repositoryPassword: string; config: string };
    const lost = join(stores, 'secrets.json');
    const turned = (text: string) => text.replace(/./, (first) => (first === '1' ? '2' : '1'));
    const faults: Record<string, { with: () => void; reason: RegExp; files: string }> = {
      lost: {
        with: () => renameSync(file, lost),
        reason: /^RepositoryKeyLost: .*secrets\.json is missing/,
        files: 'secrets.json is missing',
      },
      cut: {
        with: () => writeFileSync(file, '{'),
        reason: /^RepositoryKeyLost: .*secrets\.json is damaged/,
        files: 'secrets.json is damaged',
      },
      other: {
        with: () => writeFileSync(file, JSON.stringify({ ...right, config: turned(right.config) })),
        reason: /^RepositoryKeyWrong: .*config is not the one/,
        files: 'config is not the one',
      },
      wrong: {
        with: () => writeFileSync(file, JSON.stringify({ ...right, repositoryPassword: turned(right.repositoryPassword) })),
        reason: /^RepositoryKeyWrong: the repository of the namespace .*wrong password or no key found/,
        files: 'opens none of its keys',
      },
    };
    const before = readdirSync(join(folder, 'restic'), { recursive: true, encoding: 'utf8' }).toSorted();
    for (const [name, fault] of Object.entries(faults)) {
      await restarted(fault.with);
      await create(snapshot(place, name, 'data', { moveData: true, storeName: 'archive' }));
      await create(restoreOfSnapshot(place, name, 'first', { name }));
      for (const kind of [snapshots, restores]) {
        const { status } = await ended(kubectl, kind, { namespace: place, name });
        expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(fault.reason) });
      }
      expect((await kubectl.try(['get', '--raw', below('files')])).stderr).toContain(fault.files);
      await kubectl.run(['delete', snapshots, name, '-n', place]);
      await gone(kubectl, 'pvc', name, '-n', place);
      await nothingIsLeft();
      expect(readdirSync(join(folder, 'restic'), { recursive: true, encoding: 'utf8' }).toSorted()).toEqual(before);
    }
    await restarted(() => renameSync(lost, file));
    await create(restoreOfSnapshot(place, 'right', 'first', { name: 'right', verify: true }));
    await complete(kubectl, restores, { namespace: place, name: 'right' });
    await kubectl.run(['delete', 'pvc', 'right', '-n', place]);
  });

  it('go there with the Backup that names the store', async () => {
    const rules = [{ action: 'Move' }];
    await create(backup(place, 'all', { includedResources: ['persistentvolumeclaims'], volumes: { rules }, storeName: 'archive' }));
    const { status } = await complete(kubectl, backups, { namespace: place, name: 'all' });
    expect(status).toMatchObject({ phase: 'Completed', storeName: 'archive' });
    const taken = (await kubectl.list(snapshots, '-n', place)).filter(({ metadata }) => metadata.name !== 'first');
    expect(taken.map((one) => [one.spec?.['storeName'], one.status?.['storeName']])).toEqual([
      ['archive', 'archive'],
      ['archive', 'archive'],
    ]);
    expect(archived()).toHaveLength(3);
    expect(own()).toEqual([]);
    expect((await kubectl.try(['delete', bst, 'archive'])).stderr).toContain('it is used by 1 Backup and 3 Snapshots');
  });

  it.runIf(process.getuid?.() === 0)('fail where it is full, saying so, and leave nothing running; with room they succeed', async () => {
    const disk = join(stores, 'small');
    mkdirSync(disk);
    expect(await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', disk])).toMatchObject({ code: 0 });
    try {
      await store('small');
      await inPod('head -c 40000000 /dev/urandom > /data/large');
      const reasons = { moved: /^MoverFailed: .*507 Insufficient Storage/, copied: /^StoreFull: .*small: cannot write/ };
      const methods = { moved: 'File', copied: 'Copy' };
      for (const [name, method] of Object.entries(methods)) await create(snapshot(place, name, 'data', { method, storeName: 'small' }));
      for (const [name, reason] of Object.entries(reasons)) {
        const { status } = await ended(kubectl, snapshots, { namespace: place, name });
        expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(reason) });
      }
      await nothingIsLeft();
      expect(await run('mount', ['-o', 'remount,size=200m', disk])).toMatchObject({ code: 0 });
      for (const [name, method] of Object.entries(methods)) {
        await create(snapshot(place, `${name}-again`, 'data', { method, storeName: 'small' }));
        await complete(kubectl, snapshots, { namespace: place, name: `${name}-again` });
      }
      for (const name of Object.keys(methods)) await kubectl.run(['delete', snapshots, name, `${name}-again`, '-n', place]);
      await kubectl.run(['delete', bst, 'small']);
      await gone(kubectl, bst, 'small');
    } finally {
      await run('umount', [disk]);
    }
  });

  it('are forgotten there, and then the store goes', async () => {
    await kubectl.run(['delete', backups, 'all', '-n', place]);
    await kubectl.run(['delete', snapshots, 'first', '-n', place]);
    expect(archived()).toEqual([]);
    expect(readdirSync(archive()).toSorted()).toEqual(['checked', 'forgotten', 'volumes']);
    expect(readdirSync(join(archive(), 'forgotten', place))).toHaveLength(3);
    await kubectl.run(['delete', bst, 'archive']);
    await gone(kubectl, bst, 'archive');
    await nothingIsLeft();
  });
});
