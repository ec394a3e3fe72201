/** Volumes of drivers that take no snapshots: copied from a clone where they make one. A real one is in test/e2e/snapshots-move.test.ts. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { killedAt, whileRunning } from '../workbench.ts';
import { id, moved, scene, specOf, stop, user } from './moving.ts';

const claims = 'persistentvolumeclaims';
const classes = 'storageclasses.storage.k8s.io';

/** Of a volume whose driver takes no snapshots, of a class of its own. */
function cloning(provisioner: string, volumeBindingMode = 'Immediate') {
  const found = scene();
  const { cluster } = found;
  cluster.drop('volumesnapshotclasses.snapshot.storage.k8s.io', '', 'usual');
  cluster.seed('customresourcedefinitions.apiextensions.k8s.io', {
    metadata: { name: classes },
    spec: { group: 'storage.k8s.io', names: { plural: 'storageclasses', kind: 'StorageClass' }, scope: 'Cluster' },
  });
  cluster.seed(classes, { metadata: { name: 'fast' }, provisioner, volumeBindingMode });
  const claim = cluster.read(claims, 'shop', 'data')!;
  cluster.seed(claims, { ...claim, spec: { ...(claim['spec'] as object), storageClassName: 'fast', volumeMode: 'Block' } });
  return { ...found, warnings: () => warningsIn(cluster) };
}

const warningsIn = (cluster: MemoryCluster) => {
  const told = cluster.names('events', 'shop').map((name) => cluster.read('events', 'shop', name)!);
  return told.filter(({ reason }) => reason === 'Warnings').map(({ message }) => message);
};

interface ClaimSpec {
  readonly dataSource?: { readonly kind: string; readonly name: string };
}

/** Has `act` done once for each claim that asks for a clone. */
let timer: NodeJS.Timeout;
function atClones(cluster: MemoryCluster, act: (clone: ClusterObject) => void): ClusterObject[] {
  const seen: ClusterObject[] = [];
  const isNew = ({ metadata, spec }: ClusterObject) =>
    (spec as ClaimSpec).dataSource?.kind === 'PersistentVolumeClaim' && !seen.some((one) => one.metadata.uid === metadata.uid);
  timer = setInterval(() => {
    for (const clone of cluster.names(claims, 'shop').map((name) => cluster.read(claims, 'shop', name)!))
      if (isNew(clone)) {
        seen.push(clone);
        act(clone);
      }
  }, 1);
  return seen;
}
const bindIn = (cluster: MemoryCluster) => (clone: ClusterObject) =>
  cluster.seed(claims, { ...clone, spec: { ...(clone['spec'] as object), volumeName: 'pv-of-clone' }, status: { phase: 'Bound' } });

const failedProvisioning = ({ metadata }: ClusterObject, message: string) => ({
  metadata: { name: `${metadata.name}.1`, namespace: 'shop' },
  involvedObject: { uid: metadata.uid },
  reason: 'ProvisioningFailed',
  message,
});

interface MoverSpec {
  readonly volumes: readonly { readonly persistentVolumeClaim?: { readonly claimName: string } }[];
}
const claimOf = (pod: ClusterObject | undefined) =>
  (specOf(pod) as unknown as MoverSpec).volumes.find((one) => one.persistentVolumeClaim)?.persistentVolumeClaim?.claimName;

describe('a Snapshot of a volume whose driver takes no snapshots', () => {
  afterEach(() => {
    clearInterval(timer);
    stop();
  });

  it('is copied from a clone, which goes then', async () => {
    const { cluster, one, sent, left, warnings } = cloning('disk');
    const clones = atClones(cluster, bindIn(cluster));
    cluster.seed('pods', user());
    await one.create(snapshots, 'shop', 's', moved);
    const { status, metadata } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({
      phase: 'Completed',
      method: 'File',
      handle: id,
      creationTime: expect.any(String),
      claim: { name: 'data' },
    });
    expect(status).not.toHaveProperty('warnings', 1);
    expect(sent.map(claimOf)).toEqual([`kylon-${metadata.uid}`]);
    expect(specOf(sent[0]).affinity).toBeUndefined();
    expect(clones.map(({ spec }) => spec)).toEqual([
      {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'fast',
        volumeMode: 'Block',
        resources: { requests: { storage: '1Gi' } },
        dataSource: { kind: 'PersistentVolumeClaim', name: 'data' },
      },
    ]);
    expect(left()).toEqual(['db']);
    expect(warnings()).toEqual([]);
  });

  it('is cloned on the node of its Pod, where volumes are made for the first one', async () => {
    const { cluster, one } = cloning('disk', 'WaitForFirstConsumer');
    const clones = atClones(cluster, bindIn(cluster));
    cluster.seed('pods', user());
    await one.create(snapshots, 'shop', 's', moved);
    await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(clones.map(({ metadata }) => metadata['annotations'])).toEqual([
      expect.objectContaining({ 'volume.kubernetes.io/selected-node': 'n1' }),
    ]);
  });

  it.each([
    ['the driver makes none', 'Immediate', 'disk', /it was not cloned: failed to provision: CSI driver does not support clone operations/],
    ['the driver does not come to it', 'Immediate', 'disk', /it was not cloned: the driver "disk" has made no clone after 1 s: no room$/],
    [
      'its class is of another driver',
      'Immediate',
      'other',
      /it was not cloned: no StorageClass of the driver "disk" is that of the claim "data"/,
    ],
    ['nobody says for which node', 'WaitForFirstConsumer', 'disk', /it was not cloned: .* no Pod says for which one/],
    ['claims cannot be made', 'Immediate', 'disk', /it was not cloned: .*exceeded quota/],
  ])('is copied as it is used, with a warning, where %s', async (what, mode, provisioner, why) => {
    const { cluster, one, sent, left, warnings } = cloning(provisioner, mode);
    const said = what === 'the driver makes none' ? 'failed to provision: CSI driver does not support clone operations: x' : 'no room';
    atClones(cluster, (clone) => void cluster.seed('events', failedProvisioning(clone, said)));
    if (what === 'claims cannot be made')
      cluster.check = ({ verb, resource, user }) => {
        if (verb === 'create' && resource === claims && user !== '') throw new ClusterError(403, 'Forbidden', 'exceeded quota: claims');
      };
    await one.create(snapshots, 'shop', 's', { ...moved, timeout: '1s' });
    const { status } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed', method: 'File', warnings: 1 });
    expect(status).not.toHaveProperty('creationTime');
    expect(sent.map(claimOf)).toEqual(['data']);
    expect(warnings()).toEqual([expect.stringMatching(why)]);
    expect(warnings()).toEqual([expect.stringMatching(/^the volume is copied while it may be in use: the driver "disk" has no default/)]);
    expect(left()).toEqual([]);
  });

  it.each([
    ['cloned', true],
    ['in use', false],
  ])('is copied once, %s, wherever the process ended', async (_, clones) => {
    for (let at = 0; at < 60; at += 3) {
      const { cluster, one, two, left, sent } = cloning('disk');
      const refuse = (clone: ClusterObject) => void cluster.seed('events', failedProvisioning(clone, 'does not support clone'));
      atClones(cluster, clones ? bindIn(cluster) : refuse);
      await one.create(snapshots, 'shop', 's', moved);
      await killedAt(at, cluster, one.engine, () => one.ended(snapshots, 'shop', 's'));
      const { status } = await whileRunning(two.engine, () => two.ended(snapshots, 'shop', 's'));
      expect(status, `request ${at}`).toMatchObject({ phase: 'Completed', method: 'File', handle: id });
      expect(
        sent.every((pod) => (claimOf(pod) === 'data') === !clones),
        `request ${at}`,
      ).toBe(true);
      const { creationTime } = status as { creationTime?: string };
      expect(creationTime !== undefined, `request ${at}`).toBe(clones);
      await vi.waitFor(() => expect(left()).toEqual([]), 5_000);
      clearInterval(timer);
      stop();
    }
  });

  it('is copied from a clone though the cluster does not answer for a while', async () => {
    const { cluster, one, sent, warnings } = cloning('disk');
    atClones(cluster, (clone) => setTimeout(() => bindIn(cluster)(clone), 50));
    let refused = 0;
    cluster.check = ({ verb, resource }) => {
      if (verb === 'list' && resource === 'events' && refused++ < 8) throw new ClusterError(503, 'ServiceUnavailable', 'going down');
    };
    await one.create(snapshots, 'shop', 's', moved);
    const { status, metadata } = await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed', creationTime: expect.any(String) });
    expect(sent.map(claimOf)).toEqual([`kylon-${metadata.uid}`]);
    expect(refused).toBeGreaterThan(5);
    expect(warnings()).toEqual([]);
  });

  it('does not take a mover that reads the volume itself for one that reads a clone, which is on its way out', async () => {
    const { cluster, one, two, sent } = cloning('disk');
    const seen = atClones(cluster, (clone) => void cluster.seed('events', failedProvisioning(clone, 'does not support clone')));
    await one.create(snapshots, 'shop', 's', moved);
    const killed = new AbortController();
    cluster.check = ({ verb, resource }) => {
      if (killed.signal.aborted) throw new Error('killed');
      if (verb === 'create' && resource === 'secrets') killed.abort(new Error('killed'));
    };
    await one.engine.run(killed.signal).catch(() => {});
    const [clone] = seen;
    cluster.seed(claims, { ...clone!, metadata: { ...clone!.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] } });
    cluster.check = ({ verb, resource }) => {
      if (verb === 'create' && resource === claims) throw new Error('a clone is asked for');
    };
    const { status } = await whileRunning(two.engine, () => two.ended(snapshots, 'shop', 's'));
    expect(status).toMatchObject({ phase: 'Completed', warnings: 1 });
    expect(status).not.toHaveProperty('creationTime');
    expect(sent.map(claimOf)).toEqual(['data']);
  });

  it('leaves no volume, whatever its class does with them', async () => {
    const { cluster, one } = cloning('disk');
    const volume = (name: string, uid: string | undefined) => ({
      metadata: { name },
      spec: { persistentVolumeReclaimPolicy: 'Retain', claimRef: { namespace: 'shop', name: 'x', uid } },
    });
    atClones(cluster, (clone) => {
      cluster.seed('persistentvolumes', volume('pv-of-clone', clone.metadata.uid));
      bindIn(cluster)(clone);
    });
    await one.create(snapshots, 'shop', 's', moved);
    await whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
    expect(cluster.read('persistentvolumes', '', 'pv-of-clone')?.['spec']).toMatchObject({ persistentVolumeReclaimPolicy: 'Delete' });
    expect(cluster.read('persistentvolumes', '', 'pv')?.['spec']).not.toHaveProperty('persistentVolumeReclaimPolicy');
  });
});
