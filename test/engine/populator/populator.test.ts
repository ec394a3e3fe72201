/** Claims that name a Snapshot as their source, wherever the work is interrupted, and whatever is wrong with them. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { StoreDamaged } from '../../../src/objectstore/objectstore.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { claims, replacementScene, volumes } from '../replacement/scene.ts';
import { whileRunning } from '../workbench.ts';

let stop = () => {};
afterEach(() => stop());

const source = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: 's' };

/** With controllers that are at work. */
async function scene() {
  const made = await replacementScene();
  const timer = setInterval(made.settle, 1);
  stop = () => clearInterval(timer);
  return made;
}

function ask(cluster: MemoryCluster, spec: object = {}, metadata: object = {}): string {
  const resources = { requests: { storage: '1Gi' } };
  const common = { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources, dataSourceRef: source };
  return cluster.seed(claims, { metadata: { name: 'copy', namespace: 'shop', ...metadata }, spec: { ...common, ...spec } }).metadata.uid!;
}

const populated = (cluster: MemoryCluster) =>
  vi.waitFor(() => {
    expect(cluster.read(claims, 'shop', 'copy')).toMatchObject({ status: { phase: 'Bound' } });
    expect(cluster.names(claims, 'shop')).toEqual(['copy', 'data']);
    expect(cluster.names(volumes)).toHaveLength(2);
  }, 5_000);

const eventsOf = (cluster: MemoryCluster) =>
  cluster.names('events', 'shop').map((name) => {
    const { reason, message } = cluster.read('events', 'shop', name) as unknown as { reason: string; message: string };
    return `${reason}: ${message}`;
  });

describe('a claim of a Snapshot', () => {
  it('gets a volume of it, and says so', async () => {
    const { cluster, one } = await scene();
    const uid = ask(cluster);
    await whileRunning(one.engine, () => populated(cluster));
    const { volumeName } = cluster.read(claims, 'shop', 'copy')!['spec'] as { volumeName: string };
    expect(cluster.read(volumes, '', volumeName)?.['spec']).toMatchObject({ claimRef: { name: 'copy', namespace: 'shop', uid } });
    expect(eventsOf(cluster)).toEqual(
      expect.arrayContaining([
        `Populating: Its volume is made of the snapshot "s", through the claim "kylon-${uid}".`,
        `Populated: It gets the volume "${volumeName}".`,
      ]),
    );
  });

  it('says what is wrong in the store, and is looked at again', async () => {
    const { cluster, one } = await scene();
    ask(cluster);
    let faults = 0;
    cluster.check = ({ verb, resource }) => {
      if (verb === 'create' && resource === 'persistentvolumeclaims' && faults++ === 0) throw new StoreDamaged('data/ab is damaged');
    };
    await whileRunning(one.engine, () => populated(cluster));
    expect(eventsOf(cluster)).toContain('StoreError: data/ab is damaged');
  });

  it.each(Array.from({ length: 20 }, (_, index) => index))('gets one, though the process ended at its request %i', async (at) => {
    const { cluster, one, two } = await scene();
    ask(cluster);
    const killed = new AbortController();
    let count = 0;
    cluster.check = () => {
      if (count++ >= at) killed.abort(new Error('killed'));
      killed.signal.throwIfAborted();
    };
    const running = one.engine.run(killed.signal);
    await Promise.race([running, populated(cluster).then(() => killed.abort(new Error('over')))]);
    await running;
    cluster.check = () => {};
    await whileRunning(two.engine, () => populated(cluster));
  });

  it.each(Array.from({ length: 12 }, (_, index) => index))('that is deleted at request %i leaves nothing behind', async (at) => {
    const { cluster, one } = await scene();
    ask(cluster);
    let count = 0;
    cluster.check = () => {
      if (count++ === at) cluster.drop(claims, 'shop', 'copy');
    };
    await whileRunning(one.engine, () =>
      vi.waitFor(() => {
        expect(count).toBeGreaterThan(at);
        expect(cluster.names(claims, 'shop')).toEqual(['data']);
        expect(cluster.names(volumes)).toEqual(['pv']);
      }),
    );
  });

  it('waits for the node, where the class does, and goes to another one when the scheduler does', async () => {
    const { cluster, one } = await scene();
    const provisioner = 'disk';
    cluster.seed('storageclasses.storage.k8s.io', { metadata: { name: 'late' }, provisioner, volumeBindingMode: 'WaitForFirstConsumer' });
    const uid = ask(cluster, { storageClassName: 'late' });
    await whileRunning(one.engine, async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(cluster.names(claims, 'shop')).toEqual(['copy', 'data']);
      const claim = cluster.read(claims, 'shop', 'copy')!;
      const annotations = { 'volume.kubernetes.io/selected-node': 'node-1' };
      stop();
      cluster.seed(claims, { ...claim, metadata: { ...claim.metadata, annotations } });
      const nodeOf = () => cluster.read(claims, 'shop', `kylon-${uid}`)?.metadata['annotations'];
      await vi.waitFor(() => expect(nodeOf()).toMatchObject(annotations));
      const others = { 'volume.kubernetes.io/selected-node': 'node-2' };
      cluster.seed(claims, { ...claim, metadata: { ...claim.metadata, annotations: others } });
      await vi.waitFor(() => expect(nodeOf()).toMatchObject(others));
    });
  });

  it.each<[object, string]>([
    [{ dataSourceRef: { ...source, name: 'other' } }, 'SnapshotNotFound: snapshots.backup.kylon.io "other" not found'],
    [
      { resources: { requests: { storage: '1Mi' } } },
      'ClaimTooSmall: spec.resources.requests.storage is 1Mi, less than the snapshot needs, 1Gi',
    ],
    [{ storageClassName: 'nowhere' }, 'StorageClassNotFound: storageclasses.storage.k8s.io "nowhere" not found'],
  ])('says once what is wrong: %j', async (spec, text) => {
    const { cluster, one } = await scene();
    ask(cluster, spec);
    await whileRunning(one.engine, async () => {
      await vi.waitFor(() => expect(eventsOf(cluster)).toContain(text));
      // As long as several looks take.
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    expect(eventsOf(cluster).filter((one) => one === text)).toHaveLength(1);
    expect(cluster.names(claims, 'shop')).toEqual(['copy', 'data']);
  });

  it.each<[string, object]>([
    ['a volume of its own', { volumeName: 'mine' }],
    ['another kind of source', { dataSourceRef: { ...source, kind: 'Backup' } }],
    ['a Snapshot of another namespace', { dataSourceRef: { ...source, namespace: 'other' } }],
  ])('is left alone with %s', async (_, spec) => {
    const { cluster, one } = await scene();
    ask(cluster, spec);
    await whileRunning(one.engine, () => new Promise((resolve) => setTimeout(resolve, 100)));
    expect(cluster.names(claims, 'shop')).toEqual(['copy', 'data']);
    expect(eventsOf(cluster)).toEqual([]);
  });
});
