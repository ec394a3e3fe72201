/** Backups in a further store: a real bucket beside the folder of Kylon, under a real kube-apiserver. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, signal } from '../conformance/objectstore/subject.ts';
import { s3Provider } from '../../src/objectstore/s3/s3.ts';
import { randomIds } from '../../src/base/ids.ts';
import { parts } from '../objectstore/stores.ts';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { Kylon } from './kylon.ts';
import { backup, backups, complete, configMap, ended, gone, path, restore, restores } from './objects.ts';
import { eventually } from './process.ts';
import { s3Variables, storeOf } from './stores.ts';
import { setUp, tearDown } from './users.ts';

const server = storeOf(...s3Variables);
const cluster = server === undefined ? { missing: `needs ${s3Variables.join(', ')}` } : findCluster();
const stores = suite('Backups in further stores', cluster);
const bst = 'backupstores.backup.kylon.io';

describe(stores.title, stores.options, () => {
  const { KYLON_TEST_S3_ENDPOINT: endpoint = '', KYLON_TEST_S3_BUCKET: bucket = '' } = server ?? {};
  const { KYLON_TEST_S3_ACCESS_KEY_ID: keyId = '', KYLON_TEST_S3_SECRET_ACCESS_KEY: secretKey = '' } = server ?? {};
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [place, platform] = ['kylon-stores', 'kylon-stores-platform'];
  const prefix = `stores-${randomIds.hex(8)}`;
  const url = `s3://${bucket}/${prefix}?endpoint=${encodeURIComponent(endpoint)}`;
  const credential = { namespace: platform, name: 'keys' };
  const owner = kubectl.as('owner');
  /** May change stores, and get no Secret. */
  const stranger = kubectl.as('stranger');
  const team = kubectl.as('team');
  let kylon: Kylon;

  const create = (object: object, as = kubectl) => as.run(['create', '-f', '-'], object);
  const secret = (key: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: platform, name: 'keys' },
    stringData: { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: key },
  });
  const store = (name: string, spec: object = {}) => ({
    apiVersion: 'backup.kylon.io/v1alpha1',
    kind: 'BackupStore',
    metadata: { name },
    spec: { url, credential, ...spec },
  });
  const check = async (name: string) => {
    const checked = await kubectl.run(['create', '--raw', `/apis/backup.kylon.io/v1alpha1/backupstores/${name}/check`, '-f', '/dev/null']);
    return (JSON.parse(checked) as { status: Record<string, unknown> }).status;
  };
  /** What lies in the bucket. */
  const files = async () => {
    const env = { AWS_ACCESS_KEY_ID: keyId, AWS_SECRET_ACCESS_KEY: secretKey };
    const opened = await s3Provider.open(new URL(url), { ...parts, env }, signal);
    try {
      return (await collect(opened.list('', signal))).map(({ key }) => key);
    } finally {
      await opened.close();
    }
  };
  const bind = (kind: 'rolebinding' | 'clusterrolebinding', role: string, user: string, ...flags: readonly string[]) =>
    kubectl.run(['create', kind, `${role}-${user}`, `--clusterrole=${role}`, `--user=${user}`, ...flags]);

  beforeAll(async () => {
    await tidy();
    kylon = await setUp(kubectl, kubeconfigOf(cluster), [place, platform]);
    await create([secret(secretKey), configMap(place, 'settings', { color: 'red' })]);
    await bind('clusterrolebinding', 'kylon-stores-admin', 'owner');
    await bind('clusterrolebinding', 'kylon-stores-admin', 'stranger');
    await bind('rolebinding', 'admin', 'team', '-n', place);
  });
  afterAll(async () => {
    await kubectl.try(['delete', backups, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    const bindings = ['kylon-stores-admin-owner', 'kylon-stores-admin-stranger', 'kylon-stores-view-team'];
    await kubectl.run(['delete', 'clusterrolebinding', ...bindings, '--ignore-not-found']);
    await tearDown(kubectl, [place, platform]);
  }

  it('are shown the store of the server, which nobody changes', async () => {
    await eventually(async () => /default\s+Available/.test(await kubectl.run(['get', 'bst'])), 30_000);
    for (const args of [
      ['delete', bst, 'default'],
      ['label', bst, 'default', 'a=b'],
      ['patch', bst, 'default', '--type=merge', '-p', '{"spec":{"url":"file:///x"}}'],
    ])
      expect((await kubectl.try(args)).stderr).toMatch(/Forbidden.*Kylon was started with/);
    expect((await kubectl.try(['create', '-f', '-'], store('default'))).stderr).toMatch(/Forbidden.*follows its flags/);
    // kube-apiserver fetches the schema in its own time.
    await eventually(async () => /url\s+<string> -required-/.test((await kubectl.try(['explain', 'backupstore.spec'])).stdout), 60_000);
  });

  it('need a store whose maker may get its Secret', async () => {
    const refused = await owner.try(['create', '-f', '-'], store('archive'));
    expect(refused.stderr).toMatch(/"archive" is forbidden: User "owner" cannot get resource "secrets".*"kylon-stores-platform"/);
    await kubectl.run(['create', 'role', 'keys', '--verb=get', '--resource=secrets', '--resource-name=keys', '-n', platform]);
    await kubectl.run(['create', 'rolebinding', 'keys', '--role=keys', '--user=owner', '-n', platform]);
    // A verdict is remembered for some seconds.
    await eventually(async () => (await owner.try(['create', '-f', '-'], store('archive'))).code === 0);
    await owner.run(['wait', '--for=condition=Available', `${bst}/archive`, '--timeout=60s']);
    expect(await owner.run(['get', bst, 'archive'])).toMatch(new RegExp(`archive\\s+Available\\s+s3://${bucket}/${prefix}\\s`));
    expect(await files()).toEqual([]);
    await eventually(async () => /Normal\s+Available\s/.test(await kubectl.run(['describe', bst, 'archive'])));
    const moved = await stranger.try(['patch', bst, 'archive', '--type=merge', '-p', '{"spec":{"caBundle":"AAAA"}}']);
    expect(moved.stderr).toContain('cannot get resource "secrets"');
  });

  it('are named by teams, who see stores where they are let', async () => {
    expect((await team.try(['get', bst])).stderr).toContain('Forbidden');
    expect((await team.try(['create', '-f', '-'], store('mine'))).stderr).toContain('Forbidden');
    await bind('clusterrolebinding', 'kylon-stores-view', 'team');
    await eventually(async () => (await team.try(['get', bst, 'archive'])).code === 0);
    const nowhere = await team.try(['create', '-f', '-'], backup(place, 'nowhere', { storeName: 'none' }));
    expect(nowhere.stderr).toContain('spec.storeName: Not found: "none"');
    await create(backup(place, 'first', { storeName: 'archive' }), team);
    expect((await complete(kubectl, backups, { namespace: place, name: 'first' })).status).toMatchObject({
      phase: 'Completed',
      storeName: 'archive',
    });
    const uid = (await kubectl.get(backups, 'first', '-n', place)).metadata.uid ?? '-';
    const found = await files();
    expect(found.map((key) => key.split('/').at(-1))).toEqual(['archive.tar.gz', 'items', 'log', 'manifest.json']);
    expect(found.every((key) => key.includes(`/backups/${uid}/`))).toBe(true);
  });

  it('are looked into, verified and restored from there', async () => {
    const below = (rest: string) => path(place, `backups/first/${rest}`);
    expect(await team.run(['get', '--raw', below('items/core/configmaps/kylon-stores/settings')])).toContain('red');
    expect(await team.run(['get', '--raw', below('log')])).toContain('configmaps');
    await team.run(['create', '--raw', below('verify'), '-f', '/dev/null']);
    await team.run(['wait', '--for=condition=Verified', `${backups}/first`, '-n', place, '--timeout=60s']);
    await team.run(['delete', 'configmap', 'settings', '-n', place]);
    await create(restore(place, 'back', 'first'), team);
    expect((await complete(kubectl, restores, { namespace: place, name: 'back' })).status).toMatchObject({ phase: 'Completed' });
    expect((await team.get('configmap', 'settings', '-n', place))['data']).toEqual({ color: 'red' });
  });

  it('fail clearly while the store cannot be used, and tell no secret', async () => {
    await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], secret('hunter2hunter2'));
    const status = await check('archive');
    expect(status).toMatchObject({ phase: 'Unavailable', message: expect.stringMatching(/secret key does not belong/) as string });
    await create(backup(place, 'second', { storeName: 'archive' }), team);
    const failed = await ended(kubectl, backups, { namespace: place, name: 'second' });
    expect(failed.status?.['failureReason']).toMatch(/^StoreUnavailable: the BackupStore "archive" cannot be used: /);
    await team.run(['delete', backups, 'second', '-n', place, '--timeout=30s']);
    await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], secret(secretKey));
    expect(await check('archive')).toMatchObject({ phase: 'Available' });
    const { uid } = (await kubectl.get(bst, 'archive')).metadata;
    const events = await kubectl.list('events', '-n', 'default', '--field-selector', `reason=Available,involvedObject.uid=${uid}`);
    expect(events).toMatchObject([{ count: 2, message: 'It was read and written.' }]);
    await create(backup(place, 'third', { storeName: 'archive' }), team);
    expect((await complete(kubectl, backups, { namespace: place, name: 'third' })).status).toMatchObject({ phase: 'Completed' });
    const told = [kylon.process.output(), await kubectl.run(['get', `${bst},${backups},events`, '-A', '-o', 'json'])].join('\n');
    for (const word of ['hunter2', secretKey]) expect(told).not.toContain(word);
  });

  it('keep their store, and leave nothing in it when they go', async () => {
    expect((await owner.try(['delete', bst, 'archive'])).stderr).toContain('is forbidden: it is used by 2 Backups');
    await team.run(['delete', backups, 'first', 'third', '-n', place]);
    expect(await files()).toEqual([]);
    await owner.run(['delete', bst, 'archive']);
    await gone(kubectl, bst, 'archive');
  });
});
