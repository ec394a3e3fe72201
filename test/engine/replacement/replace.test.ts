/** What becomes of a claim, its volumes and its workloads wherever the replacement of its volume is interrupted, fails or is given up. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import { refOf } from '../../../src/engine/runs/run-status.ts';
import { restores } from '../../../src/resources/restore.ts';
import type { Restore } from '../../../src/resources/restore.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { forever, whileRunning } from '../workbench.ts';
import { claims, deployments, isWrite, replacementScene, volumes } from './scene.ts';

const spec = { snapshotName: 's', existingResourcePolicy: 'Update' } as const;

let stop = () => {};
afterEach(() => stop());

/** With controllers that are at work. */
async function scene() {
  const made = await replacementScene();
  const timer = setInterval(made.settle, 1);
  stop = () => clearInterval(timer);
  const { cluster } = made;
  const read = (key: string, name: string) => cluster.read(key, key === volumes ? '' : 'shop', name);
  /** Nothing but what was there before, or would be after. */
  const clean = (volumeName: unknown) =>
    vi.waitFor(() => {
      expect(cluster.names(claims, 'shop')).toEqual(['data']);
      expect(cluster.names(volumes)).toEqual([volumeName]);
      expect(read(claims, 'data')).toMatchObject({
        metadata: { labels: { app: 'shop' } },
        spec: { volumeName },
        status: { phase: 'Bound' },
      });
      const volume = read(volumes, String(volumeName));
      expect(volume?.metadata['annotations'] ?? {}).toEqual({});
      expect(volume?.['spec']).toMatchObject({
        persistentVolumeReclaimPolicy: 'Delete',
        claimRef: { uid: read(claims, 'data')?.metadata.uid },
      });
      const web = read(deployments, 'web');
      expect(web?.metadata['annotations'] ?? {}).toEqual({});
      expect(web?.['spec']).toMatchObject({ replicas: 2 });
    });
  const create = () => made.one.create(restores, 'shop', 'r', spec);
  const newVolume = async () => ((await made.one.get(restores, 'shop', 'r')) as Restore).status.replacement?.volumeName;
  /** Refuses one write, the one with this number. */
  const failAt = (number: number) => {
    let count = 0;
    cluster.check = (request) => {
      if (isWrite(request) && count++ === number) throw new ClusterError(403, 'Forbidden', 'not this time');
    };
  };
  return { ...made, read, clean, create, newVolume, failAt };
}

/** As many as Kylon sends for one replacement, and some more. */
const requests = Array.from({ length: 45 }, (_, index) => index);

const steps = ({ status }: Restore) => status.steps?.map(({ name, phase }) => `${name} ${phase}`);

describe('the volume of a claim', () => {
  it('is replaced, while who uses it is away', async () => {
    const { cluster, one, create, clean, newVolume, read } = await scene();
    const seen: string[] = [];
    cluster.check = (request) =>
      void (isWrite(request) && seen.push(`${request.user} ${request.verb} ${request.resource} ${request.name}`));
    const { metadata } = await create();
    const ended = (await whileRunning(one.engine, () => one.ended(restores, 'shop', 'r'))) as Restore;
    expect(ended.status).toMatchObject({ phase: 'Completed', counts: { updated: 1 } });
    expect(steps(ended)).toEqual(['MakeVolume Completed', 'ScaleDown Completed', 'ReplaceVolume Completed', 'ScaleUp Completed']);
    expect(read(claims, 'data')?.metadata['annotations']).toMatchObject({ 'backup.kylon.io/restore-uid': metadata.uid });
    const through = `kylon-${metadata.uid}`;
    const made = await newVolume();
    await clean(made);
    expect(seen).toEqual([
      // Tried, as dry runs.
      'alice patch deployments.apps web',
      'alice delete persistentvolumeclaims data',
      `alice create persistentvolumeclaims ${through}`,
      `alice create persistentvolumeclaims ${through}`,
      'alice patch deployments.apps web',
      'kylon patch persistentvolumes pv',
      'alice delete persistentvolumeclaims data',
      'alice create persistentvolumeclaims data',
      `kylon patch persistentvolumes ${made}`,
      'alice patch deployments.apps web',
      'kylon patch persistentvolumes pv',
      `kylon delete persistentvolumeclaims ${through}`,
    ]);
  });

  const former = { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } };
  it.each([
    [undefined, former],
    [{ accessModes: ['ReadWriteMany'] }, { ...former, accessModes: ['ReadWriteMany'] }],
    [
      { size: '2Gi', storageClassName: 'large' },
      { ...former, storageClassName: 'large', resources: { requests: { storage: '2Gi' } } },
    ],
  ])('is replaced by one as the Restore asks for it, and else by one as it was: %j', async (claim, expected) => {
    const { cluster, one, read } = await scene();
    cluster.seed('storageclasses.storage.k8s.io', { metadata: { name: 'large' }, provisioner: 'disk' });
    await one.create(restores, 'shop', 'r', { ...spec, ...(claim && { claim }) });
    const { status } = await whileRunning(one.engine, () => one.ended(restores, 'shop', 'r'));
    expect(status).toMatchObject({ phase: 'Completed', counts: { updated: 1 } });
    expect(read(claims, 'data')?.['spec']).toMatchObject(expected);
  });

  it.each(requests)('is replaced once, though the process ended at its request %i', async (at) => {
    const { cluster, one, two, create, clean, newVolume } = await scene();
    await create();
    const killed = new AbortController();
    let count = 0;
    cluster.check = () => {
      if (count++ >= at) killed.abort(new Error('killed'));
      killed.signal.throwIfAborted();
    };
    const running = one.engine.run(killed.signal);
    await Promise.race([running, one.ended(restores, 'shop', 'r').then(() => killed.abort(new Error('over')))]);
    await running;
    cluster.check = () => {};
    const ended = await whileRunning(two.engine, () => two.ended(restores, 'shop', 'r'));
    expect(ended.status).toMatchObject({ phase: 'Completed' });
    await clean(await newVolume());
  });

  it.each(requests)('is whole again when the Restore is deleted at its request %i', async (at) => {
    const { cluster, one, create, clean, read } = await scene();
    const { metadata } = await create();
    const target = { namespace: 'shop', name: 'r', uid: metadata.uid ?? '' };
    let count = 0;
    cluster.check = async () => {
      if (count++ === at) await one.parts.objects.delete(restores, target, forever);
    };
    await whileRunning(one.engine, async () => {
      await vi.waitFor(async () => {
        const left = await one.get(restores, 'shop', 'r');
        if (left?.status && (left as Restore).status.phase === 'Completed') await one.parts.objects.delete(restores, target, forever);
        else expect(left).toBeUndefined();
      }, 10_000);
    });
    await clean((read(claims, 'data')!['spec'] as { volumeName: string }).volumeName);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])('is as it was before when its write %i fails', async (at) => {
    const { one, create, clean, claimUid, read, failAt } = await scene();
    failAt(at);
    await create();
    const ended = (await whileRunning(one.engine, () => one.ended(restores, 'shop', 'r'))) as Restore;
    const { phase, failureReason } = ended.status;
    expect(phase).toBe('Failed');
    expect(failureReason).toMatch(at < 4 ? /^Forbidden: not this time$/ : /^Forbidden: not this time; all is as it was before$/);
    await clean('pv');
    expect(read(claims, 'data')?.metadata.uid === claimUid).toBe(at < 7);
  });

  it.each([9, 10, 11])('is the new one all the same when write %i fails', async (at) => {
    const { one, create, clean, newVolume, failAt } = await scene();
    failAt(at);
    await create();
    const { status } = (await whileRunning(one.engine, () => one.ended(restores, 'shop', 'r'))) as Restore;
    expect(status.failureReason).toBe('Forbidden: not this time; the claim has its new volume all the same');
    await clean(await newVolume());
  });

  it('comes to its end though the Snapshot is deleted meanwhile, which goes then', async () => {
    const { cluster, one, create, clean, newVolume } = await scene();
    const snapshot = (await one.get(snapshots, 'shop', 's'))!;
    let isDeleting: Promise<void> | undefined;
    cluster.check = ({ verb, resource }) => {
      if (verb !== 'create' || resource !== claims) return undefined;
      return (isDeleting ??= one.parts.objects.delete(snapshots, refOf(snapshot), forever));
    };
    await create();
    await whileRunning(one.engine, async () => {
      expect((await one.ended(restores, 'shop', 'r')).status).toMatchObject({ phase: 'Completed' });
      await clean(await newVolume());
      await vi.waitFor(async () => expect(await one.get(snapshots, 'shop', 's')).toBeUndefined(), 10_000);
    });
    expect(isDeleting).toBeDefined();
  });

  it('is kept and named where it cannot be given back', async () => {
    const { cluster, one, create, read } = await scene();
    cluster.check = ({ verb, resource, name }) => {
      if (verb === 'create' && resource === claims && name === 'data') throw new ClusterError(403, 'Forbidden', 'no more');
    };
    await create();
    const { status } = (await whileRunning(one.engine, () => one.ended(restores, 'shop', 'r'))) as Restore;
    expect(status.failureReason).toMatch(
      /^Forbidden: no more; it could not be undone: no more; the volume "pv" is not deleted, and was scaled down: Deployment "web" \(2\)/,
    );
    expect(read(volumes, 'pv')?.['spec']).toMatchObject({ persistentVolumeReclaimPolicy: 'Retain' });
    expect(read(deployments, 'web')?.metadata['annotations']).toMatchObject({ 'backup.kylon.io/replicas': '2' });
  });
});

describe('a claim', () => {
  it('that somebody else has marked is not taken for one that the Restore has made', async () => {
    const { cluster, one } = await scene();
    const restore = await one.create(restores, 'shop', 'r', { snapshotName: 's', claim: { name: 'copy' } });
    const annotations = { 'backup.kylon.io/restore-uid': restore.metadata.uid };
    const theirs = cluster.seed(claims, { metadata: { name: 'copy', namespace: 'shop', annotations }, spec: { volumeName: 'their-pv' } });
    const { status } = await whileRunning(one.engine, () => one.ended(restores, 'shop', 'r'));
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^ClaimExists: .*"copy"/) });
    expect(cluster.read(claims, 'shop', 'copy')).toMatchObject({
      metadata: { uid: theirs.metadata.uid },
      spec: { volumeName: 'their-pv' },
    });
  });

  const owner = (kind: string, name: string, uid: string, apiVersion = 'apps/v1') => [{ apiVersion, kind, name, uid, controller: true }];
  const pod = (more: object) => ({
    metadata: { name: 'p', namespace: 'shop', ...more },
    spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] },
  });

  it.each([
    ['a Pod of nobody', {}, 'the Pod "p" uses it, which no workload owns: delete it first'],
    [
      'a Job',
      { ownerReferences: owner('Job', 'j', 'u', 'batch/v1') },
      'the Pod "p" uses it, which is of the Job "j": only Deployments, ReplicaSets and StatefulSets are scaled',
    ],
    [
      'what an operator scales',
      { ownerReferences: owner('StatefulSet', 'db', 'db') },
      'the StatefulSet "db" uses it, which is of the Database "main": only Deployments, ReplicaSets and StatefulSets are scaled',
    ],
    [
      'a StatefulSet that would delete it',
      { ownerReferences: owner('StatefulSet', 'fleeting', 'fleeting') },
      'the StatefulSet "fleeting" deletes its claims when it is scaled down: spec.persistentVolumeClaimRetentionPolicy.whenScaled must be Retain',
    ],
    [
      'what another Restore has scaled down',
      { ownerReferences: owner('StatefulSet', 'away', 'away') },
      'the StatefulSet "away" is scaled down for another Restore: its annotation backup.kylon.io/restore-uid says which one',
    ],
  ])('is left alone where it is used by %s', async (_, more, message) => {
    const { cluster, one, create, clean } = await scene();
    const set = (name: string, metadata: object, spec: object) =>
      cluster.seed('statefulsets.apps', { metadata: { name, namespace: 'shop', uid: name, ...metadata }, spec });
    set('db', { ownerReferences: owner('Database', 'main', 'm', 'example.com/v1') }, {});
    set('fleeting', {}, { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete' } });
    set('away', { annotations: { 'backup.kylon.io/restore-uid': 'other' } }, {});
    cluster.seed('pods', pod(more));
    await create();
    const { status } = (await whileRunning(one.engine, () => one.ended(restores, 'shop', 'r'))) as Restore;
    expect(status.failureReason).toBe(`ClaimInUse: ${message}`);
    await clean('pv');
  });
});
