import { describe, expect, it } from 'vitest';
import { backups } from '../../src/resources/backup.ts';
import { backup, bytesOf, call, heldBy } from './calls.ts';
import type { Asked } from './calls.ts';

describe('backups/diff', () => {
  it('lists differences with exact values, what was not compared, and the way on', async () => {
    const { text, asked } = await call(backups, 'diff', { query: 'limit=3&resource=configmaps&namespace=_&group=core&labelSelector=a' });
    expect(text).toContain('"value":12345678901234567890}');
    expect(JSON.parse(text)).toMatchObject({
      kind: 'BackupDifferenceList',
      metadata: { continue: 'next' },
      items: [{ resource: 'configmaps', change: 'Changed', patch: [{ op: 'replace', path: '/count' }] }],
      warnings: ['secrets of ns is not or not all compared: forbidden'],
    });
    const user = expect.any(String);
    expect(asked).toEqual([{ limit: 3, continue: '', labelSelector: 'a', group: '', resource: 'configmaps', namespace: '', user }]);
  });

  it('names the other backup, and leaves out what is empty', async () => {
    const { text, asked } = await call(backups, 'diff', { query: 'against=other&continue=t' });
    expect(asked).toEqual([expect.objectContaining({ against: 'other', continue: 't' })]);
    expect(JSON.parse(text)).not.toHaveProperty('warnings');
    expect((await call(backups, 'diff', { query: 'against=' })).asked[0]).not.toHaveProperty('against');
  });

  it('is YAML for who prefers that', async () => {
    expect((await call(backups, 'diff', { accept: 'application/yaml' })).text).toContain('value: 12345678901234567890');
  });
});

describe('backups/verify', () => {
  it('answers with the backup', async () => {
    const { status, text } = await call(backups, 'verify', { verb: 'create' });
    expect({ status, object: JSON.parse(text) as unknown }).toEqual({ status: 201, object: backup() });
  });
});

describe('backups/hold', () => {
  const put = (body: unknown, given: Asked = {}) => call(backups, 'hold', { verb: 'update', body: bytesOf(body), ...given });
  const heldBackup = { ...backup(), status: { hold: { ...heldBy, reason: 'audit' } } };

  it('is shown, and is not there where nobody holds the backup', async () => {
    expect(JSON.parse((await call(backups, 'hold', { verb: 'get' }, heldBackup)).text)).toEqual({
      kind: 'BackupHold',
      apiVersion: 'backup.kylon.io/v1alpha1',
      metadata: { name: 'b', namespace: 'ns' },
      reason: 'audit',
      ...heldBy,
    });
    await expect(call(backups, 'hold', { verb: 'get' })).rejects.toMatchObject({ code: 404, message: 'backup "b" is not held' });
  });

  it('is set with a reason, without one, without a body, and by what was read before', async () => {
    const { status, text, asked } = await put({ reason: 'audit' });
    expect({ status, asked }).toEqual({ status: 200, asked: [{ reason: 'audit', dryRun: false, uid: undefined }] });
    expect(JSON.parse(text)).toMatchObject({ kind: 'BackupHold', reason: 'audit', by: 'ann' });
    expect((await put('')).asked).toEqual([{ reason: undefined, dryRun: false, uid: undefined }]);
    expect((await put({}, { query: 'dryRun=All' })).asked).toEqual([{ reason: undefined, dryRun: true, uid: undefined }]);
    const read = { apiVersion: 'backup.kylon.io/v1alpha1', kind: 'BackupHold', metadata: { name: 'b', uid: 'u' }, reason: 'x', ...heldBy };
    expect((await put(read)).asked).toEqual([{ reason: 'x', dryRun: false, uid: 'u' }]);
  });

  it.each<[unknown, number, RegExp]>([
    [{ reason: 7 }, 422, /^BackupHold\.backup\.kylon\.io "b" is invalid: reason: /],
    [{ reason: 'x'.repeat(1025) }, 422, /reason/],
    [{ kind: 'Backup' }, 400, /does not match the expected kind \(BackupHold\)/],
    [{ metadata: { name: 'other' } }, 400, /does not match the name on the URL/],
    [[], 400, /must be of type BackupHold/],
    ['{', 400, /json parse error/],
  ])('refuses %j', async (body, code, message) => {
    await expect(put(body)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('is lifted', async () => {
    const lift = (given: Asked) => call(backups, 'hold', { verb: 'delete', ...given }, heldBackup);
    const { text, asked } = await lift({ body: bytesOf({ preconditions: { uid: 'u' } }) });
    expect(JSON.parse(text)).toMatchObject({
      kind: 'Status',
      status: 'Success',
      message: 'backup "b" is no longer held',
      details: { name: 'b', group: 'backup.kylon.io', kind: 'backups' },
    });
    expect(asked).toEqual([{ dryRun: false, uid: 'u' }]);
    expect((await lift({ query: 'dryRun=All' })).asked).toEqual([{ dryRun: true, uid: undefined }]);
  });
});
