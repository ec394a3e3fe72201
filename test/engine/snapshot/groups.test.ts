/** Volumes that a Backup takes at one moment: what becomes of the group, and of the Snapshots that are made of it. */
import { describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import { backups } from '../../../src/resources/backup.ts';
import type { Backup, BackupSpec } from '../../../src/resources/backup.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import type { Request } from '../memory-cluster.ts';
import { impatientClock } from '../clocks.ts';
import { createWorkbench, forever, logOf, whileRunning } from '../workbench.ts';
import { snapshotCluster } from './snapshot-cluster.ts';
import { contents, groupClasses, groupContents, groups, volumeSnapshots } from './snapshot-kinds.ts';

const key = 'velero.io/volume-group';
const grouped: BackupSpec = {
  snapshotVolumes: true,
  volumeGroupSnapshotLabelKey: key,
  includedResources: ['persistentvolumeclaims'],
  csiSnapshotTimeout: '5s',
};

function scene(deletionPolicy: 'Delete' | 'Retain' = 'Delete') {
  const storage = snapshotCluster(deletionPolicy);
  const { cluster } = storage;
  const shared = { cluster, clock: impatientClock, storage: new MemoryStorage(), files: new Map<string, Uint8Array>(), replica: 'one' };
  const [one, two] = [createWorkbench(shared), createWorkbench(shared)];
  const asked: Request[] = [];
  let refuse: (request: Request) => void = () => {};
  cluster.check = (request) => {
    asked.push(request);
    refuse(request);
    if (request.verb === 'create') setImmediate(storage.makeReady);
    if (request.verb === 'delete') setImmediate(storage.collect);
  };
  const claim = (name: string, group: string, { driver = 'disk', annotations = {} } = {}) => {
    cluster.seed('persistentvolumes', { metadata: { name: `pv-${name}` }, spec: { csi: { driver, volumeHandle: `of-pv-${name}` } } });
    cluster.seed('persistentvolumeclaims', {
      metadata: { name, namespace: 'shop', annotations, labels: { [key]: group } },
      spec: { volumeName: `pv-${name}`, accessModes: ['ReadWriteOnce'] },
      status: { phase: 'Bound', capacity: { storage: '1Gi' } },
    });
  };
  const taken = (spec: BackupSpec = grouped) => whileRunning(one.engine, () => one.backUp('shop', 'b', spec));
  const remove = async (name: string, definition = backups) => {
    const { uid = '' } = (await one.get(definition, 'shop', name))!.metadata;
    await one.parts.objects.delete(definition, { namespace: 'shop', name, uid }, forever);
    await vi.waitFor(async () => expect(await one.get(definition, 'shop', name)).toBeUndefined(), { timeout: 10_000 });
  };
  const made = (resource: string) => asked.filter((request) => request.verb === 'create' && request.resource === resource);
  return { ...storage, one, two, asked, claim, taken, remove, made, refuseIf: (rule: typeof refuse) => void (refuse = rule) };
}

const uidsOf = async ({ one }: ReturnType<typeof scene>) =>
  (await one.parts.objects.list(snapshots, {}, forever)).map(({ metadata }) => `kylon-${metadata.uid}`).sort();

describe('claims with the same value of the label', () => {
  it('are taken together, and each has a Snapshot that stands by itself', async () => {
    const all = scene();
    const { cluster, one, claim, taken, made, remove, names } = all;
    claim('left', 'db');
    claim('right', 'db');
    const { status, metadata } = await taken();
    const suffix = metadata.uid?.slice(0, 8);
    expect(status).toMatchObject({
      phase: 'Completed',
      volumes: [
        { claim: 'data', phase: 'Completed' },
        { claim: 'left', phase: 'Completed', snapshotName: `left-${suffix}`, volumeGroup: 'db' },
        { claim: 'right', phase: 'Completed', snapshotName: `right-${suffix}`, volumeGroup: 'db' },
      ],
    });
    expect(status.volumes?.[0]).not.toHaveProperty('volumeGroup');
    expect(made(groups)).toMatchObject([{ user: 'alice', namespace: 'shop' }]);
    expect((await one.get(snapshots, 'shop', `left-${suffix}`))?.status).toMatchObject({ handle: 'handle-member-left', readyToUse: true });
    expect(cluster.names(volumeSnapshots, 'shop')).toEqual(await uidsOf(all));
    expect(cluster.names(contents)).toHaveLength(3);
    expect(cluster.names(groups, 'shop')).toEqual([]);
    const [kept = ''] = cluster.names(groupContents);
    expect(cluster.read(groupContents, '', kept)).toMatchObject({
      metadata: { labels: { 'backup.kylon.io/backup-uid': metadata.uid }, annotations: { 'backup.kylon.io/deletion-policy': 'Delete' } },
      spec: { deletionPolicy: 'Retain' },
    });
    const labels = { 'backup.kylon.io/backup-uid': metadata.uid };
    cluster.seed(groups, { metadata: { name: 'theirs', namespace: 'shop', labels }, status: { readyToUse: true } });
    await whileRunning(one.engine, async () => {
      await remove(`left-${suffix}`, snapshots);
      expect(cluster.names(groupContents)).toEqual([kept]);
      expect(cluster.names(contents)).toHaveLength(2);
      await remove('b');
    });
    expect(names()).toEqual(['theirs']);
  });

  it('are taken one by one where the Backup names no label, and where one is alone with its value', async () => {
    const { claim, taken, made, one } = scene();
    claim('left', 'db');
    claim('right', 'web');
    expect((await taken()).status.volumes?.map((volume) => volume.volumeGroup)).toEqual([undefined, undefined, undefined]);
    claim('right', 'db');
    const { volumeGroupSnapshotLabelKey: _, ...plain } = grouped;
    await whileRunning(one.engine, () => one.backUp('shop', 'plain', plain));
    expect(made(groups)).toEqual([]);
  });

  it('are taken along though they are skipped, which the log says, and get no Snapshot', async () => {
    const { claim, taken, one, remove, names } = scene();
    claim('left', 'db');
    claim('right', 'db');
    claim('cache', 'db', { annotations: { 'backup.kylon.io/volume': 'Skip' } });
    const backup = await taken();
    expect(backup.status).toMatchObject({ phase: 'Completed', warnings: 1 });
    expect(await one.parts.objects.list(snapshots, {}, forever)).toHaveLength(3);
    expect(await logOf(one.engine, backup)).toContain(`with the group ${key}=db the driver has taken 1 volumes that are not in the backup`);
    await whileRunning(one.engine, () => remove('b'));
    expect(names()).toEqual([]);
  });

  it('stay with the driver where their class retains them, and nothing else does', async () => {
    const { cluster, claim, taken, one, remove } = scene('Retain');
    claim('left', 'db');
    claim('right', 'db');
    await taken();
    cluster.drop('persistentvolumeclaims', 'shop', 'data');
    await whileRunning(one.engine, () => remove('b'));
    expect(cluster.names(groupContents)).toHaveLength(1);
    expect(cluster.names(contents).map((name) => name.replace(/kylon-.*/, 'kylon'))).toEqual(['content-kylon']);
  });
});

describe('a Backup with a group that ends in the middle', () => {
  const stages: [string, (request: Request) => boolean][] = [
    ['before the group was made', ({ verb, resource }) => verb === 'create' && resource === groups],
    ['before its content was retained', ({ verb, resource }) => verb === 'patch' && resource === groupContents],
    ['before the VolumeGroupSnapshot was deleted', ({ verb, resource }) => verb === 'delete' && resource === groups],
    ['before a content was made for a Snapshot', ({ verb, resource }) => verb === 'create' && resource === contents],
    ['before a VolumeSnapshot was made for it', ({ verb, resource }) => verb === 'create' && resource === volumeSnapshots],
  ];

  /** Runs the first engine until it comes there, and stops it as a shutdown would. */
  async function interrupted(all: ReturnType<typeof scene>, isThere: (request: Request) => boolean): Promise<void> {
    const { one, claim, cluster, refuseIf } = all;
    cluster.drop('persistentvolumeclaims', 'shop', 'data');
    claim('left', 'db');
    claim('right', 'db');
    let reached = false;
    refuseIf((request) => {
      if (!isThere(request)) return;
      reached = true;
      throw new ClusterError(503, 'ServiceUnavailable', 'the process ends here');
    });
    await one.create(backups, 'shop', 'b', grouped);
    await whileRunning(one.engine, () => vi.waitFor(() => expect(reached).toBe(true), { timeout: 5_000 }));
    refuseIf(() => {});
  }

  it.each(stages)('goes on with it: %s', async (_, isThere) => {
    const all = scene();
    const { two, cluster, remove, names } = all;
    await interrupted(all, isThere);
    await whileRunning(two.engine, async () => {
      expect((await two.ended(backups, 'shop', 'b')).status).toMatchObject({ phase: 'Completed' });
      expect(cluster.names(groupContents)).toHaveLength(1);
      expect(cluster.names(groups, 'shop')).toEqual([]);
      expect(cluster.names(volumeSnapshots, 'shop')).toEqual(await uidsOf(all));
      await remove('b');
    });
    expect(names()).toEqual([]);
  });

  it.each(stages)('leaves nothing behind when it is deleted: %s', async (_, isThere) => {
    const all = scene();
    await interrupted(all, isThere);
    await whileRunning(all.two.engine, () => all.remove('b'));
    expect(all.names()).toEqual([]);
  });
});

describe('a group that cannot be taken', () => {
  type Scene = ReturnType<typeof scene>;
  const forbidden = new ClusterError(403, 'Forbidden', 'no rule for volumegroupsnapshots');
  it.each<[string, (scene: Scene) => void]>([
    [
      'GroupSnapshotClassNotFound: the driver "disk" has no default VolumeGroupSnapshotClass; its classes: none',
      ({ cluster }) => cluster.drop(groupClasses, '', 'usual'),
    ],
    [
      'GroupSnapshotsNotServed: the cluster serves no volumegroupsnapshots.groupsnapshot.storage.k8s.io: its CRDs and the snapshot controller are not installed',
      ({ cluster }) => {
        for (const name of [groups, groupContents, groupClasses]) cluster.drop('customresourcedefinitions.apiextensions.k8s.io', '', name);
      },
    ],
    [
      'GroupOfSeveralDrivers: a group has to be of one CSI driver, this one is of disk, tape',
      ({ claim }) => claim('right', 'db', { driver: 'tape' }),
    ],
    [
      'Forbidden: no rule for volumegroupsnapshots',
      ({ refuseIf }) =>
        refuseIf(({ verb, resource, user }) => {
          if (verb === 'create' && resource === groups && user === 'alice') throw forbidden;
        }),
    ],
  ])('fails each of its volumes, and no other: %s', async (message, spoil) => {
    const all = scene();
    const { claim, taken, one } = all;
    claim('left', 'db');
    claim('right', 'db');
    spoil(all);
    const backup = await taken();
    expect(backup.status).toMatchObject({
      phase: 'PartiallyFailed',
      errors: 2,
      volumes: [
        { claim: 'data', phase: 'Completed' },
        { claim: 'left', phase: 'Failed', volumeGroup: 'db' },
        { claim: 'right', phase: 'Failed', volumeGroup: 'db' },
      ],
    });
    const log = await logOf(one.engine, backup);
    for (const name of ['left', 'right']) expect(log).toContain(`the volume of the claim shop/${name} is not in the backup: ${message}`);
    expect(all.cluster.names(contents)).toHaveLength(1);
  });

  it('leaves nothing behind when none of its Snapshots came to be', async () => {
    const { claim, taken, cluster, refuseIf } = scene('Retain');
    claim('left', 'db');
    claim('right', 'db');
    cluster.drop('persistentvolumeclaims', 'shop', 'data');
    refuseIf(({ verb, resource, user }) => {
      if (verb === 'create' && resource === volumeSnapshots && user === 'alice') throw new ClusterError(403, 'Forbidden', 'no rule');
    });
    const { status } = await taken();
    expect(status).toMatchObject({ phase: 'PartiallyFailed', volumes: [{ phase: 'Failed' }, { phase: 'Failed' }] });
    await vi.waitFor(() => expect([...cluster.names(contents), ...cluster.names(groupContents)]).toEqual([]));
  });
});

describe('what a group has taken', () => {
  it('is for Snapshots of the same Backup only', async () => {
    const { claim, taken, cluster, one } = scene();
    claim('left', 'db');
    claim('right', 'db');
    await taken();
    const [volumeGroupSnapshotContentName = ''] = cluster.names(groupContents);
    const source = { persistentVolumeClaimName: 'left', volumeGroupSnapshotContentName };
    await one.create(snapshots, 'shop', 'mine', { source });
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 'mine'));
    expect((status as Backup['status']).failureReason).toBe(
      `VolumeGroupSnapshotContentNotFound: ${groupContents} "${volumeGroupSnapshotContentName}" not found`,
    );
  });
});
