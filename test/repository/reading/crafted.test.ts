/** What a repository may hold that no restic has written: whoever may write to one must not harm who reads it. */
import { describe, expect, it } from 'vitest';
import type { FileTree } from '../../../src/repository/reading/file-tree.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { KeptIndexes } from '../../../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../../../src/repository/reading/open-repositories.ts';
import { wholeForm } from '../../../src/repository/reading/tar-of.ts';
import { craft, listOf, openCrafted, openFiles } from './crafted.ts';
import type { Crafted } from './crafted.ts';
import { bytesOf, never } from './frozen.ts';

const file = (name: unknown, more: object = {}): Crafted => ({ name, type: 'file', size: 2, pieces: ['ab'], ...more });
const rootOf = async (tree: FileTree) => (await tree.entry('/', never)) ?? expect.fail('no root');
const list = async (tree: FileTree) => (await tree.list(await rootOf(tree), '/', { limit: 100, start: 0 }, never)).entries;
const archive = async (tree: FileTree) => bytesOf(tree.archive(await rootOf(tree), '/', wholeForm, never));

describe('a crafted repository', () => {
  it('is read as one of restic where it is like one', async () => {
    const tree = await openCrafted([file('a'), { name: 'b', type: 'dir', nodes: [file('c', { pieces: ['x', 'yz'], size: 3 })] }]);
    expect((await list(tree)).map(({ name }) => name)).toEqual(['a', 'b']);
    const found = (await tree.entry('/b/c', never)) ?? expect.fail('no c');
    expect(String(await bytesOf(tree.content(found, '/b/c', undefined, never)))).toBe('xyz');
    expect((await archive(tree)).toString('latin1')).toContain('xyz');
  });

  it('in which one byte is another is told to be damaged, where only its hash can tell', async () => {
    const tree = await openCrafted([file('a', { pieces: ['x', 'yz'], size: 3 })], (files) => {
      for (const [key, bytes] of files)
        if (key.startsWith('r/data/'))
          files.set(
            key,
            bytes.map((byte, at) => (at === 33 + 16 ? byte ^ 1 : byte)),
          );
    });
    const found = (await tree.entry('/a', never)) ?? expect.fail('no a');
    expect(String(await bytesOf(tree.content(found, '/a', { start: 0, length: 1 }, never)))).toBe('x');
    for (const read of [bytesOf(tree.content(found, '/a', undefined, never)), archive(tree)])
      await expect(read).rejects.toThrow(/^r\/data\/[0-9a-f]{2}\/[0-9a-f]{64}: the blob at byte 33 is not what was written \(sha256\)$/);
  });

  it.each<[string, unknown]>([
    ['a slash', 'a/b'],
    ['..', '..'],
    ['.', '.'],
    ['nothing', ''],
    ['a zero byte', 'a\\x00b'],
    ['a slash in disguise', 'a\\x2fb'],
    ['an escape that is none', 'a\\qb'],
    ['an escape that is cut', 'a\\x1'],
    ['no text', 5],
    ['no such field', undefined],
  ])('with a name of %s is refused', async (_, name) => {
    const tree = await openCrafted([file(name)]);
    await expect(list(tree)).rejects.toThrow('/: what is in it is no list of files as restic writes it');
    await expect(archive(tree)).rejects.toThrow('/: what is in it is no list of files as restic writes it');
  });

  it.each([
    { size: -1 },
    { size: 1e300 },
    { size: '5' },
    { mode: 'x' },
    { uid: -1 },
    { gid: 0.5 },
    { links: null },
    { device: -4 },
    { content: ['ab'] },
    { subtree: 'xyz' },
  ])('with %j is refused', async (odd) => {
    await expect(openCrafted([{ name: 'a', type: 'file', ...odd }]).then(list)).rejects.toThrow('/: what is in it is no list of files');
  });

  it('with a name twice, or names out of order, makes no tar file: a link may not be followed by what lies behind it', async () => {
    const link = { name: 'a', type: 'symlink', linktarget: '/etc' };
    for (const nodes of [
      [link, { name: 'a', type: 'dir', nodes: [file('passwd')] }],
      [file('b'), file('a')],
    ])
      await expect(openCrafted(nodes).then(archive)).rejects.toThrow('/: the names in its list are not in order');
  });

  it('with a file of another length than it says sends no more than that, and ends with the reason', async () => {
    const read = async (size: number, span?: { start: number; length: number }) => {
      const tree = await openCrafted([file('a', { size })]);
      const found = (await tree.entry('/a', never)) ?? expect.fail('no a');
      return String(await bytesOf(tree.content(found, '/a', span, never)));
    };
    expect(await read(1)).toBe('a');
    await expect(read(3)).rejects.toThrow('/a: its pieces end 1 bytes before they should');
    await expect(read(30, { start: 20, length: 5 })).rejects.toThrow('/a: its pieces end 5 bytes before they should');
    for (const size of [1, 3])
      await expect(openCrafted([file('a', { size })]).then(archive)).rejects.toThrow(`/a: its pieces have 2 bytes instead of ${size}`);
  });

  it('with files of several names of which no inode is known keeps them apart', async () => {
    const tree = await openCrafted([file('a', { links: 2 }), file('b', { links: 2, pieces: ['cd'] })]);
    const tar = (await archive(tree)).toString('latin1');
    expect([tar.includes('ab\0'), tar.includes('cd\0')]).toEqual([true, true]);
  });

  it('with types, attributes and times that nobody knows is read all the same', async () => {
    const tree = await openCrafted([
      { name: 'a', type: 'portal', mtime: 'never', extended_attributes: null, user: 'u' },
      { name: 'b', type: 'socket' },
      file('c', { extended_attributes: [{ name: 'user.x', value: null }], subtree: null }),
    ]);
    expect(await list(tree)).toMatchObject([
      { type: 'socket', modified: undefined, user: 'u', size: 0 },
      { type: 'socket' },
      { type: 'file', attributes: [{ name: 'user.x', value: Buffer.alloc(0) }] },
    ]);
    const tar = (await archive(tree)).toString('latin1');
    expect([tar.includes('\0a\0'), tar.includes('user.x=')]).toEqual([false, true]);
  });

  it('with a folder of which there is no list says so', async () => {
    const tree = await openCrafted([{ name: 'a', type: 'dir' }]);
    const folder = (await tree.entry('/a', never)) ?? expect.fail('no a');
    await expect(tree.entry('/a/b', never)).rejects.toThrow('/a: it is a folder of which no list was written');
    await expect(async () => tree.list(folder, '/a', { limit: 1, start: 0 }, never)).rejects.toThrow(
      '/a: it is a folder of which no list was written',
    );
    await expect(archive(tree)).rejects.toThrow('/a: it is a folder of which no list was written');
  });

  it('with many files in a row holds nobody up', async () => {
    const tree = await openCrafted(
      Array.from({ length: 30_000 }, (_, n) => ({ name: `f${String(n).padStart(5, '0')}`, type: 'file', size: 0 })),
    );
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    expect((await archive(tree)).length).toBe(30_000 * 512 + 1024);
    expect(turns).toBeGreaterThan(5);
    turns = 0;
    expect(await tree.contentOf(await rootOf(tree), '/', never)).toEqual({ count: 30_001, contentBytes: 0 });
    expect(turns).toBeGreaterThan(5);
    clearInterval(timer);
  });

  it('with pieces that say they are larger than restic makes them is refused', async () => {
    const { files, snapshot } = craft([file('a')], { more: () => ({ uncompressed_length: 17 << 20 }) });
    const tree = await openFiles(files, snapshot);
    const forged = { ...(await rootOf(tree)), type: 'file' as const, size: 2, content: (await rootOf(tree)).subtree ?? Buffer.alloc(0) };
    await expect(bytesOf(tree.content(forged, '/a', undefined, never))).rejects.toThrow(
      /^r\/index\/: the blob [0-9a-f]{16}… of \/a has 17825792 bytes, more than the 16777216 that can be read$/,
    );
  });

  it('with a folder whose list is too large to be read says so of that folder, and reads all others', async () => {
    const nodes = [file('a'), { name: 'large', type: 'dir', nodes: [file('in-it')] }];
    const { files, snapshot } = craft(nodes, { more: listOf('in-it', 129 << 20) });
    const tree = await openFiles(files, snapshot);
    expect((await list(tree)).map(({ name }) => name)).toEqual(['a', 'large']);
    const error = {
      name: 'FolderTooLarge',
      message: 'the list of the folder "/large" has 135266304 bytes, more than the 134217728 that can be read',
    };
    await expect(tree.entry('/large/in-it', never)).rejects.toMatchObject(error);
    await expect(archive(tree)).rejects.toMatchObject(error);
  });

  it('whose packs were put together anew is read from the new ones', async () => {
    const repositories = new OpenRepositories(new KeptIndexes(memoryStore()));
    const folder: Crafted = { name: 'd', type: 'dir', nodes: [file('a')] };
    const { files, snapshot } = craft([folder]);
    expect(await openFiles(files, snapshot, repositories).then(list)).toHaveLength(1);
    const isOfPacks = (key: string) => /^r\/(data|index)\//.test(key);
    for (const key of [...files.keys()].filter(isOfPacks)) files.delete(key);
    for (const [key, bytes] of craft([folder, file('z', { pieces: ['cd'] })]).files) if (isOfPacks(key)) files.set(key, bytes);
    const tree = await openFiles(files, snapshot, repositories);
    const found = (await tree.entry('/d/a', never)) ?? expect.fail('no a');
    expect(String(await bytesOf(tree.content(found, '/d/a', undefined, never)))).toBe('ab');
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array | undefined]>([
    ['is missing', () => undefined],
    ['is cut', (bytes) => bytes.subarray(0, 20)],
    ['is empty', () => Buffer.of()],
    ['has other bytes', (bytes) => bytes.map((byte) => byte ^ 1)],
  ])('of which a pack %s is read from another pack that has the same, as long as there is one', async (_, harm) => {
    const folder: Crafted = { name: 'd', type: 'dir', nodes: [file('a', { pieces: ['ab', 'cd'], size: 4 })] };
    const { files, snapshot } = craft([folder]);
    for (const [key, bytes] of craft([folder, file('z')]).files) files.set(key, bytes);
    const packs = [...files].filter(([key]) => key.startsWith('r/data/'));
    expect(packs).toHaveLength(2);
    const readWithout = async (damaged: typeof packs) => {
      for (const [key, bytes] of packs) files.set(key, bytes);
      const tree = await openFiles(files, snapshot);
      // The root is in one of them alone.
      await list(tree);
      for (const [key, bytes] of damaged) {
        const harmed = harm(bytes);
        if (harmed) files.set(key, harmed);
        else files.delete(key);
      }
      const found = (await tree.entry('/d/a', never)) ?? expect.fail('no a');
      return String(await bytesOf(tree.content(found, '/d/a', undefined, never)));
    };
    for (const pack of packs) expect(await readWithout([pack])).toBe('abcd');
    await expect(readWithout(packs)).rejects.toThrow(/^r\/data\//);
  });

  it('that is another one by now is opened anew', async () => {
    const repositories = new OpenRepositories(new KeptIndexes(memoryStore()));
    const { files, snapshot } = craft([file('a')]);
    expect(await openFiles(files, snapshot, repositories).then(list)).toHaveLength(1);
    const other = craft([file('b'), file('c')], { key: Buffer.alloc(32, 8) });
    files.clear();
    for (const [key, bytes] of other.files) files.set(key, bytes);
    await expect(openFiles(files, other.snapshot, repositories)).rejects.toThrow(
      /^r\/(snapshots|index)\/[0-9a-f]{64}: what is in it is no/,
    );
    expect(await openFiles(files, other.snapshot, repositories).then(list)).toHaveLength(2);
  });
});
