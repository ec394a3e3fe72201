/** A store that the process may not write: what is in it can be looked at and downloaded, and nothing can be changed. */
import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { Kylon } from './kylon.ts';
import { apiVersion, backup, backups, complete, configMap, ended, gone, path, restore, restores } from './objects.ts';
import { eventually } from './process.ts';

/** Of an ordinary user, where the tests run as one who may do everything. */
const ordinary = process.getuid?.() === 0 ? { uid: 65_534 } : {};

describe('a store that may only be read', () => {
  const store = temporaryFolder();
  const flags = ['--store', pathToFileURL(join(store, 'kylon')).href];
  let kylon: Kylon & { readonly kubeconfig: string };
  let kubectl: Kubectl;

  beforeAll(async () => {
    const writer = await Kylon.playground({ flags });
    const before = new Kubectl(writer.kubeconfig);
    await before.run(['create', '-f', '-'], backup('default', 'kept'));
    await complete(before, backups, { namespace: 'default', name: 'kept' });
    await writer.stop();
    execFileSync('chmod', ['-R', 'a-w,a+rX', store]);
    const data = temporaryFolder();
    if (ordinary.uid !== undefined) chownSync(data, ordinary.uid, ordinary.uid);
    kylon = await Kylon.playground({ data, flags, ...ordinary });
    kubectl = new Kubectl(kylon.kubeconfig);
  });
  afterAll(async () => {
    execFileSync('chmod', ['-R', 'u+w', store]);
    await kylon?.stop();
  });

  it('is said once, at the start', () => {
    expect(kylon.process.stdout.match(/^The store is read-only: file:.*permission denied\.$/gm)).toHaveLength(1);
  });

  it('shows and gives out what it has', async () => {
    expect((await kubectl.get(backups, 'kept', '-n', 'default')).status?.['phase']).toBe('Completed');
    expect(await kubectl.run(['get', '--raw', path('default', 'backups/kept/items')])).toContain('"items"');
  });

  it('refuses every change with the reason, and goes on', async () => {
    const reason = /forbidden: the store is read-only: file:.*permission denied/;
    expect(await kubectl.fails(['create', '-f', '-'], backup('default', 'new'))).toMatch(reason);
    expect(await kubectl.fails(['delete', backups, 'kept', '-n', 'default'])).toMatch(reason);
    expect(await kubectl.fails(['label', backups, 'kept', '-n', 'default', 'a=b'])).toMatch(reason);
    expect((await kubectl.list(backups, '-n', 'default')).map(({ metadata }) => metadata.name)).toEqual(['kept']);
  });

  it('cannot be used where it holds no catalog', async () => {
    const empty = temporaryFolder();
    execFileSync('chmod', ['a-w,a+rX', empty]);
    const data = temporaryFolder();
    if (ordinary.uid !== undefined) chownSync(data, ordinary.uid, ordinary.uid);
    const other = Kylon.launch({ data, flags: ['--store', pathToFileURL(empty).href], ...ordinary });
    await eventually(async () => other.process.ended);
    expect(await other.process.stop()).toBe(1);
    expect(other.process.stderr).toMatch(/^kylon: kylon\.json: is missing in file:.*, and cannot be made there: .*permission denied.*$/m);
  });
});

describe('a further store that may only be read', () => {
  const data = temporaryFolder();
  const folder = join(data, 'stores/archive');
  const bst = 'backupstores.backup.kylon.io';
  let kylon: Kylon & { readonly kubeconfig: string };
  let kubectl: Kubectl;

  beforeAll(async () => {
    if (ordinary.uid !== undefined) chownSync(data, ordinary.uid, ordinary.uid);
    kylon = await Kylon.playground({ data, ...ordinary });
    kubectl = new Kubectl(kylon.kubeconfig);
    await create({ apiVersion, kind: 'BackupStore', metadata: { name: 'archive' }, spec: { url: pathToFileURL(folder).href } });
    await kubectl.run(['wait', '--for=condition=Available', `${bst}/archive`, '--timeout=30s']);
    await create(configMap('default', 'kept', { color: 'red' }));
    await create(backup('default', 'kept', { storeName: 'archive' }));
    await complete(kubectl, backups, { namespace: 'default', name: 'kept' });
    execFileSync('chmod', ['-R', 'a-w', folder]);
    await kubectl.run(['create', '--raw', `/apis/${apiVersion}/backupstores/archive/check`, '-f', '/dev/null']);
  });
  afterAll(async () => {
    execFileSync('chmod', ['-R', 'u+w', folder]);
    await kylon?.stop();
  });
  const create = (object: object) => kubectl.run(['create', '-f', '-'], object);

  it('says so, and takes no new Backup', async () => {
    expect((await kubectl.get(bst, 'archive')).status).toMatchObject({
      phase: 'Unavailable',
      message: expect.stringMatching(/cannot be written: .*permission denied/),
    });
    await create(backup('default', 'new', { storeName: 'archive' }));
    const { status } = await ended(kubectl, backups, { namespace: 'default', name: 'new' });
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^StoreUnavailable: .*permission denied/) });
  });

  it('is looked into, downloaded from and compared with', async () => {
    const raw = (rest: string) => kubectl.run(['get', '--raw', path('default', `backups/kept/${rest}`)]);
    expect(await raw('items')).toContain('"name":"kept"');
    expect(await raw('log')).toContain('configmaps');
    expect(await raw('diff')).toContain('"items"');
    expect((await raw('download')).length).toBeGreaterThan(0);
  });

  it('is restored from, and what that says is there to be read', async () => {
    await kubectl.run(['delete', 'configmap', 'kept', '-n', 'default']);
    await create(restore('default', 'back', 'kept', { includedResources: ['configmaps'] }));
    await complete(kubectl, restores, { namespace: 'default', name: 'back' });
    expect(await kubectl.get('configmap', 'kept', '-n', 'default')).toMatchObject({ data: { color: 'red' } });
    expect(await kubectl.run(['get', '--raw', path('default', 'restores/back/results')])).toContain('"kept"');
    expect(await kubectl.run(['get', '--raw', path('default', 'restores/back/log')])).not.toBe('');
  });

  it('has its Backup deleted as soon as it may be written again', async () => {
    await kubectl.run(['delete', backups, 'kept', '-n', 'default', '--wait=false']);
    await eventually(async () => /permission denied/.test(await kubectl.run(['describe', backups, 'kept', '-n', 'default'])), 30_000);
    execFileSync('chmod', ['-R', 'u+w', folder]);
    await kubectl.run(['create', '--raw', `/apis/${apiVersion}/backupstores/archive/check`, '-f', '/dev/null']);
    await gone(kubectl, backups, 'kept', '-n', 'default');
  });
});
