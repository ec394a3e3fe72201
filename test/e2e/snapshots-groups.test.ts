/** Volumes that a Backup takes at one moment, by the driver of the cluster: what comes of them, and of groups that are slow, fail or are given up. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { backup, backups, complete, ended, gone, namespace, path, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { bringBack } from './restoring.ts';
import {
  claim,
  groupSnapshotClass,
  Storage,
  storageClass,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotContents,
  volumeSnapshots,
  withSnapshots,
  writer,
} from './volumes.ts';

const cluster = withSnapshots(findCluster());
const storage = suite('groups of volumes', cluster);

describe(storage.title, storage.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-groups';
  const [slow, broken, retaining] = ['kylon-groups-slow', 'kylon-groups-broken', 'kylon-groups-retaining'] as const;
  const key = 'example.test/group';
  const data = temporaryFolder();
  const spec = { snapshotVolumes: true, volumeGroupSnapshotLabelKey: key, csiSnapshotTimeout: '12s' };
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(
      ['create', '-f', '-'],
      [
        storageClass(slow, { delaySeconds: '5' }),
        storageClass(broken, { fail: 'true' }),
        namespace(place),
        member('left', 'db'),
        member('right', 'db'),
        member('late', 'slow', slow),
        member('later', 'slow', slow),
        member('sound', 'broken'),
        member('broken', 'broken', broken),
        writer(place, 'on-left', 'left'),
        writer(place, 'on-right', 'right'),
      ],
    );
    await kubectl.run(['wait', '--for=condition=Ready', 'pod', '--all', '-n', place, '--timeout=120s']);
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc', '--all', '-n', place, '--timeout=60s']);
    await write('hello');
    kylon = await Kylon.beside(kubeconfig, { data });
  });
  afterAll(async () => {
    await kubectl.try(['delete', backups, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.run(['delete', 'storageclass', slow, broken, '--ignore-not-found']);
    await kubectl.run(['delete', 'volumegroupsnapshotclass', retaining, '--ignore-not-found']);
  }

  function member(name: string, group: string, storageClassName?: string) {
    const made = claim(place, name, storageClassName === undefined ? {} : { storageClassName });
    return { ...made, metadata: { ...made.metadata, labels: { [key]: group } } };
  }

  async function write(text: string): Promise<void> {
    for (const pod of ['on-left', 'on-right'])
      await kubectl.run(['exec', pod, '-n', place, '--', 'sh', '-c', `echo ${text} > /data/greeting`]);
  }

  const ofBackup = (uid: string) => kubectl.list(snapshots, '-n', place, '-l', `backup.kylon.io/backup-uid=${uid}`);
  const handlesOf = async (uid: string) => (await ofBackup(uid)).flatMap(({ status }) => status?.['handle'] ?? []);
  const refOf = (spec: Record<string, unknown> | undefined, field: string) => (spec?.[field] ?? {}) as { namespace?: string };
  /** All that stands in the cluster for volumes of the namespace, by kind. */
  const standIns = async (): Promise<Record<string, number>> => {
    const groupContents = await kubectl.list(volumeGroupSnapshotContents);
    const contents = await kubectl.list(volumeSnapshotContents);
    const found = [
      ...(await kubectl.list(volumeGroupSnapshots, '-n', place)),
      ...(await kubectl.list(volumeSnapshots, '-n', place)),
      ...groupContents.filter(({ spec }) => refOf(spec, 'volumeGroupSnapshotRef').namespace === place),
      ...contents.filter(({ spec }) => refOf(spec, 'volumeSnapshotRef').namespace === place),
    ];
    return Object.fromEntries(Object.entries(Object.groupBy(found, ({ kind }) => kind)).map(([kind, all = []]) => [kind, all.length]));
  };
  const ofGroup = (group: string) => ({ ...spec, labelSelector: { matchLabels: { [key]: group } } });
  const begun = () => eventually(async () => (await kubectl.list(volumeGroupSnapshots, '-n', place)).length > 0);

  it('are taken together; one that is slow is waited for, and one that fails fails each of its volumes', async () => {
    await kubectl.run(['create', '-f', '-'], backup(place, 'all', spec));
    const { status, metadata } = await ended(kubectl, backups, { namespace: place, name: 'all' });
    const log = await kubectl.run(['get', '--raw', path(place, 'backups/all/log')]);
    const volume = (name: string, volumeGroup: string, phase: string) => ({ claim: name, volumeGroup, phase });
    expect(status, log).toMatchObject({
      phase: 'PartiallyFailed',
      errors: 2,
      volumes: [
        volume('broken', 'broken', 'Failed'),
        volume('late', 'slow', 'Completed'),
        volume('later', 'slow', 'Completed'),
        volume('left', 'db', 'Completed'),
        volume('right', 'db', 'Completed'),
        volume('sound', 'broken', 'Failed'),
      ],
    });
    for (const name of ['broken', 'sound'])
      expect(log).toMatch(
        new RegExp(
          `ERROR the volume of the claim ${place}/${name} is not in the backup: Timeout: the VolumeGroupSnapshot .*the snapshot fails, as its class asks`,
        ),
      );
    const made = await ofBackup(metadata.uid ?? '');
    expect(made.map(({ status }) => status?.['claim'])).toMatchObject(['late', 'later', 'left', 'right'].map((name) => ({ name })));
    const [left = 0, right = 0] = made.slice(2).map(({ status }) => Date.parse(String(status?.['creationTime'])));
    expect(Math.abs(left - right)).toBeLessThanOrEqual(1_000);
    expect(volumes.snapshots()).toEqual(expect.arrayContaining(await handlesOf(metadata.uid ?? '')));
    await eventually(async () => (await standIns())['VolumeSnapshotContent'] === 4);
    expect(await standIns()).toEqual({ VolumeSnapshot: 4, VolumeSnapshotContent: 4, VolumeGroupSnapshotContent: 2 });
  });

  it('come back one by one, after their namespace too', async () => {
    await write('changed');
    for (const round of ['once', 'twice']) {
      await kubectl.run(['delete', 'namespace', place]);
      const { object, of } = await bringBack(kubectl, place, 'all', round, {});
      expect(object.status, round).toMatchObject({ counts: { failed: 0 } });
      for (const name of ['left', 'right', 'late']) expect(of('persistentvolumeclaims', name), round).toEqual({ outcome: 'created' });
      await kubectl.run(['wait', '--for=condition=Ready', 'pod', '--all', '-n', place, '--timeout=120s']);
      for (const name of ['left', 'right']) expect(await volumes.read(place, name, 'greeting'), round).toBe('hello\n');
    }
  });

  it('stay with the driver until the Backup is deleted, which takes all of it along', async () => {
    const { metadata } = await kubectl.get(backups, 'all', '-n', place);
    const handles = await handlesOf(metadata.uid ?? '');
    expect(handles).toHaveLength(4);
    const one = `late-${metadata.uid?.slice(0, 8)}`;
    await kubectl.run(['delete', snapshots, one, '-n', place, '--timeout=60s']);
    await gone(kubectl, snapshots, one, '-n', place);
    expect(volumes.snapshots()).toEqual(expect.arrayContaining(handles));
    await kubectl.run(['delete', backups, 'all', '-n', place, '--timeout=60s']);
    await gone(kubectl, backups, 'all', '-n', place);
    expect(volumes.snapshots().filter((handle) => handles.includes(handle))).toEqual([]);
    expect(await standIns()).toEqual({});
  });

  it('stay with the driver where their class retains them, and no more than the content of the group in the cluster', async () => {
    await kubectl.run(['create', '-f', '-'], groupSnapshotClass(retaining, { deletionPolicy: 'Retain' }));
    await kubectl.run(['create', '-f', '-'], backup(place, 'retained', ofGroup('db')));
    const { metadata } = await complete(kubectl, backups, { namespace: place, name: 'retained' });
    const handles = await handlesOf(metadata.uid ?? '');
    await kubectl.run(['delete', backups, 'retained', '-n', place, '--timeout=60s']);
    await gone(kubectl, backups, 'retained', '-n', place);
    await eventually(async () => (await standIns())['VolumeSnapshotContent'] === undefined);
    expect(await standIns()).toEqual({ VolumeGroupSnapshotContent: 1 });
    expect(volumes.snapshots().filter((handle) => handles.includes(handle))).toHaveLength(2);
    const kept = ['-l', `backup.kylon.io/backup-uid=${metadata.uid}`];
    await kubectl.run([
      'annotate',
      volumeGroupSnapshotContents,
      ...kept,
      'groupsnapshot.storage.kubernetes.io/volumegroupsnapshot-being-deleted=yes',
      '--overwrite',
    ]);
    const [content] = await kubectl.list(volumeGroupSnapshotContents, ...kept);
    await kubectl.run([
      'patch',
      volumeGroupSnapshotContents,
      content?.metadata.name ?? '',
      '--type=merge',
      '-p',
      '{"spec":{"deletionPolicy":"Delete"}}',
    ]);
    await kubectl.run(['delete', volumeGroupSnapshotContents, ...kept]);
    await kubectl.run(['delete', 'volumegroupsnapshotclass', retaining]);
    expect(volumes.snapshots().filter((handle) => handles.includes(handle))).toEqual([]);
  });

  it('are taken once, though Kylon was killed in the middle', async () => {
    await kubectl.run(['create', '-f', '-'], backup(place, 'interrupted', ofGroup('slow')));
    await begun();
    await kylon.discard();
    kylon = await Kylon.beside(kubeconfig, { data });
    const { metadata } = await complete(kubectl, backups, { namespace: place, name: 'interrupted' });
    await eventually(async () => (await standIns())['VolumeSnapshotContent'] === 2);
    expect(await standIns()).toEqual({ VolumeSnapshot: 2, VolumeSnapshotContent: 2, VolumeGroupSnapshotContent: 1 });
    const handles = await handlesOf(metadata.uid ?? '');
    await kubectl.run(['delete', backups, 'interrupted', '-n', place, '--timeout=60s']);
    await gone(kubectl, backups, 'interrupted', '-n', place);
    expect(volumes.snapshots().filter((handle) => handles.includes(handle))).toEqual([]);
    expect(await standIns()).toEqual({});
  });

  it.each([
    ['slow', 'deleted in the middle', ofGroup('slow')],
    ['slow', 'out of time', { ...ofGroup('slow'), csiSnapshotTimeout: '2s' }],
    ['broken', 'deleted in the middle', ofGroup('broken')],
  ])('leave nothing behind: %s, %s', async (group, end, given) => {
    const before = volumes.snapshots();
    const name = `${group}-${end.replaceAll(' ', '-')}`;
    await kubectl.run(['create', '-f', '-'], backup(place, name, given));
    if (end === 'deleted in the middle') {
      await begun();
      await kubectl.run(['delete', backups, name, '-n', place, '--timeout=60s']);
      await gone(kubectl, backups, name, '-n', place);
    } else {
      expect((await ended(kubectl, backups, { namespace: place, name })).status).toMatchObject({ phase: 'PartiallyFailed', errors: 2 });
    }
    await eventually(async () => Object.keys(await standIns()).length === 0);
    await eventually(() => Promise.resolve(volumes.snapshots().filter((handle) => !before.includes(handle)).length === 0));
  });
});
