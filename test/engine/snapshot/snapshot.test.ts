/** What becomes of a Snapshot when processes end, objects are deleted and others are in the way. */
import { describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import type { Authorizer } from '../../../src/machinery/user.ts';
import { backups } from '../../../src/resources/backup.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { impatientClock } from '../clocks.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, forever, resultsOf, whileRunning } from '../workbench.ts';
import { snapshotCluster } from './snapshot-cluster.ts';
import { contents, volumeSnapshots } from './snapshot-kinds.ts';

const ofData = { source: { persistentVolumeClaimName: 'data' } };

function scene(deletionPolicy: 'Delete' | 'Retain' = 'Delete') {
  const storage = snapshotCluster(deletionPolicy);
  const shared = { cluster: storage.cluster, clock: impatientClock, storage: new MemoryStorage(), files: new Map<string, Uint8Array>() };
  const one = createWorkbench({ ...shared, replica: 'one' });
  const two = createWorkbench({ ...shared, replica: 'one' });
  const begun = () => vi.waitFor(() => expect(storage.cluster.names(volumeSnapshots, 'shop')).toHaveLength(1));
  const remove = async (name = 's', definition = snapshots) => {
    const { uid = '' } = (await one.get(definition, 'shop', name))!.metadata;
    await one.parts.objects.delete(definition, { namespace: 'shop', name, uid }, forever);
  };
  const gone = (name = 's', definition = snapshots) =>
    vi.waitFor(
      async () => {
        storage.collect();
        expect(await one.get(definition, 'shop', name)).toBeUndefined();
      },
      { timeout: 10_000 },
    );
  return { ...storage, one, two, begun, remove, gone };
}

describe('a Snapshot', () => {
  it('is taken once, though the process ended in the middle', async () => {
    const { cluster, one, two, begun, makeReady } = scene();
    await one.create(snapshots, 'shop', 's', ofData);
    await whileRunning(one.engine, begun);
    expect(cluster.names(volumeSnapshots, 'shop')).toHaveLength(1);
    expect((await one.get(snapshots, 'shop', 's'))?.status).toMatchObject({ phase: 'InProgress', claim: { name: 'data' } });
    cluster.drop('persistentvolumeclaims', 'shop', 'data');
    makeReady();
    const { status, metadata } = await whileRunning(two.engine, () => two.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed', readyToUse: true, claim: { name: 'data', capacity: '1Gi' } });
    expect(cluster.names(volumeSnapshots, 'shop')).toEqual([`kylon-${metadata.uid}`]);
  });

  it('that is deleted in the middle leaves nothing behind', async () => {
    const { names, one, begun, remove, gone } = scene('Retain');
    await one.create(snapshots, 'shop', 's', ofData);
    await whileRunning(one.engine, async () => {
      await begun();
      await remove();
      await gone();
    });
    expect(names()).toEqual([]);
  });

  it.each([
    ['Delete' as const, 0],
    ['Retain' as const, 1],
  ])('is retained, and deleted as its class says: %s', async (policy, left) => {
    const { cluster, one, begun, makeReady, remove, gone } = scene(policy);
    await one.create(snapshots, 'shop', 's', ofData);
    await whileRunning(one.engine, async () => {
      await begun();
      makeReady();
      await one.ended(snapshots, 'shop', 's');
      const [name = ''] = cluster.names(contents);
      expect(cluster.read(contents, '', name)?.['spec']).toMatchObject({ deletionPolicy: 'Retain' });
      await remove();
      await gone();
    });
    expect(cluster.names(volumeSnapshots, 'shop')).toEqual([]);
    expect(cluster.names(contents)).toHaveLength(left);
  });

  it('that fails takes nothing with it that is not its own', async () => {
    const { cluster, one } = scene();
    const { metadata } = await one.create(snapshots, 'shop', 's', ofData);
    const theirs = `kylon-${metadata.uid}`;
    const labels = { 'backup.kylon.io/snapshot-uid': metadata.uid };
    cluster.seed(volumeSnapshots, { metadata: { name: theirs, namespace: 'shop', labels }, spec: {} });
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^VolumeSnapshotExists: .*somebody else/) });
    expect(cluster.names(volumeSnapshots, 'shop')).toEqual([theirs]);
  });
});

describe('a Snapshot of a claim', () => {
  const claims = 'persistentvolumeclaims';
  const change = (more: object) => (cluster: MemoryCluster) =>
    void cluster.seed(claims, { ...cluster.read(claims, 'shop', 'data')!, ...more });
  const moveAway = (cluster: MemoryCluster) => {
    cluster.seed('namespaces', { metadata: { name: 'other' } });
    cluster.seed(claims, { ...cluster.read(claims, 'shop', 'data')!, metadata: { name: 'data', namespace: 'other' } });
    cluster.drop(claims, 'shop', 'data');
  };
  const forbid = (cluster: MemoryCluster) => {
    cluster.check = ({ user, resource }) => {
      if (user === 'alice' && resource === claims) throw new ClusterError(403, 'Forbidden', 'not for alice');
    };
  };
  const deleted = { name: 'data', namespace: 'shop', deletionTimestamp: '2026-01-01T00:00:00Z' };

  it.each<[string, (cluster: MemoryCluster) => void, string]>([
    ['that is Lost', change({ status: { phase: 'Lost' } }), 'ClaimLost: the claim "data" is Lost: its volume is gone'],
    ['without a volume', change({ status: { phase: 'Pending' } }), 'ClaimPending: the claim "data" is Pending: it has no volume yet'],
    ['that is deleted', change({ metadata: deleted }), 'ClaimBeingDeleted: the claim "data" is being deleted'],
    ['of another namespace', moveAway, 'ClaimNotFound: persistentvolumeclaims "data" not found'],
    ['whose volume is gone', (cluster) => cluster.drop('persistentvolumes', '', 'pv'), 'VolumeNotFound: persistentvolumes "pv" not found'],
    [
      'whose driver has no class',
      (cluster) => cluster.drop('volumesnapshotclasses.snapshot.storage.k8s.io', '', 'usual'),
      'SnapshotClassNotFound: the driver "disk" has no default VolumeSnapshotClass; its classes: none',
    ],
    ['that its creator may not read', forbid, 'Forbidden: not for alice'],
  ])('%s has failed for that reason, and nothing is taken', async (_, prepare, failureReason) => {
    const { cluster, names, one } = scene();
    prepare(cluster);
    await one.create(snapshots, 'shop', 's', ofData);
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Failed', failureReason });
    expect(names()).toEqual([]);
  });
});

describe('a Backup with volumes', () => {
  it.each([{ snapshotVolumes: true }, { volumes: { rules: [{ action: 'CSI' }] } }])(
    'takes a Snapshot of each claim, and its deletion takes them along: %j',
    async (spec) => {
      const { names, one, begun, makeReady, remove, gone } = scene();
      await one.create(backups, 'shop', 'b', { ...spec, includedResources: ['persistentvolumeclaims'] });
      await whileRunning(one.engine, async () => {
        await begun();
        makeReady();
        const { status, metadata } = await one.ended(backups, 'shop', 'b');
        const snapshotName = `data-${metadata.uid?.slice(0, 8)}`;
        expect(status).toMatchObject({ phase: 'Completed', volumes: [{ claim: 'data', snapshotName, phase: 'Completed' }] });
        expect((await one.get(snapshots, 'shop', snapshotName))?.spec).not.toHaveProperty('ttl');
        await remove('b', backups);
        await gone('b', backups);
        expect(await one.get(snapshots, 'shop', snapshotName)).toBeUndefined();
      });
      expect(names()).toEqual([]);
    },
  );

  it('takes no Snapshot along that somebody else has labelled as its own, nor takes one for its own', async () => {
    const { one, cluster, makeReady, remove, gone } = scene();
    const bob = { name: 'bob', groups: ['system:authenticated'], extra: {} };
    const { metadata } = await one.create(backups, 'shop', 'b', { snapshotVolumes: true, includedResources: ['persistentvolumeclaims'] });
    const labels = { 'backup.kylon.io/backup-uid': metadata.uid ?? '' };
    const label = (name: string) => ({ ...ofData, name, labels });
    for (const { name, labels, ...spec } of [label(`data-${metadata.uid?.slice(0, 8)}`), label('theirs')])
      await one.parts.objects.create(
        snapshots,
        { apiVersion: 'backup.kylon.io/v1alpha1', kind: 'Snapshot', metadata: { namespace: 'shop', name, labels }, spec },
        bob,
        { dryRun: false },
        forever,
      );
    const timer = setInterval(makeReady, 5);
    try {
      await whileRunning(one.engine, async () => {
        const { status } = await one.ended(backups, 'shop', 'b');
        expect(status).toMatchObject({ phase: 'PartiallyFailed', volumes: [{ claim: 'data', phase: 'Failed' }] });
        await vi.waitFor(() => expect(cluster.names(volumeSnapshots, 'shop')).toHaveLength(2));
        await remove('b', backups);
        await gone('b', backups);
      });
    } finally {
      clearInterval(timer);
    }
    expect(await one.parts.objects.list(snapshots, {}, forever)).toHaveLength(2);
  });

  it('names the volume that its creator may not take', async () => {
    const { one } = scene();
    const authorize: Authorizer['authorize'] = (_, attributes) =>
      Promise.resolve({ allowed: !('resource' in attributes && attributes.resource === 'snapshots'), reason: 'no rule' });
    Object.assign(one.parts.authorizer, { authorize });
    const { status } = await whileRunning(one.engine, () => one.backUp('shop', 'b', { snapshotVolumes: true }));
    expect(status).toMatchObject({ phase: 'PartiallyFailed', errors: 1, volumes: [{ claim: 'data', phase: 'Failed' }] });
  });

  it('whose volume could not be taken tells that its claim comes back empty, where it is made anew', async () => {
    const { one, cluster } = scene();
    const authorize: Authorizer['authorize'] = (_, attributes) =>
      Promise.resolve({ allowed: !('resource' in attributes && attributes.resource === 'snapshots'), reason: 'no rule' });
    const before = one.parts.authorizer.authorize.bind(one.parts.authorizer);
    Object.assign(one.parts.authorizer, { authorize });
    await whileRunning(one.engine, () => one.backUp('shop', 'b', { snapshotVolumes: true }));
    Object.assign(one.parts.authorizer, { authorize: before });
    const restored = async (name: string) => {
      const restore = await whileRunning(one.engine, () => one.restore('shop', name, { backupName: 'b' }));
      const claims = (await resultsOf(one.engine, restore)).filter((line) => line.startsWith('persistentvolumeclaims '));
      return { status: restore.status, claims };
    };
    expect((await restored('there')).claims).toEqual(['persistentvolumeclaims shop/data unchanged']);
    cluster.drop('persistentvolumeclaims', 'shop', 'data');
    const { status, claims } = await restored('gone');
    expect(claims).toEqual([expect.stringMatching(/created: the backup could not take its volume: .* its storage is empty$/)]);
    expect(status.warnings).toBeGreaterThan(0);
  });

  it('takes no Snapshot where it is not asked to', async () => {
    const { one } = scene();
    const { status } = await whileRunning(one.engine, () => one.backUp('shop', 'b'));
    expect(status).not.toHaveProperty('volumes');
    expect(await one.parts.objects.list(snapshots, {}, forever)).toEqual([]);
  });
});
