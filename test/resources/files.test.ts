/** What lies below a Snapshot, on services that keep what they were asked. */
import { describe, expect, it } from 'vitest';
import { snapshots } from '../../src/resources/snapshot.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import { call as callOn, heldFile } from './calls.ts';
import type { Asked } from './calls.ts';

const snapshot: KubeObject = { apiVersion: 'backup.kylon.io/v1alpha1', kind: 'Snapshot', metadata: { name: 's', namespace: 'ns' } };
const call = (name: string, given: Asked = {}) => callOn(snapshots, name, given, snapshot);

describe('snapshots/files', () => {
  it('lists', async () => {
    const { status, text, asked } = await call('files');
    expect({ status, list: JSON.parse(text) }).toEqual({
      status: 200,
      list: { kind: 'SnapshotFileList', apiVersion: 'backup.kylon.io/v1alpha1', metadata: { continue: 'next' }, items: [heldFile] },
    });
    expect(asked).toEqual([{ limit: 500, continue: '', path: '' }]);
  });

  it('passes on path and page', async () => {
    const { text, asked } = await call('files', { query: 'path=/a%2Fb+c&limit=7&continue=next' });
    expect(asked).toEqual([{ limit: 7, continue: 'next', path: '/a/b c' }]);
    expect(JSON.parse(text)).toMatchObject({ metadata: {} });
    expect((await call('files', { query: 'limit=99999' })).asked).toMatchObject([{ limit: 5000 }]);
    await expect(call('files', { query: 'limit=x' })).rejects.toMatchObject({ code: 400 });
  });

  it('is YAML for who asks so', async () => {
    expect((await call('files', { accept: 'application/yaml' })).text).toContain('  - name: a\n');
  });
});

describe('snapshots/download', () => {
  it('delivers a file', async () => {
    const { status, headers, text, asked } = await call('download', { query: 'path=/dir/a.txt' });
    expect({ status, text, asked }).toEqual({ status: 200, text: '0123456789', asked: ['/dir/a.txt'] });
    expect(headers).toEqual({
      'Content-Type': 'application/octet-stream',
      'Content-Length': '10',
      'Content-Disposition': 'attachment; filename="a.txt"',
      'Accept-Ranges': 'bytes',
      ETag: '"tag"',
    });
  });

  it('delivers a range of a file, and says where there is none', async () => {
    const { status, headers, text } = await call('download', { query: 'path=/a', range: 'bytes=7-' });
    expect({ status, text, range: headers['Content-Range'] }).toEqual({ status: 206, text: '789', range: 'bytes 7-9/10' });
    const behind = await call('download', { query: 'path=/a', range: 'bytes=10-' });
    expect({ status: behind.status, range: behind.headers['Content-Range'] }).toEqual({ status: 416, range: 'bytes */10' });
  });

  it('is not sent to who has it', async () => {
    expect(await call('download', { query: 'path=/a', range: 'bytes=1-2', ifRange: '"tag"' })).toMatchObject({ status: 206 });
    expect(await call('download', { query: 'path=/a', range: 'bytes=1-2', ifRange: '"other"' })).toMatchObject({ status: 200 });
    expect(await call('download', { query: 'path=/a', ifNoneMatch: '"tag"' })).toMatchObject({ status: 304, text: '' });
  });

  it('delivers a folder as a tar file, of which no range can be had', async () => {
    const { status, headers } = await call('download', { query: 'path=/folder', range: 'bytes=7-' });
    expect({ status, headers }).toEqual({
      status: 200,
      headers: { 'Content-Type': 'application/x-tar', 'Content-Disposition': 'attachment; filename="folder.tar"' },
    });
    expect((await call('download')).headers['Content-Disposition']).toBe('attachment; filename="ns-s.tar"');
  });

  it('delivers a volume without a file system as one file', async () => {
    const { headers } = await call('download', { query: 'path=/device' });
    expect(headers).toMatchObject({ 'Content-Length': '10', 'Content-Disposition': 'attachment; filename="ns-s.img"' });
  });

  it.each([
    ['ü "q"\n.txt', `attachment; filename="_ _q__.txt"; filename*=UTF-8''%C3%BC%20%22q%22%0A.txt`],
    ["it's (1)*!", `attachment; filename="it's (1)*!"`],
    ['50%', `attachment; filename="50_"; filename*=UTF-8''50%25`],
  ])('names %j so that no header breaks', async (name, expected) => {
    const query = new URLSearchParams({ path: `/${name}` }).toString();
    expect((await call('download', { query })).headers['Content-Disposition']).toBe(expected);
  });

  it('goes on as long as it takes below proxy, and nothing else is there', async () => {
    expect(await call('proxy', { subpath: ['download'], query: 'path=/a', range: 'bytes=7-' })).toMatchObject({ status: 206, text: '789' });
    for (const subpath of [[], ['files'], ['download', 'x']])
      await expect((async () => call('proxy', { subpath }))()).rejects.toMatchObject({ code: 404 });
  });
});
