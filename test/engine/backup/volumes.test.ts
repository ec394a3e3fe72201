/** Which volumes a Backup takes of a cluster, with whose rights it looks, and what its status says of those that it leaves. */
import { describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import { backups, mostVolumes } from '../../../src/resources/backup.ts';
import type { BackupSpec } from '../../../src/resources/backup.ts';
import { apiVersion } from '../../../src/resources/group.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { snapshotCluster } from '../snapshot/snapshot-cluster.ts';
import type { Request } from '../memory-cluster.ts';
import { impatientClock } from '../clocks.ts';
import { alice, createWorkbench, forever, logOf, resultsOf, whileRunning } from '../workbench.ts';

const everything: BackupSpec = { snapshotVolumes: true };
const onlyAnnotated: BackupSpec = { volumes: { rules: [{ action: 'Skip' }] } };

function scene(clock: Clock = impatientClock) {
  const { cluster, makeReady } = snapshotCluster();
  const bench = createWorkbench({ cluster, clock });
  const asked: Request[] = [];
  cluster.check = (request) => {
    asked.push(request);
    if (request.verb === 'create' && request.resource.startsWith('volumesnapshots')) setImmediate(makeReady);
  };
  const claim = (name: string, { spec = {}, ...metadata }: { spec?: object; annotations?: object; labels?: object } = {}) => {
    cluster.seed('persistentvolumes', {
      metadata: { name: `pv-${name}` },
      spec: { csi: { driver: 'disk' }, capacity: { storage: '1Gi' } },
    });
    cluster.seed('persistentvolumeclaims', {
      metadata: { name, namespace: 'shop', ...metadata },
      spec: { volumeName: `pv-${name}`, accessModes: ['ReadWriteOnce'], ...spec },
      status: { phase: 'Bound' },
    });
  };
  const pod = (name: string, annotations: object, volumes: object[]) =>
    cluster.seed('pods', { metadata: { name, namespace: 'shop', annotations }, spec: { volumes } });
  const backUp = (spec: BackupSpec) => whileRunning(bench.engine, () => bench.backUp('shop', 'b', spec));
  const volumesOf = async (spec: BackupSpec) => {
    const { status } = await backUp(spec);
    return Object.fromEntries((status.volumes ?? []).map(({ claim, phase, message }) => [claim, message ?? phase]));
  };
  const lists = (resource: string) => asked.filter((one) => one.verb === 'list' && one.resource === resource);
  return { ...bench, cluster, asked, claim, pod, backUp, volumesOf, lists };
}

const uses = (claimName: string, name = claimName) => ({ name, persistentVolumeClaim: { claimName } });

describe('the volumes of a Backup', () => {
  it('are Snapshots that say whose they are, and are taken by the class that the Backup names for a driver', async () => {
    const { backUp, cluster, ended, engine, parts } = scene();
    const classes = 'volumesnapshotclasses.snapshot.storage.k8s.io';
    cluster.seed(classes, { metadata: { name: 'special' }, driver: 'disk' });
    const metadata = { namespace: 'shop', name: 'named', annotations: { 'velero.io/csi-volumesnapshot-class_disk': 'special' } };
    await parts.objects.create(backups, { apiVersion, kind: 'Backup', metadata, spec: everything }, alice, { dryRun: false }, forever);
    await whileRunning(engine, () => ended(backups, 'shop', 'named'));
    await backUp(everything);
    const found = await parts.objects.list(snapshots, {}, forever);
    const told = found.map(({ status }) => status as { backup?: { name: string }; volumeSnapshotClassName?: string });
    expect(new Map(told.map(({ backup, volumeSnapshotClassName }) => [backup?.name, volumeSnapshotClassName]))).toEqual(
      new Map([
        ['named', 'special'],
        ['b', 'usual'],
      ]),
    );
  });

  it('are those that their claim, their Pods, the rules and snapshotVolumes ask for, in this order', async () => {
    const { claim, pod, volumesOf } = scene();
    claim('a', { annotations: { 'backup.kylon.io/volume': 'CSI' } });
    claim('b', { annotations: { 'backup.kylon.io/volume': 'Skip' }, labels: { keep: 'yes' } });
    claim('c');
    claim('d', { labels: { keep: 'yes' } });
    claim('e', { labels: { keep: 'yes' } });
    pod(
      'web',
      { 'backup.velero.io/backup-volumes': 'b,c', 'backup.kylon.io/backup-volumes-excludes': 'a,d' },
      ['a', 'b', 'c', 'd'].map((name) => uses(name)),
    );
    const rules = [{ conditions: { labels: { keep: 'yes' } }, action: 'CSI' as const }];
    expect(await volumesOf({ volumes: { rules } })).toEqual({
      a: 'Completed',
      b: 'skipped by the annotation backup.kylon.io/volume of the claim',
      c: 'Completed',
      d: 'skipped by the annotation backup.kylon.io/backup-volumes-excludes of the Pod web',
      data: 'skipped by spec.snapshotVolumes, as no rule fits',
      e: 'Completed',
    });
  });

  it('are none of claims that wait for theirs, which is a warning where they are asked for', async () => {
    const { claim, backUp } = scene();
    claim('pending', { spec: { volumeName: undefined } });
    claim('left', { spec: { volumeName: '' }, annotations: { 'backup.kylon.io/volume': 'Skip' } });
    expect((await backUp(everything)).status).toMatchObject({
      phase: 'Completed',
      warnings: 1,
      volumes: [
        { claim: 'data', phase: 'Completed' },
        { claim: 'left', phase: 'Skipped', message: 'skipped by the annotation backup.kylon.io/volume of the claim' },
        { claim: 'pending', phase: 'Skipped', message: 'skipped by the claim itself, which has no volume yet' },
      ],
    });
  });

  it('are none without rules and snapshotVolumes, whatever annotations say', async () => {
    const { claim, pod, backUp, lists, parts } = scene();
    claim('a', { annotations: { 'backup.kylon.io/volume': 'CSI' } });
    pod('web', { 'backup.kylon.io/backup-volumes': 'data' }, [uses('data')]);
    const { status } = await backUp({ includedResources: ['persistentvolumeclaims'] });
    expect(status).not.toHaveProperty('volumes');
    expect(lists('pods')).toEqual([]);
    expect(await parts.objects.list(snapshots, {}, forever)).toEqual([]);
  });

  it('are taken by a Snapshot of that method', async () => {
    const { volumesOf, parts } = scene();
    expect(await volumesOf(everything)).toEqual({ data: 'Completed' });
    const [made] = await parts.objects.list(snapshots, {}, forever);
    expect(made?.spec).toMatchObject({ method: 'CSI', source: { persistentVolumeClaimName: 'data' } });
  });

  it('keep nobody waiting who has none, however long they take', async () => {
    const { engine, cluster, create, ended, get, parts } = scene(systemClock);
    cluster.check = () => {};
    const names = ['one', 'two', 'three'];
    await whileRunning(engine, async () => {
      for (const name of names) await create(backups, 'shop', name, everything);
      await vi.waitFor(async () => expect(await parts.objects.list(snapshots, {}, forever)).toHaveLength(names.length), 5_000);
      await create(backups, 'shop', 'quick', { includedResources: ['configmaps'] });
      expect((await ended(backups, 'shop', 'quick')).status).toMatchObject({ phase: 'Completed' });
      for (const name of names) expect((await get(backups, 'shop', name))?.status).toMatchObject({ phase: 'InProgress' });
    });
  });

  it('are told apart by all of the names of their claims', async () => {
    const { claim, backUp, parts } = scene();
    const names = ['one', 'two', '.three'].map((end) => 'long-'.repeat(48).slice(0, 239) + end.padStart(5, 'x'));
    for (const name of names) claim(name);
    const { status } = await backUp(everything);
    const made = await parts.objects.list(snapshots, {}, forever);
    expect(made.map(({ spec }) => (spec as { source: { persistentVolumeClaimName: string } }).source.persistentVolumeClaimName)).toEqual(
      expect.arrayContaining(names),
    );
    expect(new Set(status.volumes?.map(({ snapshotName }) => snapshotName)).size).toBe(4);
    for (const { metadata } of made) expect(metadata.name).toMatch(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
  });

  it('are moved as fast as the Backup says', async () => {
    const { volumesOf, parts } = scene();
    const throttle = { upload: '10Mi' };
    await volumesOf({ volumes: { rules: [{ action: 'Move' }] }, throttle });
    const [made] = await parts.objects.list(snapshots, {}, forever);
    expect(made?.spec).toMatchObject({ moveData: true, throttle });
  });

  it('are asked for by PersistentVolumes only where a rule needs them', async () => {
    const { volumesOf, asked } = scene();
    const rules = [{ conditions: { storageClass: ['x'] }, action: 'CSI' as const }];
    expect(await volumesOf({ volumes: { rules } })).toEqual({ data: 'skipped by spec.snapshotVolumes, as no rule fits' });
    expect(asked.filter(({ verb, resource }) => verb === 'get' && resource === 'persistentvolumes')).toEqual([]);
  });

  it('are chosen by the size and the driver of the PersistentVolume', async () => {
    const { volumesOf, claim } = scene();
    claim('small');
    const rules = [{ conditions: { capacity: '1Gi,2Gi', driver: ['disk'] }, action: 'CSI' as const }];
    expect(await volumesOf({ volumes: { rules } })).toEqual({
      data: 'skipped by spec.snapshotVolumes, as no rule fits',
      small: 'Completed',
    });
  });

  it('whose PersistentVolume cannot be read have failed, and are named', async () => {
    const { backUp, cluster, engine } = scene();
    cluster.check = ({ verb, resource }) => {
      if (verb === 'get' && resource === 'persistentvolumes') throw new ClusterError(403, 'Forbidden', 'not yours');
    };
    const backup = await backUp({ volumes: { rules: [{ conditions: { driver: ['disk'] }, action: 'CSI' }] } });
    expect(backup.status).toMatchObject({ phase: 'PartiallyFailed', errors: 1, volumes: [{ claim: 'data', phase: 'Failed' }] });
    expect(await logOf(engine, backup)).toContain(
      'ERROR the volume of the claim shop/data is not in the backup: its PersistentVolume pv could not be read: not yours',
    );
  });

  it('are known to their Pods by one list of each namespace, as the creator, though Pods are not in the backup', async () => {
    const { pod, volumesOf, lists } = scene();
    pod('web', { 'backup.kylon.io/backup-volumes': 'disk' }, [uses('data', 'disk')]);
    expect(await volumesOf({ ...onlyAnnotated, includedResources: ['persistentvolumeclaims'] })).toEqual({ data: 'Completed' });
    expect(lists('pods')).toMatchObject([{ user: 'alice', namespace: 'shop' }]);
  });

  it('are not asked for by Pods where every claim says it itself', async () => {
    const { claim, volumesOf, lists } = scene();
    claim('data', { annotations: { 'backup.kylon.io/volume': 'Skip' } });
    await volumesOf({ ...everything, includedResources: ['persistentvolumeclaims'] });
    expect(lists('pods')).toEqual([]);
  });

  it('whose Pods cannot be listed are chosen without them, and that is an error', async () => {
    const { backUp, cluster, engine } = scene();
    cluster.check = ({ verb, resource, user }) => {
      if (verb === 'list' && resource === 'pods' && user === 'alice') throw new ClusterError(403, 'Forbidden', 'pods is forbidden');
    };
    const backup = await backUp(onlyAnnotated);
    expect(backup.status).toMatchObject({ phase: 'PartiallyFailed', errors: 1, volumes: [{ claim: 'data', phase: 'Skipped' }] });
    expect(await logOf(engine, backup)).toContain(
      'ERROR what annotations of the Pods of shop say about volumes is not known: pods is forbidden',
    );
  });

  it('are not turned by an annotation that means nothing; the log warns of it', async () => {
    const { claim, backUp, engine } = scene();
    claim('data', { annotations: { 'backup.kylon.io/volume': 'csi' } });
    const backup = await backUp(onlyAnnotated);
    expect(backup.status).toMatchObject({ phase: 'Completed', warnings: 1, volumes: [{ claim: 'data', phase: 'Skipped' }] });
    expect(await logOf(engine, backup)).toContain(
      'WARN the annotation backup.kylon.io/volume of the claim shop/data is ignored: "csi" is not CSI or Move or Copy or Skip',
    );
  });

  it('that are skipped take no room in the status from those that are taken; the log names all', async () => {
    const { claim, backUp, engine } = scene();
    for (let index = 0; index < mostVolumes; index++) claim(`a-${index}`);
    claim('z', { labels: { keep: 'yes' } });
    const backup = await backUp({ volumes: { rules: [{ conditions: { labels: { keep: 'yes' } }, action: 'CSI' }] } });
    const { phase, volumes = [] } = backup.status;
    expect({ phase, length: volumes.length, last: volumes.at(-1) }).toMatchObject({
      phase: 'Completed',
      length: mostVolumes,
      last: { claim: 'z', phase: 'Completed' },
    });
    expect(await logOf(engine, backup)).toContain('INFO the volume of the claim shop/data: Skip, by spec.snapshotVolumes, as no rule fits');
  });

  it('that were skipped come back as claims without a snapshot do', async () => {
    const { backUp, restore, cluster, engine } = scene();
    const { status } = await backUp(onlyAnnotated);
    expect(status.volumes).toEqual([{ namespace: 'shop', claim: 'data', phase: 'Skipped', message: 'skipped by spec.volumes.rules[0]' }]);
    cluster.drop('persistentvolumeclaims', 'shop', 'data');
    const done = await whileRunning(engine, () => restore('shop', 'r', { backupName: 'b' }));
    expect(await resultsOf(engine, done)).toContain('persistentvolumeclaims shop/data created');
    expect(cluster.read('persistentvolumeclaims', 'shop', 'data')?.['spec']).not.toHaveProperty('dataSource');
  });
});
