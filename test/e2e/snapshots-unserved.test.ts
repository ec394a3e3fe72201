/** A cluster without snapshots says so. Its claim is bound to a volume of a driver that nobody has ever seen. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { ended, gone, namespace, snapshot, snapshots } from './objects.ts';
import { claim, withoutSnapshots } from './volumes.ts';

const cluster = withoutSnapshots(findCluster());
const bare = suite('snapshots where the cluster serves none', cluster);

describe(bare.title, bare.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const place = 'kylon-unserved';
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    const volume = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: place },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: '',
        csi: { driver: 'unseen.example.test', volumeHandle: 'a' },
      },
    };
    await kubectl.run(['create', '-f', '-'], [namespace(place), volume, claim(place, 'data', { storageClassName: '', volumeName: place })]);
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/data', '-n', place, '--timeout=60s']);
    kylon = await Kylon.beside(kubeconfigOf(cluster));
  });
  afterAll(async () => {
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.run(['delete', 'pv', place, '--ignore-not-found']);
  }

  it('fail with that reason, and can be deleted', async () => {
    await kubectl.run(['create', '-f', '-'], snapshot(place, 'first', 'data'));
    const { status } = await ended(kubectl, snapshots, { namespace: place, name: 'first' });
    expect(status?.['failureReason']).toBe(
      'SnapshotsNotServed: the cluster serves no volumesnapshots.snapshot.storage.k8s.io: its CRDs and the snapshot controller are not installed',
    );
    await kubectl.run(['delete', snapshots, 'first', '-n', place]);
    await gone(kubectl, snapshots, 'first', '-n', place);
  });
});
