import { describe, expect, it } from 'vitest';
import { backups } from '../../src/resources/backup.ts';
import { durationFaults, parseDuration } from '../../src/resources/durations.ts';
import { restores } from '../../src/resources/restore.ts';
import { answerOf, backup, bodyText, bytesOf, call, held, manifest } from './calls.ts';
import type { Asked } from './calls.ts';

describe('backups/download', () => {
  it('delivers the archive', async () => {
    const { status, headers, text } = await call(backups, 'download');
    expect({ status, text }).toEqual({ status: 200, text: '0123456789' });
    expect(headers).toEqual({
      'Content-Type': 'application/gzip',
      'Content-Length': '10',
      'Content-Disposition': 'attachment; filename="ns-b.tar.gz"',
      'Accept-Ranges': 'bytes',
      ETag: '"abc"',
    });
  });

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=9-9', '9', 'bytes 9-9/10'],
  ])('delivers %s', async (range, expected, contentRange) => {
    const { status, headers, text } = await call(backups, 'download', { range });
    expect({ status, text }).toEqual({ status: 206, text: expected });
    expect(headers).toMatchObject({ 'Content-Range': contentRange, 'Content-Length': String(expected.length) });
  });

  it.each(['bytes=10-', 'bytes=99-100', 'bytes=-0'])('has nothing at %s', async (range) => {
    const { status, headers, text } = await call(backups, 'download', { range });
    expect(status).toBe(416);
    expect(headers['Content-Range']).toBe('bytes */10');
    expect(JSON.parse(text)).toMatchObject({ kind: 'Status', code: 416, message: expect.stringContaining(range) });
  });

  it.each(['bytes=3-1', 'bytes=a-b', 'bytes=-', 'bytes=0-1,4-5', 'lines=0-3'])('ignores %s', async (range) => {
    expect((await call(backups, 'download', { range })).status).toBe(200);
  });

  it('is not sent to who has it', async () => {
    expect(await call(backups, 'download', { ifNoneMatch: '"abc"' })).toMatchObject({ status: 304, text: '' });
  });

  it('is refused before there is an archive, also for a range', async () => {
    await expect(call(backups, 'download', { range: 'bytes=5-' }, backup('New'))).rejects.toMatchObject({
      code: 409,
      message: expect.stringContaining('its phase is New'),
    });
  });
});

describe('backups/proxy', () => {
  it('delivers the archive as download does, and nothing else', async () => {
    const { status, headers, text } = await call(backups, 'proxy', { subpath: ['download'], range: 'bytes=7-' });
    expect({ status, text, part: headers['Content-Range'] }).toEqual({ status: 206, text: '789', part: 'bytes 7-9/10' });
    for (const subpath of [[], ['items'], ['download', 'x']])
      await expect((async () => call(backups, 'proxy', { subpath }))()).rejects.toMatchObject({ code: 404 });
  });
});

describe('backups/items', () => {
  it('lists', async () => {
    const { status, text, asked } = await call(backups, 'items');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      kind: 'BackupItemList',
      apiVersion: 'backup.kylon.io/v1alpha1',
      metadata: { continue: 'next' },
      items: [held],
    });
    expect(asked).toEqual([{ limit: 500, continue: '', labelSelector: '' }]);
  });

  it('passes on what is selected', async () => {
    const { text, asked } = await call(backups, 'items', {
      query: 'limit=7&continue=next&labelSelector=a%3Db&group=core&resource=configmaps&namespace=_&name=a',
    });
    expect(asked).toEqual([
      { limit: 7, continue: 'next', labelSelector: 'a=b', group: '', resource: 'configmaps', namespace: '', name: 'a' },
    ]);
    expect(JSON.parse(text)).toMatchObject({ metadata: {} });
    expect((await call(backups, 'items', { query: 'limit=99999&group=apps&namespace=ns' })).asked).toMatchObject([
      { limit: 5000, group: 'apps', namespace: 'ns' },
    ]);
  });

  it.each(['limit=x', 'limit=-1'])('refuses ?%s', async (query) => {
    await expect(call(backups, 'items', { query })).rejects.toMatchObject({ code: 400 });
  });

  it('shows one manifest byte for byte', async () => {
    const { text, headers, asked } = await call(backups, 'items', { subpath: ['core', 'configmaps', 'ns', 'a'] });
    expect(text).toBe(manifest);
    expect(headers['Content-Type']).toBe('application/json');
    expect(asked).toEqual([{ group: '', resource: 'configmaps', namespace: 'ns', name: 'a' }]);
    expect((await call(backups, 'items', { subpath: ['x.io', 'things', '_', 'a'] })).asked).toEqual([
      { group: 'x.io', resource: 'things', namespace: '', name: 'a' },
    ]);
  });

  it('shows it as YAML, with every digit', async () => {
    const { text, headers } = await call(backups, 'items', { subpath: ['core', 'configmaps', 'ns', 'a'], accept: 'application/yaml' });
    expect(headers['Content-Type']).toBe('application/yaml');
    expect(text).toBe('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ncount: 12345678901234567890\n');
  });

  it('says what is not there, and what is no key', async () => {
    await expect(call(backups, 'items', { subpath: ['apps', 'deployments', 'ns', 'z'] })).rejects.toMatchObject({
      code: 404,
      message: 'backup "b" holds no deployments.apps "z" in namespace "ns"',
    });
    await expect(call(backups, 'items', { subpath: ['core', 'configmaps', 'a'] })).rejects.toMatchObject({ code: 400 });
    await expect(call(backups, 'items', { accept: 'text/html' })).rejects.toMatchObject({ code: 406 });
  });
});

describe.each([
  ['backups/log', backups],
  ['restores/log', restores],
])('%s', (_, definition) => {
  it('is text', async () => {
    const { text, headers, asked } = await call(definition, 'log');
    expect(text).toBe('one\ntwo\n');
    expect(headers['Content-Type']).toBe('text/plain; charset=utf-8');
    expect(asked).toEqual([{ follow: false, tailLines: undefined, sinceTime: undefined, timestamps: false }]);
  });

  it('takes the parameters of kubectl logs', async () => {
    const { asked } = await call(definition, 'log', { query: 'follow=true&tailLines=5&sinceTime=2026-01-01T00:00:00Z&timestamps=1' });
    expect(asked).toEqual([{ follow: true, tailLines: 5, sinceTime: '2026-01-01T00:00:00Z', timestamps: true }]);
  });

  it.each(['tailLines=x', 'tailLines=-1', 'sinceTime=yesterday', 'sinceTime=2026-99-99T00:00:00Z'])('refuses ?%s', async (query) => {
    await expect(call(definition, 'log', { query })).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining(query.split('=')[0] ?? ''),
    });
  });

  it('answers with the error when it cannot be opened, and at once to who follows', async () => {
    await expect(answerOf(definition, 'log', {}, backup('Failed', 'gone'))).rejects.toMatchObject({ code: 409 });
    const followed = await answerOf(definition, 'log', { query: 'follow=true' }, backup('New', 'gone'));
    expect(followed.status).toBe(200);
    await expect(bodyText(followed)).rejects.toMatchObject({ code: 409 });
  });
});

describe('backups/restore', () => {
  const post = (body: unknown = '', given: Asked = {}) =>
    call(backups, 'restore', { body: body === '' ? new Uint8Array() : bytesOf(body), ...given });

  it('without a body restores everything', async () => {
    const { status, text, asked } = await post();
    expect(status).toBe(201);
    expect(JSON.parse(text)).toEqual({
      apiVersion: 'backup.kylon.io/v1alpha1',
      kind: 'Restore',
      metadata: { name: 'b-x', namespace: 'ns', generateName: 'b-' },
      spec: { backupName: 'b' },
    });
    expect(asked).toEqual([{ user: 'ann', dryRun: false }]);
  });

  it('takes a Restore, as JSON or YAML', async () => {
    const json = await post({ metadata: { name: 'mine' }, spec: { existingResourcePolicy: 'Update', backupName: 'b' } });
    expect(JSON.parse(json.text)).toMatchObject({
      metadata: { name: 'mine' },
      spec: { backupName: 'b', existingResourcePolicy: 'Update' },
    });
    const yaml = await post('spec:\n  dryRun: true\n', { contentType: 'application/yaml' });
    expect(JSON.parse(yaml.text)).toMatchObject({ spec: { backupName: 'b', dryRun: true } });
  });

  it('passes on a dry run', async () => {
    expect((await post('', { query: 'dryRun=All' })).asked).toEqual([{ user: 'ann', dryRun: true }]);
    await expect(post('', { query: 'dryRun=x' })).rejects.toMatchObject({ code: 422 });
  });

  it.each([
    [{ kind: 'Backup' }, 'the kind in the data (Backup) does not match the expected kind (Restore)'],
    [{ metadata: { namespace: 'other' } }, 'metadata.namespace is "other", the URL says "ns"'],
    [{ spec: { backupName: 'c' } }, 'spec.backupName is "c", the URL says "b"'],
    [{ spec: { backupNamespace: 'other' } }, 'spec.backupNamespace is "other", the URL says "ns"'],
    [[], "the object provided is unrecognized (must be of type Restore): couldn't get version/kind; it is not a JSON object"],
  ])('refuses %j', async (body, message) => {
    await expect(post(body)).rejects.toMatchObject({ code: 400, message });
  });

  it('names unknown fields', async () => {
    const warnings: string[] = [];
    await post({ spec: { colour: 'red' } }, { warn: (text) => warnings.push(text) });
    expect(warnings).toEqual(['unknown field "spec.colour"']);
    await expect(post({ spec: { colour: 'red' } }, { query: 'fieldValidation=Strict' })).rejects.toMatchObject({ code: 400 });
  });
});

describe('restores/results', () => {
  it('lists', async () => {
    const { text, asked } = await call(restores, 'results', { query: 'limit=3&continue=t&outcome=failed' });
    expect(JSON.parse(text)).toMatchObject({ kind: 'RestoreResultList', metadata: {}, items: [{ name: 'a', outcome: 'created' }] });
    expect(asked).toEqual([{ limit: 3, continue: 't', outcome: 'failed' }]);
  });

  it('refuses an outcome that there is not', async () => {
    await expect(call(restores, 'results', { query: 'outcome=lost' })).rejects.toMatchObject({
      code: 400,
      message: 'outcome: "lost" is none of created, updated, recreated, unchanged, skipped, failed',
    });
  });
});

describe('durations', () => {
  it.each([
    ['720h', 2_592_000_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['250ms', 250],
    ['1d', undefined],
    ['', undefined],
    ['5', undefined],
    ['-1h', undefined],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('of no length, and too long ones, are faults; those of no form are left to the schema', () => {
    expect(durationFaults('f', '0h0m')).toHaveLength(1);
    expect(durationFaults('f', '876000h')).toEqual([]);
    expect(durationFaults('f', '876000h1s')).toHaveLength(1);
    expect(durationFaults('f', '1d')).toEqual([]);
  });
});
