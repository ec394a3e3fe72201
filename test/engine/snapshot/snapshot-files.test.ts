/** What subresources are told of the files of a Snapshot: lists, bytes, or why there are none. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { files as filesSubresource } from '../../../src/resources/files.ts';
import type { SnapshotFile } from '../../../src/resources/services.ts';
import type { Snapshot, SnapshotStatus } from '../../../src/resources/snapshot.ts';
import type { Access, Permit, Repositories, RepositoryName } from '../../../src/repository/repositories.ts';
import { callOf } from '../../machinery/sample.ts';
import { craft, listOf } from '../../repository/reading/crafted.ts';
import { bytesOf, password, prefix, quickFiles, snapshots } from '../../repository/reading/frozen.ts';
import { bodyText } from '../../resources/calls.ts';
import { alice, createWorkbench, emptyRepositories, forever } from '../workbench.ts';

async function scene(given?: Map<string, Uint8Array>, repositoryPassword = password) {
  const files = given ?? (await quickFiles());
  const asked: string[] = [];
  const repositories: Repositories = {
    ...emptyRepositories,
    access: async ({ namespace }: RepositoryName, { rights }: Permit): Promise<Access> => {
      asked.push(`${rights} ${namespace}`);
      return { path: '', username: '', password: '', repositoryPassword };
    },
  };
  return { files, asked, services: createWorkbench({ files, repositories }).engine.services };
}

const snapshotOf = (status: Partial<SnapshotStatus> = {}, metadata: object = {}): Snapshot => ({
  apiVersion: 'backup.kylon.io/v1alpha1',
  kind: 'Snapshot',
  metadata: { name: 's', namespace: 'shop', uid: 'u', ...metadata },
  spec: { source: { persistentVolumeClaimName: 'data' } },
  status: { phase: 'Completed', method: 'File', handle: snapshots.first, ...status },
});

const page = { limit: 500, continue: '', path: '' };

describe('the files of a Snapshot', () => {
  it('are listed, with all that is known of them', async () => {
    const { services, asked } = await scene();
    const { items, continue: next } = await services.files(snapshotOf(), page, alice, forever);
    expect(items.map(({ path }) => path)).toEqual(
      ['blobs.bin', 'deep', 'empty', 'hello.txt', 'many', 'n'.repeat(120), 'odd', 'several.txt', 'sparse', 'three'].map(
        (name) => `/${name}`,
      ),
    );
    expect(next).toBe('');
    expect(items[3]).toEqual({
      name: 'hello.txt',
      path: '/hello.txt',
      type: 'File',
      size: 6,
      mode: '4755',
      uid: 0,
      gid: 0,
      user: 'root',
      group: 'root',
      modificationTime: '2026-01-02T03:04:05Z',
    });
    const deep = await services.files(snapshotOf(), { ...page, path: 'deep/' }, alice, forever);
    expect(deep.items.map(({ path, type, linkTarget }) => [path, type, linkTarget])).toEqual([
      ['/deep/broken', 'SymbolicLink', 'no\nwhere'],
      ['/deep/er', 'Directory', undefined],
      ['/deep/link', 'SymbolicLink', '../hello.txt'],
      ['/deep/null', 'CharDevice', undefined],
      ['/deep/one', 'File', undefined],
      ['/deep/pipe', 'NamedPipe', undefined],
    ]);
    expect((await services.files(snapshotOf(), { ...page, path: '/deep/link' }, alice, forever)).items).toMatchObject([
      { path: '/deep/link' },
    ]);
    expect(asked).toEqual(['read shop']);
  });

  it('are told by the subresource with their size, their time, and what a link holds', async () => {
    const { services } = await scene();
    const listed = async (path: string) => {
      const answer = await filesSubresource.handle(snapshotOf(), callOf({ query: new URLSearchParams({ path }) }), services);
      return (JSON.parse(await bodyText(answer)) as { items: SnapshotFile[] }).items;
    };
    const modificationTime = '2026-01-02T03:04:05Z';
    expect(await listed('/hello.txt')).toMatchObject([{ path: '/hello.txt', type: 'File', size: 6, modificationTime }]);
    const deep = await listed('/deep');
    expect(deep.find(({ name }) => name === 'one')).toMatchObject({ type: 'File', size: 7, modificationTime });
    const link = { type: 'SymbolicLink', size: 0, modificationTime, linkTarget: '../hello.txt' };
    expect(deep.find(({ name }) => name === 'link')).toMatchObject(link);
  });

  it('come page by page, each with a token that is good for its folder only', async () => {
    const { services } = await scene();
    const first = await services.files(snapshotOf(), { limit: 1999, continue: '', path: '/many' }, alice, forever);
    const rest = await services.files(snapshotOf(), { limit: 1999, continue: first.continue, path: 'many' }, alice, forever);
    expect([first.items.length, rest.items.length, rest.continue]).toEqual([1999, 1001, '']);
    expect([first.items.at(-1)?.name, rest.items[0]?.name]).toEqual(['file-1998', 'file-1999']);
    for (const [path, token] of [
      ['/deep', first.continue],
      ['/many', 'x'],
      ['/many', Buffer.from('a/1').toString('base64url')],
    ] as const)
      await expect(services.files(snapshotOf(), { limit: 9, continue: token, path }, alice, forever)).rejects.toMatchObject({ code: 400 });
  });

  it('are read, whole and in ranges, under a tag of their content', async () => {
    const { services } = await scene();
    const read = async (status: object, path: string, range?: { start: number; length: number }) => {
      const found = await services.download(snapshotOf(status), path, alice, forever);
      return { ...found, text: String(await bytesOf(await found.read(range, forever))) };
    };
    const one = await read({}, '/hello.txt');
    expect(one).toMatchObject({ name: 'hello.txt', file: { size: 6, tag: expect.stringMatching(/^[0-9a-f]{64}$/) }, text: 'hello\n' });
    const two = await read({ handle: snapshots.second }, '/hello.txt');
    expect(two).toMatchObject({ file: { size: 8 }, text: 'changed\n' });
    expect(two.file?.tag).not.toBe(one.file?.tag);
    expect((await read({ handle: snapshots.second }, '/several.txt')).file).toEqual((await read({}, '/several.txt')).file);
    expect((await read({}, '/several.txt', { start: 2_000_000, length: 40 })).text).toBe(
      Array.from({ length: 100_000 }, (_, n) => `this is the line with the number ${n}\n`)
        .join('')
        .slice(2_000_000, 2_000_040),
    );
  });

  it('come as a tar file, of a folder or of all', async () => {
    const { services } = await scene();
    const namesIn = async (path: string) => {
      const { name, file, read } = await services.download(snapshotOf(), path, alice, forever);
      expect(file).toBeUndefined();
      const input = await bytesOf(await read(undefined, forever));
      return { name, names: execFileSync('tar', ['-tf', '-'], { input }).toString().split('\n') };
    };
    expect(await namesIn('/deep/er')).toEqual({ name: 'er', names: ['er/', 'er/two', ''] });
    expect(await namesIn('')).toMatchObject({ name: '', names: expect.arrayContaining(['hello.txt', 'many/', 'many/file-2999']) });
  });

  it('are one file without a name where the volume is a device', async () => {
    const { services } = await scene();
    const device = snapshotOf({ handle: snapshots.device });
    expect((await services.files(device, page, alice, forever)).items).toMatchObject([
      { name: '/', path: '/', type: 'File', size: 110_000 },
    ]);
    const { name, file, read } = await services.download(device, '', alice, forever);
    expect({ name, size: file?.size, text: String(await bytesOf(await read({ start: 4, length: 17 }, forever))) }).toEqual({
      name: '',
      size: 110_000,
      text: 'bytes of a device',
    });
    await expect(services.files(device, { ...page, path: '/x' }, alice, forever)).rejects.toMatchObject({ code: 404 });
  });

  it('are refused by paths that are bad, and not found by those that name nothing', async () => {
    const { services } = await scene();
    for (const path of ['/deep/../hello.txt', 'a//b', '\0'])
      for (const asked of [
        services.files(snapshotOf(), { ...page, path }, alice, forever),
        services.download(snapshotOf(), path, alice, forever),
      ])
        await expect(asked).rejects.toMatchObject({ code: 400, reason: 'BadRequest' });
    await expect(services.files(snapshotOf(), { ...page, path: '/no' }, alice, forever)).rejects.toMatchObject({
      code: 404,
      message: 'snapshot "s" holds no file "/no"',
    });
    await expect(services.download(snapshotOf(), '/deep/link/x', alice, forever)).rejects.toMatchObject({ code: 404 });
    await expect(services.download(snapshotOf(), '/deep/link', alice, forever)).rejects.toMatchObject({
      code: 400,
      message: 'path: "/deep/link" is a SymbolicLink, which has no content and is not followed',
    });
  });

  it('are refused of a folder whose list is too large, which is no damage, and are there beside it', async () => {
    const large = { name: 'large', type: 'dir', nodes: [{ name: 'in-it', type: 'file', size: 0 }] };
    const volume = { name: 'volume', type: 'dir', nodes: [{ name: 'a', type: 'file', size: 0 }, large] };
    const { snapshot: handle, files } = craft([volume], { more: listOf('in-it', 129 << 20) });
    const stored = new Map([...files].map(([key, bytes]) => [key.replace(/^r\//, prefix), bytes]));
    const { services } = await scene(stored, 'crafted');
    const crafted = snapshotOf({ handle });
    expect((await services.files(crafted, page, alice, forever)).items.map(({ path }) => path)).toEqual(['/a', '/large']);
    const { read } = await services.download(crafted, '/large', alice, forever);
    const message = 'path: the list of the folder "/large" has 135266304 bytes, more than the 134217728 that can be read';
    for (const refused of [
      () => services.files(crafted, { ...page, path: '/large' }, alice, forever),
      () => services.download(crafted, '/large/in-it', alice, forever),
      () => read(undefined, forever),
    ])
      await expect(refused()).rejects.toMatchObject({ code: 400, reason: 'BadRequest', message });
  });

  it('are not there where the Snapshot has none in the store, for a reason that is told', async () => {
    const { services, asked } = await scene();
    const cases: [Snapshot, object][] = [
      [snapshotOf({ phase: 'New' }), { code: 409, message: expect.stringContaining('it is New;') }],
      [snapshotOf({ phase: 'InProgress' }), { code: 409, message: expect.stringContaining('it is InProgress;') }],
      [snapshotOf({ phase: 'Failed', failureReason: 'Why: so' }), { code: 404, message: expect.stringContaining('it failed: Why: so') }],
      [snapshotOf({ phase: 'Deleting' }), { code: 410 }],
      [snapshotOf({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), { code: 410 }],
    ];
    for (const [snapshot, error] of cases) {
      await expect(services.files(snapshot, page, alice, forever)).rejects.toMatchObject(error);
      await expect(services.download(snapshot, '/', alice, forever)).rejects.toMatchObject(error);
    }
    expect(asked).toEqual([]);
  });

  it('that are damaged or missing are named', async () => {
    const { services, files } = await scene();
    const found = await services.download(snapshotOf(), '/hello.txt', alice, forever);
    for (const key of [...files.keys()].filter((key) => key.startsWith(`${prefix}data/`))) files.delete(key);
    await expect(found.read(undefined, forever)).rejects.toMatchObject({
      code: 500,
      message: expect.stringMatching(/restic\/data\/.*: it is missing/),
    });
    await expect(services.files(snapshotOf({ handle: 'f'.repeat(64) }), page, alice, forever)).rejects.toMatchObject({
      code: 500,
      message: expect.stringContaining(`${prefix}snapshots/${'f'.repeat(64)}: it is missing`),
    });
  });
});
