/** Verification and holds beside a real cluster, as users of kubectl meet them; and the sizes and orphans of the store behind it. */
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import type { Kylon } from './kylon.ts';
import { backup, backups, complete, configMap, gone, path } from './objects.ts';
import { eventually, run } from './process.ts';
import { backUp } from './restoring.ts';
import { setUp, tearDown } from './users.ts';

const cluster = findCluster();
const beside = suite('verification and holds', cluster);

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const shop = 'kylon-e2e-hold';
  const users = { viewer: 'view', editor: 'edit', boss: 'admin' };
  let kylon: Kylon;

  const verify = async (name: string, as = kubectl) =>
    JSON.parse(await as.run(['create', '--raw', path(shop, `backups/${name}/verify`), '-f', '/dev/null'])) as KubeObject;
  const raw = (verb: 'replace' | 'delete', name: string, body?: object) =>
    body
      ? [verb, '--raw', path(shop, `backups/${name}/hold`), '-f', '-']
      : [verb, '--raw', path(shop, `backups/${name}/hold`), ...(verb === 'replace' ? ['-f', '/dev/null'] : [])];
  const hold = (name: string, reason?: string, as = kubectl) =>
    reason === undefined ? as.run(raw('replace', name)) : as.run(raw('replace', name, {}), JSON.stringify({ reason }));
  const folderOf = async (name: string) => {
    const { status = {}, metadata } = await kubectl.get(backups, name, '-n', shop);
    const root = join(kylon.data, 'store');
    const { key } = status['archive'] as { key: string };
    return { folder: join(root, key, '..'), root, uid: metadata.uid ?? '', status };
  };

  beforeAll(async () => {
    kylon = await setUp(kubectl, kubeconfigOf(cluster), [shop]);
    for (const [user, role] of Object.entries(users))
      await kubectl.run(['create', 'rolebinding', user, `--clusterrole=${role}`, `--user=${user}`, '-n', shop]);
    await kubectl.run(
      ['create', '-f', '-'],
      Array.from({ length: 40 }, (_, n) => configMap(shop, `c${n}`)),
    );
    await backUp(kubectl, shop, 'b');
  });
  afterAll(async () => {
    await kylon?.discard();
    await tearDown(kubectl, [shop]);
  });

  it('counts every file of a backup in its size', async () => {
    const { folder, status } = await folderOf('b');
    const bytes = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    expect(status?.['sizeBytes']).toBe(bytes);
  });

  it('verifies a backup that is whole, and kubectl can wait for that', async () => {
    const answer = await verify('b');
    expect(answer.status?.['verification']).toMatchObject({
      phase: 'Passed',
      faultCount: 0,
      items: answer.status?.['items'],
      bytes: answer.status?.['sizeBytes'],
    });
    await kubectl.run(['wait', '--for=condition=Verified', '--timeout=20s', `${backups}/b`, '-n', shop]);
    await kubectl.run(['patch', backups, 'b', '-n', shop, '--type=merge', '-p', '{"spec":{"ttl":"700h"}}']);
    await kubectl.run(['wait', '--for=condition=Verified', '--timeout=20s', `${backups}/b`, '-n', shop]);
    await eventually(async () =>
      (await kubectl.run(['get', 'events', '-n', shop, '-o', 'jsonpath={.items[*].reason}'])).includes('Verified'),
    );
  });

  it.each<[string, (folder: string) => void, object]>([
    [
      'archive.tar.gz',
      (folder) => edit(join(folder, 'archive.tar.gz'), (bytes) => flip(bytes, 100)),
      { item: expect.stringMatching(/^configmaps\/namespaces\//), message: expect.stringMatching(/^member at 0: /) },
    ],
    [
      'archive.tar.gz',
      (folder) => edit(join(folder, 'archive.tar.gz'), (bytes) => bytes.subarray(0, bytes.length - 300)),
      { file: 'archive.tar.gz' },
    ],
    ['items', (folder) => renameSync(join(folder, 'items'), join(folder, 'items.old')), { file: 'items', message: 'it is missing' }],
    [
      'manifest.json',
      (folder) => edit(join(folder, 'manifest.json'), (bytes) => Buffer.from(bytes.toString().replace(/"sha256": "../, '"sha256": "00'))),
      { file: 'manifest.json' },
    ],
  ])('names damage of %s (%#)', async (_, harm, first) => {
    const { folder } = await folderOf('b');
    const before = new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]));
    harm(folder);
    const answer = await verify('b');
    for (const [file, bytes] of before) writeFileSync(join(folder, file), bytes);
    expect(answer.status).toMatchObject({ phase: 'Completed', verification: { phase: 'Failed' } });
    expect(answer.status).toMatchObject({ verification: { faults: expect.arrayContaining([expect.objectContaining(first)]) } });
    await kubectl.run(['wait', '--for=condition=Verified=false', '--timeout=20s', `${backups}/b`, '-n', shop]);
  });

  it('tells files that do not belong to it', async () => {
    const { folder } = await folderOf('b');
    expect((await verify('b')).status?.['verification']).toMatchObject({
      phase: 'Failed',
      faults: [{ file: 'items.old', message: 'it does not belong to the backup' }],
    });
    renameSync(join(folder, 'items.old'), join(kylon.data, 'items.old'));
    expect((await verify('b')).status?.['verification']).toMatchObject({ phase: 'Passed' });
  });

  it('takes the rights that the roles give', async () => {
    const [viewer, editor, boss] = Object.keys(users).map((user) => kubectl.as(user));
    await eventually(async () => (await boss!.try(['get', backups, 'b', '-n', shop])).code === 0);
    expect(await viewer!.fails(['create', '--raw', path(shop, 'backups/b/verify'), '-f', '/dev/null'])).toMatch(
      /cannot create resource "backups\/verify"/,
    );
    await verify('b', editor);
    expect(await editor!.fails(raw('replace', 'b'))).toMatch(/cannot update resource "backups\/hold"/);
    expect(await editor!.fails(['get', '--raw', path(shop, 'backups/b/diff')])).toMatch(/cannot get resource "backups\/diff"/);
    await boss!.run(['get', '--raw', path(shop, 'backups/b/diff')]);
  });

  it('holds a backup against deletion, one by one and as a collection', async () => {
    await hold('b', 'audit 2026', kubectl.as('boss'));
    expect(JSON.parse(await kubectl.run(['get', '--raw', path(shop, 'backups/b/hold')]))).toMatchObject({
      kind: 'BackupHold',
      metadata: { name: 'b' },
      reason: 'audit 2026',
      by: 'boss',
    });
    expect(await kubectl.fails(['delete', backups, 'b', '-n', shop])).toMatch(
      /\(Forbidden\).*backups\.backup\.kylon\.io "b" is forbidden: it is held by boss since .*: audit 2026/,
    );
    await backUp(kubectl, shop, 'free');
    expect(await kubectl.fails(['delete', backups, '--all', '-n', shop])).toMatch(/it is held by boss/);
    await gone(kubectl, backups, 'free', '-n', shop);
    await kubectl.get(backups, 'b', '-n', shop);
    expect(await kubectl.run(['get', backups, 'b', '-n', shop, '-o', 'wide'])).toMatch(/HELD/);
  });

  it('lets nobody set, change or lift it by the status', async () => {
    const forged = JSON.stringify({ status: { hold: null } });
    await kubectl.run(['patch', backups, 'b', '-n', shop, '--subresource=status', '--type=merge', '-p', forged]);
    const other = JSON.stringify({ status: { hold: { by: 'me', since: '2020-01-01T00:00:00Z' }, verification: { phase: 'Failed' } } });
    await kubectl.run(['patch', backups, 'b', '-n', shop, '--subresource=status', '--type=merge', '-p', other]);
    expect((await kubectl.get(backups, 'b', '-n', shop)).status).toMatchObject({
      hold: { by: 'boss', reason: 'audit 2026' },
      verification: { phase: 'Passed' },
    });
  });

  it('changes its reason, is tried, is lifted, and is then not there', async () => {
    await hold('b', 'longer');
    await hold('b');
    expect((await kubectl.get(backups, 'b', '-n', shop)).status?.['hold']).not.toHaveProperty('reason');
    await kubectl.run(['delete', '--raw', `${path(shop, 'backups/b/hold')}?dryRun=All`]);
    await kubectl.run(raw('delete', 'b'));
    expect(await kubectl.fails(raw('delete', 'b'))).toMatch(/\(NotFound\): backup "b" is not held/);
    expect(await kubectl.fails(['get', '--raw', path(shop, 'backups/b/hold')])).toMatch(/\(NotFound\)/);
    expect(await kubectl.fails(raw('replace', 'b', {}), JSON.stringify({ reason: 7 }))).toMatch(/reason/);
    const reasons = await kubectl.run(['get', 'events', '-n', shop, '-o', 'jsonpath={.items[*].reason}']);
    expect(reasons).toMatch(/Held/);
    expect(reasons).toMatch(/Released/);
  });

  it('keeps an expired one until it is released', async () => {
    await backUp(kubectl, shop, 'short', { ttl: '1h' });
    await hold('short');
    await kubectl.run(['patch', backups, 'short', '-n', shop, '--type=merge', '-p', '{"spec":{"ttl":"1s"}}']);
    await eventually(async () => Date.parse(String((await kubectl.get(backups, 'short', '-n', shop)).status?.['expiration'])) < Date.now());
    await new Promise((done) => setTimeout(done, 2_000));
    expect((await kubectl.get(backups, 'short', '-n', shop)).metadata['deletionTimestamp']).toBeUndefined();
    await kubectl.run(raw('delete', 'short'));
    await gone(kubectl, backups, 'short', '-n', shop);
  });

  it('cannot be held while it is being deleted', async () => {
    const object = backup(shop, 'going');
    await kubectl.run(['create', '-f', '-'], { ...object, metadata: { ...object.metadata, finalizers: ['e2e.test/wait'] } });
    await complete(kubectl, backups, { namespace: shop, name: 'going' });
    await kubectl.run(['delete', backups, 'going', '-n', shop, '--wait=false']);
    expect(await kubectl.fails(raw('replace', 'going'))).toMatch(/\(Conflict\).*it is being deleted/);
    await kubectl.run(['patch', backups, 'going', '-n', shop, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await gone(kubectl, backups, 'going', '-n', shop);
  });

  it('leaves a folder whose finalizer was removed by hand, which the command finds and removes', async () => {
    await backUp(kubectl, shop, 'torn');
    const { folder, root, uid } = await folderOf('torn');
    await kubectl.run(['patch', backups, 'torn', '-n', shop, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await kubectl.run(['delete', backups, 'torn', '-n', shop]);
    await gone(kubectl, backups, 'torn', '-n', shop);
    expect(readdirSync(folder)).toContain('manifest.json');
    const orphans = (...flags: string[]) =>
      run(join(repository, 'node_modules/.bin/node'), [
        join(repository, 'src/cli/kylon.ts'),
        'store',
        'orphans',
        pathToFileURL(root).href,
        ...flags,
      ]);
    const shown = await orphans();
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(new RegExp(`backups/${uid}/ {2}.*, 4 files, .* old, a backup that the catalog does not know`));
    expect((await orphans('--delete')).stdout).toMatch(/^Removed \d+ of \d+\.$/m);
    expect((await orphans()).stdout).toBe('Everything belongs to a Backup or a Restore.\n');
    expect((await verify('b')).status?.['verification']).toMatchObject({ phase: 'Passed' });
  });

  it('stops the deletion of its namespace where it should go with it, until it is released', async () => {
    await backUp(kubectl, shop, 'bound');
    await kubectl.run(['annotate', backups, 'bound', '-n', shop, 'backup.kylon.io/outlives-namespace=false']);
    await hold('bound', 'stay');
    await kubectl.run(['delete', 'namespace', shop, '--wait=false']);
    await eventually(async () => {
      const { status } = await kubectl.get('namespace', shop);
      return JSON.stringify(status).includes('it is held by');
    }, 60_000);
    expect((await kubectl.get(backups, 'bound', '-n', shop)).metadata['deletionTimestamp']).toBeUndefined();
    await kubectl.run(raw('delete', 'bound'));
    await gone(kubectl, 'namespace', shop);
  });
});

const edit = (file: string, change: (bytes: Buffer) => Uint8Array) => writeFileSync(file, change(readFileSync(file)));

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at]! ^= 1;
  return bytes;
}
