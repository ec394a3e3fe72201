/** Claims that get their volume from a Snapshot of another namespace: only by a Restore, and nothing is left of what was lent to them. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { claims, replacementScene, volumes } from '../replacement/scene.ts';
import { contents, volumeSnapshots } from '../snapshot/snapshot-kinds.ts';
import { forever, killedAt, whileRunning } from '../workbench.ts';

let stop = () => {};
afterEach(() => stop());

/** With controllers that are at work. */
async function scene() {
  const made = await replacementScene();
  made.cluster.seed('namespaces', { metadata: { name: 'copy' } });
  const timer = setInterval(() => {
    made.settle();
    made.makeReady();
  }, 1);
  stop = () => clearInterval(timer);
  return made;
}

type Scene = Awaited<ReturnType<typeof scene>>;

const claimOf = (name: string): ClusterObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'copy', annotations: { 'backup.kylon.io/snapshot-namespace': 'shop' } },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: 'fast',
    resources: { requests: { storage: '1Gi' } },
    dataSourceRef: { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: 's' },
  },
});

/** As a Restore makes it. */
async function ask({ cluster, one }: Scene): Promise<string> {
  const snapshot = await one.get(snapshots, 'shop', 's');
  return cluster.seed(claims, await one.parts.proofs.give(claimOf('data'), snapshot?.metadata.uid ?? '', forever)).metadata.uid ?? '';
}

function nothingLeft(cluster: MemoryCluster): void {
  expect(cluster.names(volumeSnapshots, 'copy')).toEqual([]);
  expect(cluster.names(contents)).toEqual(['content']);
}

const populated = (cluster: MemoryCluster) =>
  vi.waitFor(() => {
    expect(cluster.read(claims, 'copy', 'data')).toMatchObject({ status: { phase: 'Bound' } });
    expect(cluster.names(claims, 'copy')).toEqual(['data']);
    expect(cluster.names(volumes)).toHaveLength(2);
    nothingLeft(cluster);
  }, 5_000);

describe('a claim of a Snapshot of another namespace', () => {
  it('gets a volume of what the driver keeps, which stays where it is', async () => {
    const here = await scene();
    const { cluster, one } = here;
    const uid = await ask(here);
    const lent: (ClusterObject | undefined)[] = [];
    cluster.check = ({ verb, resource, name }) => {
      if (verb === 'create' && resource === claims && name === `kylon-${uid}`)
        lent.push(cluster.read(contents, '', name), cluster.read(volumeSnapshots, 'copy', name));
    };
    await whileRunning(one.engine, () => populated(cluster));
    expect(lent).toMatchObject([
      {
        spec: { deletionPolicy: 'Retain', driver: 'disk', source: { snapshotHandle: 'handle' }, volumeSnapshotRef: { namespace: 'copy' } },
      },
      { metadata: { ownerReferences: [{ kind: 'PersistentVolumeClaim', name: 'data', uid }] }, status: { readyToUse: true } },
    ]);
    expect(cluster.names(volumeSnapshots, 'shop')).toHaveLength(1);
  });

  it.each(Array.from({ length: 30 }, (_, index) => index))('gets one, though the process ended at its request %i', async (at) => {
    const here = await scene();
    await ask(here);
    await killedAt(at, here.cluster, here.one.engine, () => populated(here.cluster));
    await whileRunning(here.two.engine, () => populated(here.cluster));
  });

  it.each(Array.from({ length: 20 }, (_, index) => index))('that is deleted at request %i leaves nothing behind', async (at) => {
    const here = await scene();
    const { cluster, one } = here;
    await ask(here);
    let count = 0;
    cluster.check = () => {
      if (count++ === at) cluster.drop(claims, 'copy', 'data');
    };
    await whileRunning(one.engine, () =>
      vi.waitFor(() => {
        expect(count).toBeGreaterThan(at);
        expect(cluster.names(claims, 'copy')).toEqual([]);
        expect(cluster.names(volumes)).toEqual(['pv']);
        nothingLeft(cluster);
      }, 5_000),
    );
  });

  it.each(Array.from({ length: 12 }, (_, index) => index + 4))(
    'that is deleted while nobody looks, after request %i, leaves nothing behind',
    async (at) => {
      const here = await scene();
      const { cluster, one, two } = here;
      await ask(here);
      await killedAt(at, cluster, one.engine, () => populated(cluster));
      cluster.drop(claims, 'copy', 'data');
      await whileRunning(two.engine, () => vi.waitFor(() => nothingLeft(cluster), 5_000));
    },
  );

  it('leaves alone what somebody else has made under the name of what is lent', async () => {
    const here = await scene();
    const { cluster, one } = here;
    const name = `kylon-${await ask(here)}`;
    cluster.seed(volumeSnapshots, { metadata: { name, namespace: 'copy' }, spec: {}, status: {} });
    await whileRunning(one.engine, async () => {
      await vi.waitFor(() => {
        const events = cluster.names('events', 'copy').map((event) => cluster.read('events', 'copy', event));
        expect(events).toMatchObject([{ reason: 'VolumeSnapshotExists' }]);
      });
      cluster.drop(claims, 'copy', 'data');
      await vi.waitFor(() => expect(cluster.names(contents)).toEqual(['content']), 5_000);
    });
    expect(cluster.names(volumeSnapshots, 'copy')).toEqual([name]);
  });

  it.each<[string, (claim: ClusterObject, here: Scene) => Promise<ClusterObject> | ClusterObject]>([
    ['nobody has given a proof', (claim) => claim],
    ['it has that of another claim', async ({ metadata: { name } }, here) => renamed(await given(claimOf('other'), here), name)],
    ['there is no such Snapshot', (claim) => ({ ...claim, spec: { ...(claim['spec'] as object), dataSourceRef: unknown } })],
  ])('gets nothing where %s, and is not told what is there', async (_, change) => {
    const here = await scene();
    const { cluster, one } = here;
    const claim = cluster.seed(claims, await change(claimOf('data'), here));
    const { name } = (claim['spec'] as { dataSourceRef: { name: string } }).dataSourceRef;
    const text = `no Restore has made this claim of the snapshot "${name}" of the namespace "shop", or that is gone`;
    await whileRunning(one.engine, async () => {
      await vi.waitFor(() => {
        const events = cluster.names('events', 'copy').map((event) => cluster.read('events', 'copy', event));
        expect(events).toMatchObject([{ reason: 'SnapshotElsewhere', message: text }]);
      });
    });
    expect(cluster.names(claims, 'copy')).toEqual(['data']);
    nothingLeft(cluster);
  });
});

const unknown = { apiGroup: 'backup.kylon.io', kind: 'Snapshot', name: 'unknown' };

async function given(claim: ClusterObject, { one }: Scene): Promise<ClusterObject> {
  const snapshot = await one.get(snapshots, 'shop', 's');
  return one.parts.proofs.give(claim, snapshot?.metadata.uid ?? '', forever);
}

const renamed = ({ metadata, ...claim }: ClusterObject, name: string) => ({ ...claim, metadata: { ...metadata, name } });
