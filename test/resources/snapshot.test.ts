import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/machinery/object.ts';
import { kylonUser } from '../../src/machinery/user.ts';
import { snapshots } from '../../src/resources/snapshot.ts';
import type { Snapshot, SnapshotSpec } from '../../src/resources/snapshot.ts';

const { rules } = snapshots;
const user = { name: 'ann', groups: [], extra: {} };
const ofClaim: SnapshotSpec = { source: { persistentVolumeClaimName: 'data' } };

const given = (spec: SnapshotSpec = ofClaim, annotations?: Record<string, string>): KubeObject => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Snapshot',
  metadata: { name: 's', namespace: 'own', ...(annotations && { annotations }) },
  spec,
});
const made = (...args: Parameters<typeof given>) => rules.prepareForCreate?.(given(...args), user) as Snapshot;
const texts = (found: ReturnType<NonNullable<typeof rules.validate>> = []) =>
  found.map(({ field, type, detail }) => `${field}: ${type}: ${detail.split(' must consist')[0]}`);

describe('a new Snapshot', () => {
  it('gets its finalizer, its defaults and its first status', () => {
    expect(made()).toMatchObject({
      metadata: { finalizers: ['backup.kylon.io/data'] },
      spec: { source: { persistentVolumeClaimName: 'data' }, method: 'Auto', ttl: '720h', timeout: '10m' },
      status: { phase: 'New', observedGeneration: 0, createdBy: { username: 'ann' } },
    });
  });

  it.each<[SnapshotSpec, string[]]>([
    [ofClaim, []],
    [{ source: { volumeSnapshotName: 'a.b' }, method: 'CSI', ttl: '1h', timeout: '5s' }, []],
    [{ source: { volumeSnapshotName: 'a.b' }, moveData: true, storeName: 'archive' }, []],
    [{ source: {} }, ['spec.source: Required value: persistentVolumeClaimName or volumeSnapshotName must be given']],
    [
      { source: { persistentVolumeClaimName: 'a', volumeSnapshotName: 'b' } },
      ['spec.source: Forbidden: only one of persistentVolumeClaimName and volumeSnapshotName may be given'],
    ],
    [
      { source: { volumeSnapshotName: 'b' }, volumeSnapshotClassName: 'c' },
      ['spec.volumeSnapshotClassName: Forbidden: may not be used with volumeSnapshotName: that one has its class'],
    ],
    [
      { source: { persistentVolumeClaimName: 'A' } },
      ['spec.source.persistentVolumeClaimName: Invalid value: a lowercase RFC 1123 subdomain'],
    ],
    [{ source: { ...ofClaim.source, volumeGroupSnapshotContentName: 'g' } }, []],
    [
      { source: { ...ofClaim.source, volumeGroupSnapshotContentName: 'g' }, volumeSnapshotClassName: 'c' },
      ['spec.volumeSnapshotClassName: Forbidden: may not be used with volumeGroupSnapshotContentName: that one has its class'],
    ],
    [
      { source: { volumeSnapshotName: 'b', volumeGroupSnapshotContentName: 'g' } },
      ['spec.source.volumeGroupSnapshotContentName: Forbidden: may be used with persistentVolumeClaimName only'],
    ],
    [{ ...ofClaim, moveData: true, throttle: { upload: '10Mi', download: '1Ki' } }, []],
    [{ ...ofClaim, method: 'File', throttle: { upload: '1.5Mi' } }, []],
    [{ ...ofClaim, method: 'Copy', throttle: { upload: '1.5Mi' }, copy: { image: 'busybox' } }, []],
    [
      { ...ofClaim, method: 'Copy', moveData: true, volumeSnapshotClassName: 'c' },
      [
        'spec.moveData: Forbidden: may not be used with method Copy: the copy is in the object store',
        'spec.volumeSnapshotClassName: Forbidden: may not be used with method Copy: no VolumeSnapshot is taken',
      ],
    ],
    [
      { source: { volumeSnapshotName: 'b' }, method: 'Copy' },
      ['spec.method: Forbidden: may not be Copy where a VolumeSnapshot is there already'],
    ],
    [{ ...ofClaim, copy: { image: 'busybox' } }, ['spec.copy: Forbidden: may be used with method Copy only']],
    [
      { ...ofClaim, throttle: { upload: '10' } },
      [
        'spec.throttle: Forbidden: may be used with moveData or the methods File and Copy only: nothing else moves data',
        'spec.throttle.upload: Invalid value: must be a quantity of bytes a second, such as 10Mi, from 1Ki to 1Ti',
      ],
    ],
    [{ ...ofClaim, timeout: '0s' }, ['spec.timeout: Invalid value: must be greater than 0']],
    [{ ...ofClaim, ttl: '0s' }, ['spec.ttl: Invalid value: must be greater than 0']],
  ])('with %j', (spec, expected) => {
    expect(texts(rules.validate?.(made(spec), undefined))).toEqual(expected);
  });

  it('outlives its namespace unless it says otherwise, or its data cannot', () => {
    expect(rules.outlivesNamespace?.(made())).toBe(true);
    expect(rules.outlivesNamespace?.(made(ofClaim, { 'backup.kylon.io/outlives-namespace': 'false' }))).toBe(false);
    expect(rules.outlivesNamespace?.(made({ source: { volumeSnapshotName: 'a' } }))).toBe(false);
    expect(rules.outlivesNamespace?.(made({ source: { volumeSnapshotName: 'a' }, moveData: true }))).toBe(true);
  });
});

describe('a Snapshot that is changed', () => {
  it('keeps its spec but for ttl', () => {
    const old = made();
    expect(rules.validate?.({ ...old, spec: { ...old.spec, ttl: '1h' } }, old)).toEqual([]);
    expect(texts(rules.validate?.({ ...old, spec: { ...old.spec, source: { persistentVolumeClaimName: 'other' } } }, old))).toEqual([
      'spec: Forbidden: only ttl may be changed: the snapshot is taken as its creator asked for it',
    ]);
  });

  it('takes what Kylon acts upon from Kylon alone', () => {
    const kept = { driver: 'd', handle: 'h', volumeSnapshotName: 'v', volumeSnapshotContentName: 'c', claim: { name: 'data', uid: 'u' } };
    const old = made();
    const forged = { ...old, status: { ...old.status, ...kept, createdBy: { username: 'admin' }, readyToUse: true } };
    expect(rules.prepareForUpdate?.(forged, old, user)?.status).toEqual({ ...old.status, readyToUse: true });
    expect(rules.prepareForUpdate?.(forged, old, kylonUser)?.status).toEqual({ ...old.status, ...kept, readyToUse: true });
  });
});
