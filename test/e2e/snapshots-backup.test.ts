/** Backups that take the volumes of their claims: what becomes of them with the backup, in a restore, and when one of them fails. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { backup, backups, ended, gone, namespace, path, snapshots } from './objects.ts';
import { bringBack } from './restoring.ts';
import { claim, Storage, storageClass, withSnapshots, writer } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const storage = suite('volumes in backups', cluster);

describe(storage.title, storage.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-volumes';
  const broken = 'kylon-broken';
  let kylon: Kylon;
  let handle = '';

  beforeAll(async () => {
    await tidy();
    await kubectl.run(
      ['create', '-f', '-'],
      [
        storageClass(broken, { fail: 'true' }),
        namespace(place),
        claim(place, 'data'),
        claim(place, 'broken', { storageClassName: broken }),
        writer(place, 'writer', 'data'),
      ],
    );
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/broken', '-n', place, '--timeout=60s']);
    await write('hello');
    kylon = await Kylon.beside(kubeconfig);
  });
  afterAll(async () => {
    await kubectl.try(['delete', backups, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.run(['delete', 'storageclass', broken, '--ignore-not-found']);
  }

  const write = (text: string) => kubectl.run(['exec', 'writer', '-n', place, '--', 'sh', '-c', `echo ${text} > /data/greeting`]);
  const ofBackup = (uid: string) => kubectl.list(snapshots, '-n', place, '-l', `backup.kylon.io/backup-uid=${uid}`);

  it('are each a Snapshot; one that fails is named, and the backup is PartiallyFailed', async () => {
    await kubectl.run(['create', '-f', '-'], backup(place, 'all', { snapshotVolumes: true, csiSnapshotTimeout: '8s' }));
    const { status, metadata } = await ended(kubectl, backups, { namespace: place, name: 'all' });
    const suffix = metadata.uid?.slice(0, 8);
    expect(status).toMatchObject({
      phase: 'PartiallyFailed',
      errors: 1,
      volumes: [
        { namespace: place, claim: 'broken', snapshotName: `broken-${suffix}`, phase: 'Failed' },
        { namespace: place, claim: 'data', snapshotName: `data-${suffix}`, phase: 'Completed' },
      ],
    });
    const log = await kubectl.run(['get', '--raw', path(place, 'backups/all/log')]);
    expect(log).toMatch(
      /ERROR the volume of the claim kylon-volumes\/broken is not in the backup: Timeout: .*the snapshot fails, as its class asks/,
    );
    const made = await ofBackup(metadata.uid ?? '');
    expect(made.map(({ status }) => status?.['phase'])).toEqual(['Failed', 'Completed']);
    expect(made.map(({ spec }) => spec?.['ttl'])).toEqual([undefined, undefined]);
    expect(made.map(({ status }) => status?.['backup'])).toEqual([0, 1].map(() => ({ namespace: place, name: 'all' })));
    handle = String(made[1]?.status?.['handle']);
    expect(volumes.snapshots()).toContain(handle);
  });

  it('come back with their claims; a claim that is there keeps its own', async () => {
    await write('changed');
    const beside = await bringBack(kubectl, place, 'all', 'beside', { includedResources: ['persistentvolumeclaims'] });
    expect(beside.of('persistentvolumeclaims', 'data')).toEqual({ outcome: 'unchanged' });
    expect(await volumes.read(place, 'data', 'greeting')).toBe('changed\n');
    await kubectl.run(['delete', 'namespace', place]);
    const { object, of } = await bringBack(kubectl, place, 'all', 'undo', {});
    expect(object.status).toMatchObject({ counts: { failed: 0 } });
    expect(of('persistentvolumeclaims', 'data')).toEqual({ outcome: 'created' });
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    expect(await volumes.read(place, 'data', 'greeting')).toBe('hello\n');
  });

  it('go with the backup', async () => {
    const { metadata } = await kubectl.get(backups, 'all', '-n', place);
    await kubectl.run(['delete', backups, 'all', '-n', place, '--timeout=60s']);
    await gone(kubectl, backups, 'all', '-n', place);
    expect(await ofBackup(metadata.uid ?? '')).toEqual([]);
    expect(volumes.snapshots()).not.toContain(handle);
  });
});
