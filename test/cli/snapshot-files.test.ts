/** Looking into a snapshot by the commands. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { status } from '../cluster/api-server.ts';
import type { Received, Script } from '../cluster/api-server.ts';
import { against, base } from './scripted.ts';

const root = { uid: 0, gid: 0, user: 'root', modificationTime: '2026-01-02T03:04:05Z' };
const file = { ...root, name: 'a\u001b[2Jb', path: '/d/a\u001b[2Jb', type: 'File', size: 2048, mode: '0644' };
const link = { ...root, name: 'l', path: '/d/l', type: 'SymbolicLink', size: 0, mode: '0777', linkTarget: '../a' };

describe('snapshot files', () => {
  const pages: Script = ({ query }) => ({
    body: {
      kind: 'SnapshotFileList',
      apiVersion: 'backup.kylon.io/v1alpha1',
      metadata: query.get('continue') ? {} : { continue: 'c' },
      items: [query.get('continue') ? link : file],
    },
  });

  it('shows every page as one table', async () => {
    const { code, stdout, received } = await against(pages, 'snapshot files s /d');
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.split(/ {3,}/))).toEqual([
      ['TYPE', 'MODE', 'OWNER', 'GROUP', 'SIZE', 'MODIFIED', 'NAME'],
      ['File', '0644', 'root', '0', '2.0KiB', '2026-01-02T03:04:05Z', 'a^[[2Jb'],
      ['SymbolicLink', '0777', 'root', '0', '2026-01-02T03:04:05Z', 'l -> ../a'],
      [''],
    ]);
    expect(received.map(({ path, query }) => [path, Object.fromEntries(query)])).toEqual([
      [`${base}/snapshots/s/files`, { path: '/d', limit: '5000' }],
      [`${base}/snapshots/s/files`, { path: '/d', limit: '5000', continue: 'c' }],
    ]);
  });

  it('prints paths, and documents', async () => {
    expect((await against(pages, 'snapshot files s -o name')).stdout).toBe('/d/a^[[2Jb\n/d/l\n');
    expect(JSON.parse((await against(pages, 'snapshot files s -o json')).stdout)).toMatchObject({
      kind: 'SnapshotFileList',
      items: [file, link],
    });
  });

  it('says when a folder is empty, and why there is none', async () => {
    expect(await against(() => ({ body: { metadata: {}, items: [] } }), 'snapshot files s')).toMatchObject({
      code: 0,
      stderr: 'No files found\n',
    });
    expect(await against(() => status(404, 'NotFound', 'no such file'), 'snapshot files s /x')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no such file'),
    });
  });
});

describe('a volume that is being made', () => {
  /** Two answers that ask for patience, then what the script says. */
  const after =
    (script: Script): Script =>
    (request, answered) =>
      ++asked <= 2
        ? { ...status(503, 'ServiceUnavailable', 'a volume is being made; try again'), headers: { 'Retry-After': '0' } }
        : script(request, answered);
  let asked = 0;
  beforeEach(() => (asked = 0));

  it('is asked for again, as kubectl does', async () => {
    const list: Script = () => ({ body: { kind: 'SnapshotFileList', metadata: {}, items: [file] } });
    expect(await against(after(list), 'snapshot files s -o name')).toMatchObject({ code: 0, stdout: '/d/a^[[2Jb\n', stderr: '' });
    const tar: Script = () => ({ body: 'tar', headers: { 'Content-Type': 'application/x-tar' } });
    asked = 0;
    expect(await against(after(tar), 'snapshot download s -o -')).toMatchObject({ code: 0, stdout: 'tar' });
  });
});

describe('snapshot download', () => {
  let folder: string;
  let target: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kylon-files-'));
    target = join(folder, 'target');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const content = Buffer.from('0123456789');

  function deliverFile({ headers }: Received, response: ServerResponse, cutAt?: number): undefined {
    const start = Number(/bytes=(\d+)-/.exec(headers['range']?.[0] ?? '')?.[1] ?? 0);
    response.writeHead(start > 0 ? 206 : 200, {
      ETag: '"0123456789abcdef"',
      'Content-Length': content.length - start,
      ...(start > 0 && { 'Content-Range': `bytes ${start}-9/10` }),
    });
    if (cutAt === undefined) response.end(content.subarray(start));
    else response.write(content.subarray(start, cutAt), () => setTimeout(() => response.destroy(), 20));
  }

  function deliverFolder(response: ServerResponse, whole: boolean): undefined {
    response.writeHead(200, { 'Content-Type': 'application/x-tar' });
    if (whole) response.end(content);
    else response.write(content, () => setTimeout(() => response.destroy(), 20));
  }

  it('gets a file, and goes on where it was cut', async () => {
    let requests = 0;
    const script: Script = (request, response) => deliverFile(request, response, requests++ === 1 ? 4 : undefined);
    const { code, stderr, received } = await against(script, ['snapshot', 'download', 's', '--path', '/d/a', '-o', target]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`${target}: 10B`) });
    expect(readFileSync(target)).toEqual(content);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['target']);
    expect(received.map(({ path, query, headers }) => [path, query.get('path'), headers['range']?.[0]])).toEqual([
      [`${base}/snapshots/s/proxy/download`, '/d/a', undefined],
      [`${base}/snapshots/s/proxy/download`, '/d/a', undefined],
      [`${base}/snapshots/s/proxy/download`, '/d/a', 'bytes=4-'],
    ]);
  });

  it('gets a folder', async () => {
    const { code, stderr } = await against((_, response) => deliverFolder(response, true), ['snapshot', 'download', 's', '-o', target]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: `${target}: 10B\n` });
    expect(readFileSync(target)).toEqual(content);
  });

  it('leaves nothing of a folder that was cut', async () => {
    const { code, stderr } = await against((_, response) => deliverFolder(response, false), ['snapshot', 'download', 's', '-o', target]);
    expect({ code, stderr }).toEqual({ code: 6, stderr: expect.stringMatching(/aborted|socket hang up|ECONNRESET/) });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('writes to standard output', async () => {
    expect((await against((request, response) => deliverFile(request, response), 'snapshot download s --path /a -o -')).stdout).toBe(
      '0123456789',
    );
    expect((await against((_, response) => deliverFolder(response, true), 'snapshot download s -o -')).stdout).toBe('0123456789');
  });

  it('replaces nothing without --force, and tells why it is refused', async () => {
    writeFileSync(target, 'mine');
    for (const script of [(_, response) => deliverFolder(response, true), deliverFile] satisfies Script[])
      expect(await against(script, ['snapshot', 'download', 's', '-o', target])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is there already'),
      });
    expect(readFileSync(target, 'utf8')).toBe('mine');
    const refused = await against(
      () => status(409, 'Conflict', 'it is InProgress'),
      ['snapshot', 'download', 's', '-o', join(folder, 'x')],
    );
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('it is InProgress') });
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });
});
