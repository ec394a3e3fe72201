/** Snapshots of real volumes by CSI: taken, restored, deleted, adopted, and what becomes of them when things go wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { complete, ended, gone, namespace, path, restoreOfSnapshot, restores, snapshot, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { claim, snapshotClass, Storage, volumeSnapshotContents, volumeSnapshots, withSnapshots, writer } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const storage = suite('snapshots of volumes', cluster);

describe(storage.title, storage.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-snapshots';
  const [slow, failing, retaining, second] = ['kylon-slow', 'kylon-failing', 'kylon-retaining', 'kylon-second'] as const;
  const data = temporaryFolder();
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(
      ['create', '-f', '-'],
      [
        namespace(place),
        claim(place, 'data'),
        writer(place, 'writer', 'data'),
        snapshotClass(slow, { parameters: { delaySeconds: '6' } }),
        snapshotClass(failing, { parameters: { fail: 'true' } }),
        snapshotClass(retaining, { deletionPolicy: 'Retain' }),
      ],
    );
    await kubectl.run(['wait', '--for=condition=Ready', 'pod/writer', '-n', place, '--timeout=120s']);
    await write('hello');
    kylon = await Kylon.beside(kubeconfig, { data });
  });
  afterAll(async () => {
    await kubectl.try(['delete', snapshots, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['patch', 'pvc', 'going', '-n', place, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.run(['delete', 'volumesnapshotclass', slow, failing, retaining, second, '--ignore-not-found']);
    await kubectl.try(['delete', 'clusterrole', 'kylon-snapshots', '--ignore-not-found']);
  }

  const write = (text: string) => kubectl.run(['exec', 'writer', '-n', place, '--', 'sh', '-c', `echo ${text} > /data/greeting`]);
  const create = (object: object, as = kubectl) => as.run(['create', '-f', '-'], object);
  const take = async (name: string, spec: object = {}) => {
    await create(snapshot(place, name, 'data', spec));
    return complete(kubectl, snapshots, { namespace: place, name });
  };
  const failed = async (name: string, claimName: string, spec: object = {}) => {
    await create(snapshot(place, name, claimName, spec));
    const { status } = await ended(kubectl, snapshots, { namespace: place, name });
    expect(status).toMatchObject({ phase: 'Failed' });
    await eventually(async () => (await standIns(name)).length === 0);
    return String(status?.['failureReason']);
  };
  /** The VolumeSnapshots and contents that were made for a Snapshot. */
  const standIns = async (name: string): Promise<string[]> => {
    const { metadata } = await kubectl.get(snapshots, name, '-n', place);
    return standInsOf(metadata.uid ?? '');
  };
  const standInsOf = async (uid: string): Promise<string[]> => {
    const made = await kubectl.list(volumeSnapshots, '-A', '-l', `backup.kylon.io/snapshot-uid=${uid}`);
    const contents = await kubectl.list(volumeSnapshotContents);
    const isOf = ({ spec }: KubeObject) => (spec?.['volumeSnapshotRef'] as { name: string } | undefined)?.name === `kylon-${uid}`;
    return [...made, ...contents.filter(isOf)].map(({ kind }) => kind);
  };
  const remove = (name: string) => kubectl.run(['delete', snapshots, name, '-n', place, '--timeout=60s']);

  it('are taken, and restored to a new claim with what was in the volume then', async () => {
    const { status } = await take('first');
    expect(status).toMatchObject({
      phase: 'Completed',
      readyToUse: true,
      restoreSize: '1Gi',
      volumeSnapshotClassName: 'directory',
      claim: { name: 'data', storageClassName: 'directory', accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', capacity: '1Gi' },
    });
    expect(volumes.snapshots()).toContain(status?.['handle']);
    await write('changed');
    await create(restoreOfSnapshot(place, 'copy', 'first', { name: 'copy', size: '2Gi' }));
    const { status: done } = await complete(kubectl, restores, { namespace: place, name: 'copy' });
    expect(done).toMatchObject({ phase: 'Completed', counts: { created: 1, failed: 0 } });
    expect(await volumes.read(place, 'copy', 'greeting')).toBe('hello\n');
    expect(await volumes.read(place, 'data', 'greeting')).toBe('changed\n');
    expect((await kubectl.get('pvc', 'copy', '-n', place)).status).toMatchObject({ phase: 'Bound', capacity: { storage: '2Gi' } });
  });

  it('are taken of block volumes too', async () => {
    await create(claim(place, 'block', { volumeMode: 'Block', resources: { requests: { storage: '1Mi' } } }));
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc/block', '-n', place, '--timeout=60s']);
    await volumes.writeBlock(place, 'block', 'raw');
    await create(snapshot(place, 'of-block', 'block'));
    await complete(kubectl, snapshots, { namespace: place, name: 'of-block' });
    await create(restoreOfSnapshot(place, 'block-copy', 'of-block', { name: 'block-copy' }));
    await complete(kubectl, restores, { namespace: place, name: 'block-copy' });
    expect((await kubectl.get('pvc', 'block-copy', '-n', place)).spec).toMatchObject({ volumeMode: 'Block' });
    expect(await volumes.readBlock(place, 'block-copy', 3)).toBe('raw');
    await remove('of-block');
  });

  it('show themselves in a table, and tell of their work by Events', async () => {
    const [header = '', row = ''] = (await kubectl.run(['get', 'ksnap', 'first', '-n', place])).split('\n');
    expect(header.split(/\s+/)).toEqual(['NAME', 'CLAIM', 'PHASE', 'READY', 'SIZE', 'EXPIRES', 'AGE']);
    expect(row.split(/\s+/).slice(0, 5)).toEqual(['first', 'data', 'Completed', 'true', '1Gi']);
    const events = await kubectl.list('events', '-n', place, '--field-selector=involvedObject.kind=Snapshot,involvedObject.name=first');
    expect(events.map(({ reason }) => String(reason)).toSorted((a, b) => a.localeCompare(b))).toEqual(['Completed', 'Started']);
  });

  it('are restored by their subresource, which refuses a claim that is there, or one that is too small', async () => {
    const post = (body: string) => kubectl.run(['create', '--raw', path(place, 'snapshots/first/restore'), '-f', '-'], body);
    const reasonOf = async (body: string) => {
      const { metadata } = JSON.parse(await post(body)) as { metadata: { name: string } };
      const { status } = await ended(kubectl, restores, { namespace: place, name: metadata.name });
      return status?.['failureReason'];
    };
    expect(await reasonOf('')).toBe(
      'ClaimExists: the claim "data" exists already: name another one in spec.claim.name, or set spec.existingResourcePolicy to Update',
    );
    expect(await reasonOf('{"spec":{"claim":{"name":"small","size":"1Mi"}}}')).toBe(
      'ClaimTooSmall: spec.claim.size is 1Mi, less than status.restoreSize of the snapshot, 1Gi',
    );
    expect(await reasonOf('{"spec":{"claim":{"name":"other","storageClassName":"nowhere"}}}')).toBe(
      'StorageClassNotFound: storageclasses.storage.k8s.io "nowhere" not found',
    );
    expect(await reasonOf('{"spec":{"claim":{"name":"proved","verify":true}}}')).toBe(
      'VerifyNotStored: spec.claim.verify: the snapshot "first" lies with its driver, and only what lies in the object store can be compared',
    );
    expect(await reasonOf('{"spec":{"dryRun":true,"claim":{"name":"tried"}}}')).toBeUndefined();
    expect((await kubectl.try(['get', 'pvc', 'small', 'other', 'proved', 'tried', '-n', place])).stdout).toBe('');
  });

  it('are taken with the rights of who asks, and fail in the words of the server without', async () => {
    const carol = kubectl.as('carol');
    await kubectl.run(['create', 'rolebinding', 'carol-edit', '--clusterrole=edit', '--user=carol', '-n', place]);
    const resource = 'snapshots.backup.kylon.io,restores.backup.kylon.io';
    await kubectl.run(['create', 'clusterrole', 'kylon-snapshots', '--verb=create,get', `--resource=${resource}`]);
    await kubectl.run(['create', 'rolebinding', 'carol-kylon', '--clusterrole=kylon-snapshots', '--user=carol', '-n', place]);
    await eventually(async () => (await carol.try(['auth', 'can-i', 'create', snapshots, '-n', place])).code === 0);
    await create(snapshot(place, 'refused', 'data'), carol);
    const { status } = await ended(kubectl, snapshots, { namespace: place, name: 'refused' });
    expect(status).toMatchObject({ phase: 'Failed', createdBy: { username: 'carol' } });
    expect(status?.['failureReason']).toMatch(
      /^Forbidden: volumesnapshots\.snapshot\.storage\.k8s\.io is forbidden: User "carol" cannot create resource "volumesnapshots"/,
    );
    await kubectl.run(['create', 'role', 'snapshotter', '--verb=create', `--resource=${volumeSnapshots}`, '-n', place]);
    await kubectl.run(['create', 'rolebinding', 'carol-snapshots', '--role=snapshotter', '--user=carol', '-n', place]);
    await eventually(async () => (await carol.try(['auth', 'can-i', 'create', volumeSnapshots, '-n', place])).code === 0);
    await create(snapshot(place, 'allowed', 'data'), carol);
    await complete(kubectl, snapshots, { namespace: place, name: 'allowed' });
    await remove('allowed');
  });

  it('fail with what the driver says when their time is over, and leave nothing behind', async () => {
    const before = volumes.snapshots();
    const reason = await failed('fails', 'data', { volumeSnapshotClassName: failing, timeout: '8s' });
    expect(reason).toMatch(
      /^Timeout: the VolumeSnapshot "kylon-[-0-9a-f]+" is not ready to use after 8 s; its driver says: .*the snapshot fails, as its class asks/,
    );
    const events = await kubectl.list('events', '-n', place, '--field-selector=involvedObject.kind=Snapshot,involvedObject.name=fails');
    expect(events.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['DriverError', 'Failed']));
    expect(volumes.snapshots()).toEqual(before);
  });

  it('say which class is missing, or not clear', async () => {
    for (const moveData of [false, true])
      expect(await failed(`no-class-${moveData}`, 'data', { volumeSnapshotClassName: 'nowhere', moveData })).toBe(
        'SnapshotClassNotFound: spec.volumeSnapshotClassName names the VolumeSnapshotClass "nowhere", which is not there',
      );
    const annotations = { 'snapshot.storage.kubernetes.io/is-default-class': 'true' };
    await create(snapshotClass(second, { metadata: { name: second, annotations } }));
    expect(await failed('two-defaults', 'data')).toMatch(/^SnapshotClassAmbiguous: the VolumeSnapshotClasses "directory", "kylon-second"/);
    await kubectl.run(['label', 'volumesnapshotclass', second, 'velero.io/csi-volumesnapshot-class=true']);
    expect((await take('labelled')).status).toMatchObject({ volumeSnapshotClassName: second });
    await remove('labelled');
    await kubectl.run(['annotate', 'pvc', 'data', '-n', place, 'velero.io/csi-volumesnapshot-class=directory']);
    expect((await take('annotated')).status).toMatchObject({ volumeSnapshotClassName: 'directory' });
    await kubectl.run(['annotate', 'pvc', 'data', '-n', place, 'velero.io/csi-volumesnapshot-class-']);
    await remove('annotated');
    await kubectl.run(['delete', 'volumesnapshotclass', second]);
  });

  it('say what is wrong with the claim', async () => {
    const going = { ...claim(place, 'going'), metadata: { name: 'going', namespace: place, finalizers: ['example.test/holds'] } };
    await create([claim(place, 'pending', { storageClassName: 'nowhere' }), going]);
    await kubectl.run(['delete', 'pvc', 'going', '-n', place, '--wait=false']);
    expect(await failed('of-pending', 'pending')).toBe('ClaimPending: the claim "pending" is Pending: it has no volume yet');
    expect(await failed('of-going', 'going')).toBe('ClaimBeingDeleted: the claim "going" is being deleted');
    expect(await failed('of-nothing', 'absent')).toBe('ClaimNotFound: persistentvolumeclaims "absent" not found');
    await kubectl.run(['patch', 'pvc', 'going', '-n', place, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
  });

  it('go on after Kylon was killed in the middle, with one VolumeSnapshot and no more', async () => {
    await create(snapshot(place, 'interrupted', 'data', { volumeSnapshotClassName: slow }));
    await eventually(async () => (await standIns('interrupted')).length > 0);
    await kylon.discard();
    kylon = await Kylon.beside(kubeconfig, { data });
    const { status, metadata } = await complete(kubectl, snapshots, { namespace: place, name: 'interrupted' });
    expect(await standInsOf(metadata.uid ?? '')).toEqual(['VolumeSnapshot', 'VolumeSnapshotContent']);
    expect(volumes.snapshots()).toContain(status?.['handle']);
    await remove('interrupted');
    expect(volumes.snapshots()).not.toContain(status?.['handle']);
  });

  it('that are deleted in the middle leave nothing behind', async () => {
    const before = volumes.snapshots();
    await create(snapshot(place, 'given-up', 'data', { volumeSnapshotClassName: slow }));
    await eventually(async () => (await standIns('given-up')).length > 0);
    const { metadata } = await kubectl.get(snapshots, 'given-up', '-n', place);
    await remove('given-up');
    expect(await standInsOf(metadata.uid ?? '')).toEqual([]);
    await eventually(() => Promise.resolve(volumes.snapshots().length === before.length));
  });

  it('go with what was taken, unless their class retains it', async () => {
    const { status } = await take('doomed');
    await remove('doomed');
    expect(volumes.snapshots()).not.toContain(status?.['handle']);
    const kept = await take('kept', { volumeSnapshotClassName: retaining });
    await remove('kept');
    expect(volumes.snapshots()).toContain(kept.status?.['handle']);
    const content = String(kept.status?.['volumeSnapshotContentName']);
    expect((await kubectl.get(volumeSnapshotContents, content)).spec).toMatchObject({ deletionPolicy: 'Retain' });
    const heal = ['patch', volumeSnapshotContents, content, '--type=merge', '-p', '{"spec":{"deletionPolicy":"Delete"}}'];
    await kubectl.run(heal);
    await kubectl.run(['delete', volumeSnapshotContents, content]);
  });

  it('expire', async () => {
    const { status } = await take('short', { ttl: '3s' });
    await gone(kubectl, snapshots, 'short', '-n', place);
    expect(volumes.snapshots()).not.toContain(status?.['handle']);
  });

  it('adopt a VolumeSnapshot, and leave it where it is', async () => {
    await create({
      apiVersion: 'snapshot.storage.k8s.io/v1',
      kind: 'VolumeSnapshot',
      metadata: { name: 'theirs', namespace: place },
      spec: { source: { persistentVolumeClaimName: 'data' } },
    });
    await create(snapshot(place, 'adopted', '', { source: { volumeSnapshotName: 'theirs' } }));
    const { status } = await complete(kubectl, snapshots, { namespace: place, name: 'adopted' });
    expect(status).toMatchObject({ volumeSnapshotName: 'theirs', claim: { name: 'data' }, restoreSize: '1Gi' });
    await create(restoreOfSnapshot(place, 'from-adopted', 'adopted', { name: 'from-adopted' }));
    await complete(kubectl, restores, { namespace: place, name: 'from-adopted' });
    expect(await volumes.read(place, 'from-adopted', 'greeting')).toBe('changed\n');
    await remove('adopted');
    expect((await kubectl.get(volumeSnapshots, 'theirs', '-n', place)).status).toMatchObject({ readyToUse: true });
    await kubectl.run(['delete', volumeSnapshots, 'theirs', '-n', place]);
  });

  it('outlive their namespace, are restored in it again, and go for good when they are deleted', async () => {
    const { handle } = (await kubectl.get(snapshots, 'first', '-n', place)).status as { handle: string };
    await kubectl.run(['annotate', snapshots, 'refused', '-n', place, 'backup.kylon.io/outlives-namespace=false']);
    for (const round of ['once', 'twice']) {
      await kubectl.run(['delete', 'namespace', place]);
      expect((await kubectl.try(['get', snapshots, '-n', place, '-o', 'name'])).stdout).not.toContain('/refused');
      expect(await kubectl.list(volumeSnapshots, '-n', place)).toEqual([]);
      await create(namespace(place));
      await create(restoreOfSnapshot(place, round, 'first'));
      await complete(kubectl, restores, { namespace: place, name: round });
      expect(await volumes.read(place, 'data', 'greeting'), round).toBe('hello\n');
      expect(await standIns('first'), round).toEqual(['VolumeSnapshot', 'VolumeSnapshotContent']);
    }
    await kubectl.run(['delete', 'namespace', place]);
    await create(namespace(place));
    expect(volumes.snapshots()).toContain(handle);
    await remove('first');
    expect(volumes.snapshots()).not.toContain(handle);
  });
});
