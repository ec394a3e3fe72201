/** Volumes that are copied into the repository, wherever the work is interrupted. What real Pods do is in test/e2e/snapshots-move.test.ts. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Repositories } from '../../../src/repository/repositories.ts';
import { restores } from '../../../src/resources/restore.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { fastClock } from '../clocks.ts';
import { craft } from '../../repository/reading/crafted.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, emptyRepositories, forever, killedAt, whileRunning } from '../workbench.ts';
import { snapshotCluster } from './snapshot-cluster.ts';

let stop = () => {};
afterEach(() => stop());

const moved = { source: { persistentVolumeClaimName: 'data' }, moveData: true };
const id = 'a1'.repeat(32);
const summary = `{"message_type":"summary","snapshot_id":"${id}","total_files_processed":3,"total_bytes_processed":5,"data_added":4,"data_added_packed":2}`;

/** With a snapshot controller and a kubelet that are at work; `exitCode` is that of the mover. */
function scene(exitCode = 0, log = summary, isWritten = true) {
  const { cluster, names, makeReady, collect } = snapshotCluster();
  const forgotten: string[] = [];
  const repositories: Repositories = {
    ...emptyRepositories,
    access: async () => ({ path: 'repositories/default/shop/', username: 'u', password: 'p', repositoryPassword: 'crafted' }),
    isWrittenFor: async () => isWritten,
    forget: async ({ storeName, namespace }, snapshotId) => void forgotten.push(`${storeName}/${namespace}/${snapshotId}`),
  };
  const mover = { image: 'mover:1', address: 'https://kylon', ca: 'PEM', namespace: 'kylon-system' };
  const shared = {
    cluster,
    storage: new MemoryStorage(),
    files: new Map<string, Uint8Array>(),
    clock: fastClock,
    repositories,
    mover,
    replica: 'one',
  };
  const timer = setInterval(() => {
    makeReady();
    collect();
    runPods(cluster, exitCode, log);
  }, 1);
  stop = () => clearInterval(timer);
  const left = () => [
    ...names(),
    ...cluster.names('pods', 'shop'),
    ...cluster.names('secrets', 'shop'),
    ...cluster.names('persistentvolumeclaims', 'shop').filter((name) => name !== 'data'),
  ];
  return { cluster, forgotten, left, one: createWorkbench(shared), two: createWorkbench(shared) };
}

function runPods(cluster: MemoryCluster, exitCode: number, log: string): void {
  const pods = cluster.names('pods', 'shop').map((name) => cluster.read('pods', 'shop', name)!);
  for (const name of cluster.names('secrets', 'shop'))
    if (!pods.some(({ metadata }) => name.startsWith(`${metadata.name}-`))) cluster.drop('secrets', 'shop', name);
  for (const pod of pods) {
    const { name } = pod.metadata;
    if (pod['status'] || !cluster.names('secrets', 'shop').some((secret) => secret.startsWith(`${name}-`))) continue;
    cluster.write(`shop/${name}`, log);
    cluster.seed('pods', { ...pod, status: { phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode } } }] } });
  }
}

describe('a Snapshot that is moved', () => {
  it('says what it has, and keeps nothing in the cluster', async () => {
    const { one, left } = scene();
    await one.create(snapshots, 'shop', 's', moved);
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed', method: 'File', handle: id, readyToUse: true, claim: { name: 'data' } });
    expect(status).toMatchObject({ files: 3, bytesRead: 5, bytesAdded: 4, bytesStored: 2, restoreSize: '1Mi' });
    expect(left()).toEqual([]);
  });

  it('is open for who looks into it: keys and indexes were read when it ended', async () => {
    const { snapshot, files } = craft([{ name: 'volume', type: 'dir', nodes: [{ name: 'a', type: 'file', size: 2, pieces: ['ab'] }] }]);
    const { one } = scene(0, summary.replace(id, snapshot));
    for (const [key, bytes] of files) one.files.set(key.replace(/^r\//, 'd/domain/volumes/shop/restic/'), bytes);
    await one.create(snapshots, 'shop', 's', moved);
    const found = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    for (const key of one.files.keys()) if (/\/(keys|index)\//.test(key)) one.files.set(key, Buffer.of());
    const { items } = await one.engine.services.files(found, { limit: 500, continue: '', path: '' }, forever);
    expect(items.map(({ path }) => path)).toEqual(['/a']);
  });

  it.each(Array.from({ length: 40 }, (_, index) => index))('is moved once, though the process ended at its request %i', async (at) => {
    const { cluster, one, two, left, forgotten } = scene();
    await one.create(snapshots, 'shop', 's', moved);
    await killedAt(at, cluster, one.engine, () => one.ended(snapshots, 'shop', 's'));
    const { status } = await whileRunning(two.engine, () => two.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed', method: 'File', handle: id, files: 3 });
    await vi.waitFor(() => expect(left()).toEqual([]), 5_000);
    expect(forgotten).toEqual([]);
  });

  it('is brought back beside others, however long those take', async () => {
    const { cluster, one } = scene();
    await one.create(snapshots, 'shop', 's', moved);
    const names = ['one', 'two', 'three'];
    await whileRunning(one.engine, async () => {
      await one.ended(snapshots, 'shop', 's');
      await vi.waitFor(() => expect(cluster.names('pods', 'shop')).toEqual([]), 5_000);
      stop();
      for (const name of names) await one.create(restores, 'shop', name, { snapshotName: 's', claim: { name } });
      await vi.waitFor(
        () => expect(cluster.names('persistentvolumeclaims', 'shop').filter((name) => name !== 'data')).toHaveLength(3),
        5_000,
      );
    });
  });

  it('that fails says why, and keeps nothing', async () => {
    const { one, left } = scene(1, 'Fatal: wrong password or no key found');
    await one.create(snapshots, 'shop', 's', moved);
    await whileRunning(one.engine, async () => {
      const { status } = await one.ended(snapshots, 'shop', 's');
      expect(status).toMatchObject({
        phase: 'Failed',
        failureReason: expect.stringMatching(/^MoverFailed: the mover of the claim "data" has failed: .*wrong password or no key found/),
      });
      await one.parts.objects.delete(snapshots, refOf((await one.get(snapshots, 'shop', 's'))!), forever);
      await vi.waitFor(async () => expect(await one.get(snapshots, 'shop', 's')).toBeUndefined(), 5_000);
    });
    expect(left()).toEqual([]);
  });

  it('has no copy that its own mover has not written, whatever that says, and takes none away when it is deleted', async () => {
    const { one, left, forgotten } = scene(0, summary, false);
    await one.create(snapshots, 'shop', 's', moved);
    await whileRunning(one.engine, async () => {
      const { status } = await one.ended(snapshots, 'shop', 's');
      expect(status).toMatchObject({
        phase: 'Failed',
        failureReason: expect.stringMatching(/^MoverFailed: .*"data" named a copy that it has not/),
      });
      expect(status).not.toHaveProperty('handle');
      await one.parts.objects.delete(snapshots, refOf((await one.get(snapshots, 'shop', 's'))!), forever);
      await vi.waitFor(async () => expect(await one.get(snapshots, 'shop', 's')).toBeUndefined(), 5_000);
    });
    expect([left(), forgotten]).toEqual([[], []]);
  });

  it('is not copied from a claim that somebody else has made under the name of its own', async () => {
    const { cluster, one } = scene();
    const { metadata } = await one.create(snapshots, 'shop', 's', moved);
    const name = `kylon-${metadata.uid}`;
    const theirs = {
      name,
      namespace: 'shop',
      labels: { 'backup.kylon.io/made-for': metadata.uid },
      annotations: { 'backup.kylon.io/proof': 'x' },
    };
    cluster.seed('persistentvolumeclaims', { metadata: theirs });
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^ClaimExists: .*kylon-/) });
    expect(cluster.names('pods', 'shop')).toEqual([]);
    expect(cluster.read('persistentvolumeclaims', 'shop', name)).toBeDefined();
  });

  it('is forgotten by the repository when it is deleted', async () => {
    const { one, forgotten } = scene();
    await one.create(snapshots, 'shop', 's', moved);
    await whileRunning(one.engine, async () => {
      const snapshot = await one.ended(snapshots, 'shop', 's');
      await one.parts.objects.delete(snapshots, refOf(snapshot), forever);
      await vi.waitFor(async () => expect(await one.get(snapshots, 'shop', 's')).toBeUndefined(), 5_000);
    });
    expect(forgotten).toEqual([`default/shop/${id}`]);
  });

  it('is copied as it is used where no driver takes snapshots, unless it asks for the driver', async () => {
    const { cluster, one } = scene();
    cluster.seed('persistentvolumes', { metadata: { name: 'pv' }, spec: { nfs: { server: 'n' } } });
    await one.create(snapshots, 'shop', 'auto', moved);
    await one.create(snapshots, 'shop', 'csi', { ...moved, method: 'CSI' });
    await whileRunning(one.engine, async () => {
      expect((await one.ended(snapshots, 'shop', 'auto')).status).toMatchObject({ phase: 'Completed', method: 'File' });
      expect((await one.ended(snapshots, 'shop', 'csi')).status).toMatchObject({ failureReason: expect.stringMatching(/^VolumeNotCSI/) });
    });
  });

  it('is copied as it is used where the driver has no class, with a warning, and not where the class is not clear', async () => {
    const { cluster, one } = scene();
    const classes = 'volumesnapshotclasses.snapshot.storage.k8s.io';
    await one.create(snapshots, 'shop', 'misspelt', { ...moved, volumeSnapshotClassName: 'usaul' });
    await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 'misspelt'));
    cluster.seed(classes, { metadata: { name: 'usual' }, driver: 'disk' });
    await one.create(snapshots, 'shop', 'unmarked', moved);
    await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 'unmarked'));
    cluster.drop(classes, '', 'usual');
    await one.create(snapshots, 'shop', 'none', moved);
    await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 'none'));
    const statusOf = async (name: string) => (await one.get(snapshots, 'shop', name))?.status;
    for (const name of ['misspelt', 'unmarked'])
      expect(await statusOf(name)).toMatchObject({ failureReason: expect.stringMatching(/^SnapshotClassNotFound: /) });
    expect(await statusOf('none')).toMatchObject({ phase: 'Completed', method: 'File', warnings: 1 });
    const told = cluster.names('events', 'shop').map((name) => cluster.read('events', 'shop', name)!);
    expect(told.filter(({ reason }) => reason === 'Warnings')).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/^the volume is copied while it may be in use: the driver "disk" has no default/),
      }),
    ]);
  });

  it('cannot be of a claim that only its Pod may mount, while that is there', async () => {
    const { cluster, one } = scene();
    const claim = cluster.read('persistentvolumeclaims', 'shop', 'data')!;
    cluster.seed('persistentvolumeclaims', { ...claim, spec: { volumeName: 'pv', accessModes: ['ReadWriteOncePod'] } });
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }];
    cluster.seed('pods', { metadata: { name: 'db', namespace: 'shop' }, spec: { volumes }, status: { phase: 'Running' } });
    await one.create(snapshots, 'shop', 's', { ...moved, moveData: false, method: 'File' });
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^ClaimInUse: .*"data".*"db"/) });
  });
});

const refOf = ({ metadata }: { metadata: { name: string; uid?: string } }) => ({
  namespace: 'shop',
  name: metadata.name,
  uid: metadata.uid ?? '',
});
