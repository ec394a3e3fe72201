/** The rules of BackupStores, and what names them. */
import { describe, expect, it } from 'vitest';
import type { BackupStoreSpec } from '../../src/resources/backup-store.ts';
import { backupStores } from '../../src/resources/backup-store.ts';
import { snapshots } from '../../src/resources/snapshot.ts';

const { rules } = backupStores;
const credential = { namespace: 'kylon-system', name: 'keys' };
const pem = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n').toString('base64');
const storeOf = (spec: Partial<BackupStoreSpec>, metadata: object = {}) => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'BackupStore',
  metadata: { name: 'archive', ...metadata },
  spec: { url: 's3://bucket/prefix', ...spec },
});
const faultsOf = (spec: Partial<BackupStoreSpec>, old?: Partial<BackupStoreSpec>) =>
  (rules.validate?.(storeOf(spec), old && storeOf(old)) ?? []).map(({ field, type, detail }) => `${field}: ${type}: ${detail}`);

describe('a BackupStore', () => {
  it.each<[Partial<BackupStoreSpec>]>([
    [{}],
    [{ credential }],
    [{ url: 's3://bucket?endpoint=http://127.0.0.1:9000', credential, caBundle: pem }],
    [{ url: 'azure://account/container', credential }],
    [{ url: 'gs://bucket' }],
    [{ url: 'file:///srv/kylon' }],
  ])('may be %j', (spec) => {
    expect(faultsOf(spec)).toEqual([]);
  });

  it.each<[Partial<BackupStoreSpec>, string]>([
    [{ url: 'nothing' }, 'spec.url: Forbidden: must begin with'],
    [{ url: 'memory:' }, 'spec.url: Forbidden: must begin with'],
    [{ url: 'https://bucket' }, 'spec.url: Forbidden: must begin with'],
    [{ url: 'FILE:///etc' }, 'spec.url: Forbidden: must begin with'],
    [{ url: ' file:///etc' }, 'spec.url: Forbidden: must begin with'],
    [{ url: 'file:etc' }, 'spec.url: Forbidden: must begin with azure://, file://, gs://, s3://'],
    [{ url: 's3://key:secret@bucket' }, 'spec.url: Forbidden: holds a user name or password'],
    [{ url: 's3://bucket?caFile=/etc/passwd' }, 'spec.url: Forbidden: may not name a file of the server'],
    [{ url: 's3://bucket?endpoint=http://127.0.0.1:9000' }, "spec.credential: Required value: an endpoint of its own never gets Kylon's"],
    [{ url: 'gs://bucket?endpoint=http://127.0.0.1:9000' }, 'spec.credential: Required value'],
    [{ url: 'file:///srv', credential }, 'spec.credential: Forbidden: a folder has none'],
    [{ credential: { namespace: 'A', name: 'keys' } }, 'spec.credential.namespace: Invalid value'],
    [{ credential: { namespace: 'a', name: '../keys' } }, 'spec.credential.name: Invalid value'],
    [{ url: 'gs://bucket', caBundle: pem }, 'spec.caBundle: Forbidden: may be used with s3:// only'],
    [{ caBundle: 'AAAA' }, 'spec.caBundle: Forbidden: holds no certificate'],
  ])('may not be %j', (spec, fault) => {
    expect(faultsOf(spec)).toEqual([expect.stringContaining(fault)]);
  });

  it('repeats no URL, in which a password may stand', () => {
    for (const url of ['s3://key:hunter2@bucket', 'hunter2://x', 'hunter2'])
      expect(JSON.stringify(rules.validate?.(storeOf({ url }), undefined))).not.toContain('hunter2');
  });

  it('keeps its URL, and may get other credentials', () => {
    expect(faultsOf({ url: 's3://other' }, {})).toEqual([expect.stringContaining('spec.url: Forbidden: it may not be changed')]);
    expect(faultsOf({ credential }, {})).toEqual([]);
  });

  it('takes the right to get its Secret of who makes it, and of who changes anything of it', () => {
    const right = { verb: 'get', group: '', version: 'v1', resource: 'secrets', ...credential };
    expect(rules.rightsToCreate?.(storeOf({ credential }))).toEqual([right]);
    expect(rules.rightsToCreate?.(storeOf({}))).toEqual([]);
    expect(rules.rightsToUpdate?.(storeOf({ credential, caBundle: pem }), storeOf({ credential }))).toEqual([right]);
    expect(rules.rightsToUpdate?.(storeOf({ credential }, { labels: { a: 'b' } }), storeOf({ credential }))).toEqual([]);
  });

  it('is held until nothing uses it, but for "default", which nobody deletes', () => {
    const finalizersOf = (name: string) =>
      rules.prepareForCreate?.(storeOf({}, { name }), { name: 'ann', groups: [], extra: {} }).metadata.finalizers;
    expect(finalizersOf('archive')).toEqual(['backup.kylon.io/data']);
    expect(finalizersOf('default')).toBeUndefined();
    expect(rules.refuseDelete?.(storeOf({}, { name: 'default' }))).toBe('it is the store that Kylon was started with');
    expect(rules.refuseDelete?.(storeOf({}))).toBeUndefined();
  });
});

describe('spec.storeName', () => {
  const snapshotOf = (spec: object) => ({
    apiVersion: '',
    kind: 'Snapshot',
    metadata: { name: 's', namespace: 'shop' },
    spec: { source: { persistentVolumeClaimName: 'data' }, ...spec },
  });
  const faultsOf = (spec: object) =>
    (snapshots.rules.validate?.(snapshotOf(spec), undefined) ?? []).map(({ field, type }) => `${field}: ${type}`);

  it('is for what is moved', () => {
    expect(faultsOf({ storeName: 'archive', moveData: true })).toEqual([]);
    expect(faultsOf({ storeName: 'archive', method: 'File' })).toEqual([]);
    expect(faultsOf({ storeName: 'archive', method: 'CSI' })).toEqual(['spec.storeName: Forbidden']);
    expect(faultsOf({ storeName: 'Archive', moveData: true })).toEqual(['spec.storeName: Invalid value']);
  });

  it('names a store that has to be there, but for "default"', () => {
    const referencesOf = (storeName?: string) => snapshots.rules.references?.(snapshotOf({ storeName }));
    expect(referencesOf('archive')).toEqual([
      { field: 'spec.storeName', resource: { group: 'backup.kylon.io', resource: 'backupstores' }, name: 'archive' },
    ]);
    expect(referencesOf('default')).toEqual([]);
    expect(referencesOf()).toEqual([]);
  });

  it('stands in the status from the creation on, whatever is sent', () => {
    const user = { name: 'ann', groups: [], extra: {} };
    const made = snapshots.rules.prepareForCreate?.(snapshotOf({ storeName: 'archive' }), user);
    expect(made?.status).toMatchObject({ storeName: 'archive' });
    const sent = { ...made!, status: { ...(made!.status as object), storeName: 'other' } };
    expect(snapshots.rules.prepareForUpdate?.(sent, made!, user).status).toMatchObject({ storeName: 'archive' });
    expect(snapshots.rules.prepareForCreate?.(snapshotOf({}), user).status).toMatchObject({ storeName: 'default' });
  });
});
