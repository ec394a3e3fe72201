/** Volumes that are copied into the repository, wherever the work is interrupted. What real Pods do is in test/e2e/snapshots-move.test.ts. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { restores } from '../../../src/resources/restore.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { craft } from '../../repository/reading/crafted.ts';
import { alice, forever, killedAt, whileRunning } from '../workbench.ts';
import { damage, id, live, moved, scene, specOf, stop, summary, user } from './moving.ts';

afterEach(stop);

const onNode = (name: string) => {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [name] }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } };
};

describe('a Snapshot that is moved', () => {
  it('says what it has, and keeps nothing in the cluster', async () => {
    const { one, left } = scene();
    await one.create(snapshots, 'shop', 's', moved);
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed', method: 'File', handle: id, readyToUse: true, claim: { name: 'data' } });
    expect(status).toMatchObject({ files: 3, bytesRead: 5, bytesAdded: 4, bytesStored: 2, restoreSize: '1Mi' });
    expect(left()).toEqual([]);
  });

  it('says how far its mover is, while that is at work', async () => {
    const { cluster, one } = scene();
    stop();
    const { metadata } = await one.create(snapshots, 'shop', 's', live);
    const name = `kylon-${metadata.uid}`;
    const mover = (status: object, log: string) => {
      cluster.write(`shop/${name}`, log);
      cluster.seed('pods', { ...cluster.read('pods', 'shop', name)!, status });
    };
    await whileRunning(one.engine, async () => {
      await vi.waitFor(() => expect(cluster.names('secrets', 'shop')).toHaveLength(1));
      mover({ phase: 'Running' }, '{"message_type":"status","total_bytes":7,"bytes_done":3}');
      const progress = { bytesDone: 3, totalBytes: 7 };
      await vi.waitFor(
        async () => expect(await one.get(snapshots, 'shop', 's')).toMatchObject({ status: { phase: 'InProgress', progress } }),
        5_000,
      );
      mover({ phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] }, summary);
      const { status } = await one.ended(snapshots, 'shop', 's');
      expect(status).toMatchObject({ phase: 'Completed', progress: { bytesDone: 5, totalBytes: 5 } });
    });
  });

  it('goes by the name of its claim, by which the mover finds what it has copied before', async () => {
    const { cluster, one, sent } = scene();
    const claim = cluster.read('persistentvolumeclaims', 'shop', 'data')!;
    cluster.seed('persistentvolumeclaims', { ...claim, metadata: { name: 'other', namespace: 'shop' } });
    const taken = [moved, live].flatMap((spec) =>
      ['data', 'other'].map((persistentVolumeClaimName) => ({ ...spec, source: { persistentVolumeClaimName } })),
    );
    await whileRunning(one.engine, async () => {
      for (const [index, spec] of taken.entries()) {
        await one.create(snapshots, 'shop', `s${index}`, spec);
        expect((await one.ended(snapshots, 'shop', `s${index}`)).status).toMatchObject({ phase: 'Completed' });
      }
    });
    expect(sent.map((pod) => specOf(pod).containers[0]?.args)).toEqual(['data', 'other', 'data', 'other'].map((name) => ['backup', name]));
  });

  it.each([
    ['ReadWriteOnce', live, onNode('n1')],
    ['ReadWriteMany', live, undefined],
    ['ReadOnlyMany', live, undefined],
    ['ReadWriteOnce', moved, undefined],
  ])('of a claim in use that is %s, as %j, is read where its volume can be mounted', async (mode, spec, affinity) => {
    const { cluster, one, sent } = scene();
    const claim = cluster.read('persistentvolumeclaims', 'shop', 'data')!;
    cluster.seed('persistentvolumeclaims', { ...claim, spec: { volumeName: 'pv', accessModes: [mode] } });
    cluster.seed('pods', user());
    await one.create(snapshots, 'shop', 's', spec);
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed' });
    expect(sent.map((pod) => specOf(pod).affinity)).toEqual([affinity]);
  });

  it.each([moved, live])('is read as whoever uses its claim where nobody may be root: %j', async (spec) => {
    const { cluster, one, sent } = scene();
    cluster.seed('namespaces', { metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } });
    cluster.seed('pods', user({ securityContext: { runAsUser: 1000, fsGroup: 2000 } }));
    await one.create(snapshots, 'shop', 's', spec);
    await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(specOf(sent[0]).securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, supplementalGroups: [0, 2000] });
  });

  it('is open for who looks into it: keys and indexes were read when it ended', async () => {
    const { snapshot, files } = craft([{ name: 'volume', type: 'dir', nodes: [{ name: 'a', type: 'file', size: 2, pieces: ['ab'] }] }]);
    const { one } = scene({ log: summary.replace(id, snapshot) });
    for (const [key, bytes] of files) one.files.set(key.replace(/^r\//, 'd/domain/volumes/shop/restic/'), bytes);
    await one.create(snapshots, 'shop', 's', moved);
    const found = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    for (const key of one.files.keys()) if (/\/(keys|index)\//.test(key)) one.files.set(key, Buffer.of());
    const { items } = await one.engine.services.files(found, { limit: 500, continue: '', path: '' }, alice, forever);
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

  it.each([
    ['Fatal: wrong password or no key found', 'MoverFailed: the mover of the claim "data" has failed'],
    [damage, 'RepositoryDamaged: the repository of the namespace "shop" is damaged'],
  ])('that fails says why, and keeps nothing: %s', async (log, why) => {
    const { one, left } = scene({ exitCode: 1, log });
    await one.create(snapshots, 'shop', 's', moved);
    await whileRunning(one.engine, async () => {
      const { status } = await one.ended(snapshots, 'shop', 's');
      expect(status).toMatchObject({ phase: 'Failed', failureReason: `${why}: ${log}` });
      await one.parts.objects.delete(snapshots, refOf((await one.get(snapshots, 'shop', 's'))!), forever);
      await vi.waitFor(async () => expect(await one.get(snapshots, 'shop', 's')).toBeUndefined(), 5_000);
    });
    expect(left()).toEqual([]);
  });

  it('has no copy that its own mover has not written, whatever that says, and takes none away when it is deleted', async () => {
    const { one, left, forgotten } = scene({ isWritten: false });
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

  it('is copied of a VolumeSnapshot that is there already, which stays', async () => {
    const { cluster, one, sent, left } = scene();
    const theirs = {
      metadata: { name: 'theirs', namespace: 'shop' },
      spec: { source: { persistentVolumeClaimName: 'data' } },
      status: { readyToUse: true, restoreSize: '1Gi', creationTime: '2026-01-02T03:04:05Z', boundVolumeSnapshotContentName: 'c' },
    };
    cluster.seed('volumesnapshots.snapshot.storage.k8s.io', theirs);
    const spec = { source: { volumeSnapshotName: 'theirs' }, moveData: true };
    await one.create(snapshots, 'shop', 's', spec);
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({
      phase: 'Completed',
      method: 'File',
      handle: id,
      creationTime: '2026-01-02T03:04:05Z',
      claim: { name: 'data' },
    });
    expect(sent.map((pod) => specOf(pod).containers[0]?.args)).toEqual([['backup', 'data']]);
    expect(left()).toEqual(['theirs']);
    cluster.drop('persistentvolumeclaims', 'shop', 'data');
    await one.create(snapshots, 'shop', 'gone', spec);
    const { status: gone } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 'gone'));
    expect(gone).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^ClaimNotFound: .*"theirs"/) });
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
    cluster.seed('pods', user());
    await one.create(snapshots, 'shop', 's', live);
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^ClaimInUse: .*"data".*"db"/) });
  });
});

describe('a Restore of one that was moved', () => {
  it.each([
    ['a new claim', { claim: { name: 'copy' } }],
    ['the claim that is there', { existingResourcePolicy: 'Update' as const }],
  ])('into %s says that the repository is damaged, and leaves no claim that is filled by half', async (_, spec) => {
    const { cluster, one, left, ending, sent } = scene();
    const claim = cluster.read('persistentvolumeclaims', 'shop', 'data')!;
    const annotations = { 'volume.kubernetes.io/selected-node': 'n1' };
    const before = cluster.seed('persistentvolumeclaims', { ...claim, metadata: { ...claim.metadata, annotations } });
    await one.create(snapshots, 'shop', 's', moved);
    await whileRunning(one.engine, async () => {
      await one.ended(snapshots, 'shop', 's');
      Object.assign(ending, { exitCode: 1, log: damage });
      const { status } = await one.restore('shop', 'r', { snapshotName: 's', ...spec });
      expect(status).toMatchObject({
        phase: 'Failed',
        failureReason: expect.stringMatching(
          /^RepositoryDamaged: the repository of the namespace "shop" is damaged: .*verification failed/,
        ),
      });
      await vi.waitFor(() => expect(left()).toEqual([]), 5_000);
    });
    expect(sent.map((pod) => specOf(pod).containers[0]?.args[0])).toEqual(['backup', 'restore']);
    expect(cluster.read('persistentvolumeclaims', 'shop', 'data')).toEqual(before);
  });
});

const refOf = ({ metadata }: { metadata: { name: string; uid?: string } }) => ({
  namespace: 'shop',
  name: metadata.name,
  uid: metadata.uid ?? '',
});
