import { describe, expect, it } from 'vitest';
import { choiceOfClaim, choiceOfRules, claimOf, needsVolume, takesVolumes } from '../../../src/engine/backup/volume-choice.ts';
import type { Claim, Volume } from '../../../src/engine/backup/volume-choice.ts';
import { PodChoices } from '../../../src/engine/backup/pod-choices.ts';
import type { VolumeRule } from '../../../src/resources/volume-rules.ts';

const gi = 1024 ** 3;
const claim: Claim = {
  namespace: 'shop',
  name: 'data',
  volumeName: 'pv',
  labels: { app: 'db', tier: 'gold' },
  asked: undefined,
  storageClassName: 'fast',
  accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
  volumeMode: 'Filesystem',
};
const volume: Volume = { driver: 'disk', capacity: 10 * gi };
type Conditions = NonNullable<VolumeRule['conditions']>;

describe('the conditions of a rule', () => {
  it.each<[Conditions, boolean]>([
    [{}, true],
    [{ capacity: '10Gi,100Gi' }, true],
    [{ capacity: '1Gi,10Gi' }, true],
    [{ capacity: '11Gi,' }, false],
    [{ capacity: ',9Gi' }, false],
    [{ capacity: ' 10Gi , ' }, true],
    [{ capacity: ',' }, true],
    [{ storageClass: ['slow', 'fast'] }, true],
    [{ storageClass: ['slow'] }, false],
    [{ storageClass: [] }, true],
    [{ driver: ['nfs', 'disk'] }, true],
    [{ driver: ['nfs'] }, false],
    [{ labels: { app: 'db', tier: 'gold' } }, true],
    [{ labels: { app: 'db', tier: 'silver' } }, false],
    [{ labels: { constructor: 'x' } }, false],
    [{ accessModes: ['ReadOnlyMany'] }, true],
    [{ accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }, false],
    [{ volumeMode: 'Filesystem' }, true],
    [{ volumeMode: 'Block' }, false],
    [{ capacity: '10Gi,', storageClass: ['fast'], driver: ['disk'], labels: { app: 'db' }, volumeMode: 'Filesystem' }, true],
    [{ capacity: '10Gi,', storageClass: ['fast'], driver: ['nfs'], labels: { app: 'db' }, volumeMode: 'Filesystem' }, false],
  ])('%j fit: %s', (conditions, fits) => {
    const { action } = choiceOfRules({ volumes: { rules: [{ conditions, action: 'CSI' }] } }, claim, volume);
    expect(action).toBe(fits ? 'CSI' : 'Skip');
  });

  it.each<[Conditions, Volume | undefined]>([
    [{ capacity: '0,' }, undefined],
    [{ capacity: '0,' }, { driver: 'disk', capacity: undefined }],
    [{ driver: ['disk'] }, undefined],
    [{ driver: ['disk'] }, { driver: undefined, capacity: gi }],
  ])('%j do not fit %j, of which that is not known', (conditions, unknown) => {
    expect(choiceOfRules({ volumes: { rules: [{ conditions, action: 'CSI' }] } }, claim, unknown).action).toBe('Skip');
  });

  it('do not fit a claim without a class that names one', () => {
    const bare = { ...claim, storageClassName: undefined };
    expect(choiceOfRules({ volumes: { rules: [{ conditions: { storageClass: ['fast'] }, action: 'CSI' }] } }, bare, volume).action).toBe(
      'Skip',
    );
  });

  it.each<[VolumeRule, boolean]>([
    [{ action: 'Skip' }, false],
    [
      { conditions: { storageClass: ['fast'], labels: { a: 'b' }, accessModes: [], volumeMode: 'Block', driver: [] }, action: 'Skip' },
      false,
    ],
    [{ conditions: { capacity: '1Gi,' }, action: 'Skip' }, true],
    [{ conditions: { driver: ['disk'] }, action: 'Skip' }, true],
  ])('%j need the PersistentVolume: %s', (rule, isNeeded) => {
    expect(needsVolume(rule)).toBe(isNeeded);
  });
});

describe('the rules of a Backup', () => {
  const rules: VolumeRule[] = [
    { conditions: { storageClass: ['slow'] }, action: 'Skip' },
    { conditions: { labels: { app: 'db' } }, action: 'CSI' },
    { action: 'Skip' },
  ];

  it('decide by the first that fits', () => {
    expect(choiceOfRules({ volumes: { rules } }, claim, undefined)).toEqual({ action: 'CSI', by: 'spec.volumes.rules[1]' });
    expect(choiceOfRules({ volumes: { rules }, snapshotVolumes: true }, { ...claim, labels: {} }, undefined)).toEqual({
      action: 'Skip',
      by: 'spec.volumes.rules[2]',
    });
  });

  it.each([
    [true, 'CSI'],
    [false, 'Skip'],
    [undefined, 'Skip'],
  ])('leave the rest to snapshotVolumes: %s is %s', (snapshotVolumes, action) => {
    const spec = { volumes: { rules: rules.slice(0, 1) }, ...(snapshotVolumes !== undefined && { snapshotVolumes }) };
    expect(choiceOfRules(spec, claim, undefined)).toEqual({ action, by: 'spec.snapshotVolumes, as no rule fits' });
  });

  it.each([
    [{}, false],
    [{ volumes: {} }, false],
    [{ volumes: { rules: [] }, snapshotVolumes: false }, false],
    [{ snapshotVolumes: true }, true],
    [{ volumes: { rules } }, true],
  ])('%j take volumes: %s', (spec, takes) => {
    expect(takesVolumes(spec)).toBe(takes);
  });
});

describe('a claim', () => {
  const object = { metadata: { name: 'data', namespace: 'shop' }, spec: { volumeName: 'pv' } };
  const read = (claim: object) => claimOf(Buffer.from(JSON.stringify(claim)));

  it('is of the volume mode Filesystem unless it says otherwise', () => {
    expect(read(object).volumeMode).toBe('Filesystem');
    expect(read({ ...object, spec: { volumeName: 'pv', volumeMode: 'Block' } }).volumeMode).toBe('Block');
  });

  it.each([
    ['CSI', 'CSI'],
    ['Skip', 'Skip'],
    ['skip', undefined],
    ['', undefined],
  ])('says by its annotation %j: %s', (value, action) => {
    const annotated = { ...object, metadata: { ...object.metadata, annotations: { 'backup.kylon.io/volume': value } } };
    expect(choiceOfClaim(read(annotated))?.action).toBe(action);
  });
});

describe('the annotations of Pods', () => {
  const pod = (name: string, annotations: Record<string, string>, volumes: object[] = [uses('disk', 'data')]) => ({
    metadata: { name, annotations },
    spec: { volumes: volumes as { name: string }[] },
  });
  const uses = (name: string, claimName: string) => ({ name, persistentVolumeClaim: { claimName } });
  const choiceOf = (...pods: ReturnType<typeof pod>[]) => {
    const choices = new PodChoices();
    for (const one of pods) choices.add('shop', one);
    return choices.of(claim);
  };

  it.each([
    ['backup.kylon.io/backup-volumes', 'CSI'],
    ['backup.velero.io/backup-volumes', 'CSI'],
    ['backup.kylon.io/backup-volumes-excludes', 'Skip'],
    ['backup.velero.io/backup-volumes-excludes', 'Skip'],
  ])('%s is %s', (key, action) => {
    expect(choiceOf(pod('web', { [key]: 'logs, disk' }))).toEqual({ action, by: `the annotation ${key} of the Pod web` });
    expect(choiceOf(pod('web', { [key]: 'data,diskette' }))).toBeUndefined();
  });

  it('are about the claim of an ephemeral volume too', () => {
    const choices = new PodChoices();
    choices.add('shop', pod('web', { 'backup.kylon.io/backup-volumes': 'scratch' }, [{ name: 'scratch', ephemeral: {} }]));
    expect(choices.of({ ...claim, name: 'web-scratch' })?.action).toBe('CSI');
  });

  it('take the volume where they disagree, in one Pod or in several', () => {
    const both = { 'backup.velero.io/backup-volumes': 'disk', 'backup.kylon.io/backup-volumes-excludes': 'disk' };
    expect(choiceOf(pod('web', both))?.action).toBe('CSI');
    const [takes, leaves] = [
      pod('a', { 'backup.kylon.io/backup-volumes': 'disk' }),
      pod('b', { 'backup.kylon.io/backup-volumes-excludes': 'disk' }),
    ];
    for (const pods of [
      [takes, leaves],
      [leaves, takes],
    ])
      expect(choiceOf(...pods)?.action).toBe('CSI');
  });
});
