/** Restores of a Snapshot of another namespace: a new claim, a claim that is there, and who may not. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { refOf } from '../../../src/engine/runs/run-status.ts';
import { readerOf } from '../../../src/engine/upkeep/readers.ts';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { restores } from '../../../src/resources/restore.ts';
import type { RestoreSpec } from '../../../src/resources/restore.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { claims, replacementScene, volumes } from '../replacement/scene.ts';
import { forever, killedAt, whileRunning } from '../workbench.ts';
import { contents, volumeSnapshots } from './snapshot-kinds.ts';

const spec: RestoreSpec = { snapshotName: 's', snapshotNamespace: 'shop', claim: { storageClassName: 'fast' } };

let stop = () => {};
afterEach(() => stop());

/** With controllers that are at work. */
async function scene() {
  const made = await replacementScene();
  const { cluster, one } = made;
  cluster.seed('namespaces', { metadata: { name: 'copy' } });
  const timer = setInterval(() => {
    made.settle();
    made.makeReady();
  }, 1);
  stop = () => clearInterval(timer);
  const create = (more: Partial<RestoreSpec> = {}) => one.create(restores, 'copy', 'r', { ...spec, ...more });
  const nothingLeft = () =>
    vi.waitFor(() => {
      expect(cluster.names(claims, 'copy').filter((name) => name.startsWith('kylon-'))).toEqual([]);
      expect(cluster.names(volumeSnapshots, 'copy')).toEqual([]);
      expect(cluster.names(contents)).toEqual(['content']);
    }, 5_000);
  /** A claim that is there, with its volume. */
  const seedClaim = () => {
    const { uid } = cluster.seed(claims, {
      metadata: { name: 'data', namespace: 'copy' },
      spec: { volumeName: 'old', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'fast' },
      status: { phase: 'Bound', capacity: { storage: '1Gi' } },
    }).metadata;
    const claimRef = { name: 'data', namespace: 'copy', uid };
    cluster.seed(volumes, { metadata: { name: 'old' }, spec: { persistentVolumeReclaimPolicy: 'Delete', claimRef } });
  };
  const ended = () => whileRunning(made.one.engine, () => one.ended(restores, 'copy', 'r'));
  return { ...made, create, nothingLeft, seedClaim, ended };
}

describe('a Restore of a Snapshot of another namespace', () => {
  it('makes a claim of it, as its creator', async () => {
    const { cluster, create, ended, nothingLeft, one } = await scene();
    const seen: string[] = [];
    cluster.check = ({ user, verb, resource, namespace, name }) =>
      void (verb === 'create' && seen.push(`${user} ${resource} ${namespace}/${name}`));
    await create();
    await whileRunning(one.engine, async () => {
      const { status } = await one.ended(restores, 'copy', 'r');
      expect(status).toMatchObject({ phase: 'Completed', counts: { created: 1, failed: 0 } });
      expect(cluster.read(claims, 'copy', 'data')).toMatchObject({ status: { phase: 'Bound' } });
      await nothingLeft();
    });
    expect(seen).toContain('alice persistentvolumeclaims copy/data');
    expect((await ended()).status).toMatchObject({ phase: 'Completed' });
  });

  it.each(Array.from({ length: 20 }, (_, index) => index))('makes one, though the process ended at its request %i', async (at) => {
    const { cluster, create, nothingLeft, one, two } = await scene();
    await create();
    await killedAt(at, cluster, one.engine, () => one.ended(restores, 'copy', 'r'));
    await whileRunning(two.engine, async () => {
      expect((await two.ended(restores, 'copy', 'r')).status).toMatchObject({ phase: 'Completed', counts: { created: 1, failed: 0 } });
      await nothingLeft();
    });
  });

  it.each(Array.from({ length: 45 }, (_, index) => index))(
    'gives a claim that is there its volume, though the process ended at its request %i',
    async (at) => {
      const { cluster, create, nothingLeft, seedClaim, one, two } = await scene();
      seedClaim();
      await create({ existingResourcePolicy: 'Update' });
      await killedAt(at, cluster, one.engine, () => one.ended(restores, 'copy', 'r'));
      const { status } = await whileRunning(two.engine, () => two.ended(restores, 'copy', 'r'));
      expect(status).toMatchObject({ phase: 'Completed', counts: { updated: 1, failed: 0 } });
      expect(cluster.read(claims, 'copy', 'data')?.['spec']).toMatchObject({ volumeName: expect.stringMatching(/^pv-/) });
      await nothingLeft();
    },
  );

  it.each(Array.from({ length: 30 }, (_, index) => index))('leaves nothing behind when it is deleted at request %i', async (at) => {
    const { cluster, create, nothingLeft, seedClaim, one } = await scene();
    seedClaim();
    const { metadata } = await create({ existingResourcePolicy: 'Update' });
    let count = 0;
    cluster.check = () => {
      if (count++ === at) void one.parts.objects.delete(restores, refOf({ apiVersion: '', kind: '', metadata }), forever);
    };
    await whileRunning(one.engine, async () => {
      await vi.waitFor(async () => expect(count > at && (await one.get(restores, 'copy', 'r'))).toBeUndefined(), 10_000);
      await nothingLeft();
      expect(cluster.read(claims, 'copy', 'data')).toMatchObject({ status: { phase: 'Bound' } });
    });
  });

  it('is refused to whoever may not restore it there any more', async () => {
    const { cluster, create, ended, one } = await scene();
    await create();
    one.denied.add('snapshots/restore shop');
    expect((await ended()).status).toMatchObject({
      phase: 'Failed',
      failureReason: expect.stringMatching(/^Forbidden: .*cannot create resource "snapshots\/restore".* in the namespace "shop"/),
    });
    expect(cluster.names(claims, 'copy')).toEqual([]);
  });

  it('keeps the Snapshot until it has ended', async () => {
    const { create, one } = await scene();
    const snapshot = (await one.get(snapshots, 'shop', 's'))!;
    const restore = await create();
    expect(await readerOf(one.parts, snapshot, forever)).toBeUndefined();
    const begun = (object: KubeObject) => ({ ...object, status: { ...(object.status as object), phase: 'InProgress' } });
    await one.parts.objects.update(restores, refOf(restore), 'status', begun, forever);
    expect(await readerOf(one.parts, snapshot, forever)).toBe('copy/r');
  });
});
