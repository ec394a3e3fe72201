/** Which volumes a Backup takes where they are real: a rule for each condition, and annotations of claims and of Pods. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { backup, backups, complete, ended, namespace, path, snapshots } from './objects.ts';
import { eventually } from './process.ts';
import { bringBack } from './restoring.ts';
import { claim, Storage, storageClass, volumeSnapshots, withSnapshots, writer } from './volumes.ts';

const cluster = withSnapshots(findCluster());
const chosen = suite('the choice of volumes in backups', cluster);

describe(chosen.title, chosen.options, () => {
  const kubeconfig = kubeconfigOf(cluster);
  const kubectl = new Kubectl(kubeconfig);
  const volumes = new Storage(kubeconfig, kubectl);
  const place = 'kylon-choice';
  const [other, broken] = ['kylon-choice-other', 'kylon-choice-broken'];
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(
      ['create', '-f', '-'],
      [
        storageClass(other, {}),
        storageClass(broken, { fail: 'true' }),
        namespace(place),
        claim(place, 'plain'),
        claim(place, 'large', { resources: { requests: { storage: '3Gi' } } }),
        claim(place, 'classy', { storageClassName: other }),
        claim(place, 'shared', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }),
        claim(place, 'block', { volumeMode: 'Block' }),
        marked(claim(place, 'gold'), { labels: { tier: 'gold', app: 'db' } }),
        claim(place, 'broken', { storageClassName: broken }),
      ],
    );
    await kubectl.run(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc', '--all', '-n', place, '--timeout=120s']);
    kylon = await Kylon.beside(kubeconfig);
  });
  afterAll(async () => {
    await kubectl.try(['delete', backups, '--all', '-n', place]);
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, '--ignore-not-found']);
    await kubectl.run(['delete', 'storageclass', other, broken, '--ignore-not-found']);
  }

  const marked = (object: KubeObject, metadata: object): KubeObject => ({ ...object, metadata: { ...object.metadata, ...metadata } });
  const create = (...objects: readonly object[]) => kubectl.run(['create', '-f', '-'], objects);
  const onlyClaims = { includedResources: ['persistentvolumeclaims'] };

  interface Volume {
    readonly claim: string;
    readonly phase: string;
    readonly snapshotName?: string;
    readonly message?: string;
  }
  const volumesOf = ({ status }: KubeObject) => (status?.['volumes'] ?? []) as readonly Volume[];
  const namesOf = (object: KubeObject, phase: string) =>
    volumesOf(object)
      .filter((volume) => volume.phase === phase)
      .map(({ claim }) => claim);

  it.each([
    ['capacity', { capacity: '2Gi,' }, ['large']],
    ['storage-class', { storageClass: ['nobody', other] }, ['classy']],
    ['driver', { driver: ['directory.csi.example.test'], labels: { app: 'db' } }, ['gold']],
    ['other-driver', { driver: ['disk.csi.example.test'] }, []],
    ['labels', { labels: { tier: 'gold', app: 'db' } }, ['gold']],
    ['access-modes', { accessModes: ['ReadWriteMany'] }, ['shared']],
    ['volume-mode', { volumeMode: 'Block' }, ['block']],
  ])('is by a rule with the condition %s', async (name, conditions, taken) => {
    await create(backup(place, name, { ...onlyClaims, volumes: { rules: [{ conditions, action: 'CSI' }] } }));
    const done = await complete(kubectl, backups, { namespace: place, name });
    expect(done.status).toMatchObject({ phase: 'Completed' });
    expect(namesOf(done, 'Completed')).toEqual(taken);
    expect(volumesOf(done)).toHaveLength(7);
    expect(volumesOf(done).find(({ claim }) => claim === 'plain')).toEqual({
      namespace: place,
      claim: 'plain',
      phase: 'Skipped',
      message: 'skipped by spec.snapshotVolumes, as no rule fits',
    });
    const made = await kubectl.list(snapshots, '-n', place, '-l', `backup.kylon.io/backup-uid=${done.metadata.uid}`);
    expect(made.map(({ metadata }) => metadata.name)).toEqual(volumesOf(done).flatMap(({ snapshotName = [] }) => snapshotName));
  });

  it('leaves the rest to snapshotVolumes; one that fails is named', async () => {
    const rules = [{ conditions: { storageClass: [other] }, action: 'Skip' }];
    const spec = { ...onlyClaims, snapshotVolumes: true, csiSnapshotTimeout: '5s', volumes: { rules } };
    await create(backup(place, 'rest', spec));
    const done = await ended(kubectl, backups, { namespace: place, name: 'rest' });
    expect(done.status).toMatchObject({ phase: 'PartiallyFailed', errors: 1 });
    expect(namesOf(done, 'Completed')).toEqual(['block', 'gold', 'large', 'plain', 'shared']);
    expect(namesOf(done, 'Failed')).toEqual(['broken']);
    expect(namesOf(done, 'Skipped')).toEqual(['classy']);
    const log = await kubectl.run(['get', '--raw', path(place, 'backups/rest/log')]);
    expect(log).toContain('INFO the volume of the claim kylon-choice/classy: Skip, by spec.volumes.rules[0]');
    expect(log).toContain('INFO volumes: 5 taken, 1 failed, 1 skipped');
  });

  it('is refused where it means nothing, by the name of the field', async () => {
    const rules = [{ action: 'Skip' }, { conditions: { capacity: '2Gi,1Gi' }, action: 'CSI' }];
    const { stderr } = await kubectl.try(['create', '-f', '-'], backup(place, 'bad', { volumes: { rules } }));
    expect(stderr).toContain(
      'spec.volumes.rules[1].conditions.capacity: Invalid value: "2Gi,1Gi": the first quantity must not be greater than the second',
    );
  });

  it('is by annotations before rules, and a skipped one comes back empty', async () => {
    await kubectl.run(['annotate', 'pvc', 'gold', '-n', place, 'backup.kylon.io/volume=Skip']);
    await kubectl.run(['annotate', 'pvc', 'block', '-n', place, 'backup.kylon.io/volume=CSI']);
    await create(
      marked(writer(place, 'writer', 'plain'), { annotations: { 'backup.velero.io/backup-volumes': 'data' } }),
      marked(writer(place, 'leaver', 'large'), { annotations: { 'backup.kylon.io/backup-volumes-excludes': 'data' } }),
    );
    await kubectl.run(['wait', '--for=condition=Ready', 'pod', '--all', '-n', place, '--timeout=120s']);
    for (const pod of ['writer', 'leaver']) await kubectl.run(['exec', pod, '-n', place, '--', 'sh', '-c', 'echo hello > /data/greeting']);
    await volumes.writeBlock(place, 'block', 'as it was');
    const rules = [{ conditions: { capacity: '2Gi,' }, action: 'CSI' }, { action: 'Skip' }];
    await create(backup(place, 'annotated', { ...onlyClaims, volumes: { rules } }));
    const done = await complete(kubectl, backups, { namespace: place, name: 'annotated' });
    expect(namesOf(done, 'Completed')).toEqual(['block', 'plain']);
    const why = Object.fromEntries(volumesOf(done).map(({ claim, message }) => [claim, message]));
    expect(why).toMatchObject({
      gold: 'skipped by the annotation backup.kylon.io/volume of the claim',
      large: 'skipped by the annotation backup.kylon.io/backup-volumes-excludes of the Pod leaver',
      classy: 'skipped by spec.volumes.rules[1]',
    });

    await kubectl.run(['delete', 'pod', '--all', '-n', place]);
    await kubectl.run(['delete', 'pvc', 'plain', 'large', 'block', '-n', place]);
    const { of } = await bringBack(kubectl, place, 'annotated', 'undo', {});
    for (const name of ['plain', 'large', 'block']) expect(of('persistentvolumeclaims', name)).toEqual({ outcome: 'created' });
    await kubectl.run([
      'wait',
      '--for=jsonpath={.status.phase}=Bound',
      'pvc/plain',
      'pvc/large',
      'pvc/block',
      '-n',
      place,
      '--timeout=60s',
    ]);
    expect(await volumes.read(place, 'plain', 'greeting')).toBe('hello\n');
    expect(await volumes.readBlock(place, 'block', 9)).toBe('as it was');
    await expect(volumes.read(place, 'large', 'greeting')).rejects.toThrow('ENOENT');
  });

  it('asks Pods as the creator; where they may not be listed, that is an error', async () => {
    const erin = kubectl.as('erin');
    const give = async (verb: string, resources: string) => {
      await kubectl.run(['create', 'role', `to-${verb}`, `--verb=${verb}`, `--resource=${resources}`, '-n', place]);
      await kubectl.run(['create', 'rolebinding', `to-${verb}`, `--role=to-${verb}`, '--user=erin', '-n', place]);
      for (const resource of resources.split(','))
        await eventually(async () => (await erin.try(['auth', 'can-i', verb, resource, '-n', place])).code === 0, 10_000);
    };
    const spec = { ...onlyClaims, volumes: { rules: [{ conditions: { volumeMode: 'Block' }, action: 'CSI' }] } };
    await give('create', `${backups},${snapshots},${volumeSnapshots}`);
    await give('get', 'persistentvolumeclaims');
    await erin.run(['create', '-f', '-'], backup(place, 'blind', spec));
    const blind = await ended(kubectl, backups, { namespace: place, name: 'blind' });
    expect(blind.status).toMatchObject({ phase: 'PartiallyFailed', errors: 1 });
    expect(namesOf(blind, 'Completed')).toEqual(['block']);
    expect(await kubectl.run(['get', '--raw', path(place, 'backups/blind/log')])).toMatch(
      /ERROR what annotations of the Pods of kylon-choice say about volumes is not known: pods is forbidden: User "erin" cannot list resource "pods"/,
    );
    await give('list', 'pods');
    await erin.run(['create', '-f', '-'], backup(place, 'seeing', spec));
    expect((await complete(kubectl, backups, { namespace: place, name: 'seeing' })).status).toMatchObject({ phase: 'Completed' });
  });

  it('is nothing to annotations where the Backup takes no volumes', async () => {
    await create(backup(place, 'without', onlyClaims));
    const { status } = await complete(kubectl, backups, { namespace: place, name: 'without' });
    expect(status).toMatchObject({ phase: 'Completed' });
    expect(status).not.toHaveProperty('volumes');
  });
});
