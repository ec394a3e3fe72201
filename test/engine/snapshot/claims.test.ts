import { describe, expect, it } from 'vitest';
import { faultOf } from '../../../src/engine/snapshot/claim.ts';
import { newClaim } from '../../../src/engine/snapshot/new-claim.ts';
import type { Restore, RestoreSpec } from '../../../src/resources/restore.ts';
import type { Snapshot, SnapshotStatus } from '../../../src/resources/snapshot.ts';

const claim = (phase: string | undefined, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', ...more },
  spec: { volumeName: 'pv' },
  ...(phase && { status: { phase } }),
});

describe('a claim that is to be taken', () => {
  it.each([
    [claim('Bound'), undefined],
    [claim(undefined), ['ClaimPending', 'the claim "data" is Pending: it has no volume yet']],
    [claim('Pending'), ['ClaimPending', 'the claim "data" is Pending: it has no volume yet']],
    [claim('Lost'), ['ClaimLost', 'the claim "data" is Lost: its volume is gone']],
    [claim('Bound', { deletionTimestamp: '2026-01-01T00:00:00Z' }), ['ClaimBeingDeleted', 'the claim "data" is being deleted']],
  ])('%j', (given, fault) => {
    expect(faultOf(given)).toEqual(fault);
  });
});

const taken = { name: 'data', uid: 'c', storageClassName: 'fast', volumeMode: 'Block', accessModes: ['ReadWriteMany'], capacity: '2Gi' };
const restore = (claim?: RestoreSpec['claim']) =>
  ({ metadata: { name: 'r', namespace: 'ns', uid: 'u' }, spec: { snapshotName: 's', ...(claim && { claim }) } }) as Restore;
const snapshot = (status: Partial<SnapshotStatus>) =>
  ({ metadata: { name: 's', namespace: 'ns' }, status: { volumeSnapshotName: 'vs', ...status } }) as Snapshot;

describe('the claim that a restore makes', () => {
  it('is as the one that was taken', () => {
    expect(newClaim(restore(), snapshot({ claim: taken, restoreSize: '1Gi' }))).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data', namespace: 'ns', annotations: { 'backup.kylon.io/restore-uid': 'u' } },
      spec: {
        accessModes: ['ReadWriteMany'],
        storageClassName: 'fast',
        volumeMode: 'Block',
        resources: { requests: { storage: '2Gi' } },
        dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'vs' },
      },
    });
  });

  it('is as the restore says', () => {
    const asked = { name: 'copy', storageClassName: 'slow', size: '3Gi', accessModes: ['ReadWriteOnce' as const] };
    expect(newClaim(restore(asked), snapshot({ claim: taken, restoreSize: '1Gi' }))).toMatchObject({
      metadata: { name: 'copy' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'slow', resources: { requests: { storage: '3Gi' } } },
    });
  });

  it.each([
    ['of what was taken', { claim: taken, restoreSize: '1Gi' }, '2Gi'],
    ['of what is needed, where that is more', { claim: taken, restoreSize: '2049Mi' }, '2049Mi'],
    ['of what was taken, where the driver does not tell', { claim: taken, restoreSize: '0' }, '2Gi'],
  ])('has the size %s', (_, status, size) => {
    expect(newClaim(restore(), snapshot(status))['spec']).toMatchObject({ resources: { requests: { storage: size } } });
  });

  it.each([
    [{ size: '1Gi' }, { claim: taken, restoreSize: '2Gi' }, 'spec.claim.size is 1Gi, less than status.restoreSize of the snapshot, 2Gi'],
    [undefined, { restoreSize: '2Gi' }, 'spec.claim.name must be given: the claim that was taken is not known'],
    [{ name: 'a' }, {}, 'spec.claim.size must be given: the driver does not tell the size of the snapshot'],
  ])('is refused with %j of %j', (asked, status, message) => {
    expect(() => newClaim(restore(asked), snapshot(status))).toThrow(message);
  });
});
