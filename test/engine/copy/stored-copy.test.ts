/** A copy of a volume in a store: written from a tar file, and read as files, as folders, and as a tar file again. */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfTar, gnuEntry } from '../../../src/base/tar.ts';
import { CopiedFiles } from '../../../src/engine/copy/copied-files.ts';
import { copiedTar, extentOf } from '../../../src/engine/copy/copied-tar.ts';
import { keyOf, namesIn } from '../../../src/engine/copy/copy-format.ts';
import { CopyWriter } from '../../../src/engine/copy/copy-writer.ts';
import type { CopySummary } from '../../../src/engine/copy/copy-writer.ts';
import { EntriesWriter } from '../../../src/engine/copy/entries-writer.ts';
import { openCopy } from '../../../src/engine/copy/stored-copy.ts';
import { randomIds } from '../../../src/base/ids.ts';
import { encrypted } from '../../../src/objectstore/encryption/encrypted.ts';
import { keysOf } from '../../objectstore/keyrings.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import { forever } from '../workbench.ts';
import { longName, oddVolume, tarOf, told, untar } from './volume-tar.ts';

const folder = 'd/x/snapshots/u/r';
const page = { limit: 500, continue: '', path: '' };

async function write(store: ObjectStore, tar: Uint8Array, pieceBytes = 100_000): Promise<CopySummary> {
  const writer = new CopyWriter(store, folder, forever);
  for (let at = 0; at < tar.length; at += pieceBytes) await writer.push(tar.subarray(at, at + pieceBytes));
  expect(writer.isWhole).toBe(true);
  return writer.finish();
}

async function copied(tar: Uint8Array) {
  const files = new Map<string, Uint8Array>();
  const store = memoryStore(files);
  const summary = await write(store, tar);
  const copy = await openCopy(store, folder, summary.handle, forever);
  return { files, store, summary, copy, tree: new CopiedFiles(copy, summary.handle) };
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function downloadOf(tree: CopiedFiles, path: readonly string[], range?: { start: number; length: number }): Promise<Buffer> {
  const found = await tree.download(path, forever);
  return bytesOf(await found!.read(range, forever));
}

describe('a copy of a volume', () => {
  it('lists what each folder holds, in order of names, with all that is known', async () => {
    const { tree, summary } = await copied(tarOf(oddVolume()));
    const { items } = (await tree.page([], page, forever))!;
    const names = ['-rf', 'caf\uFFFD', 'conf', 'conf.d', 'empty', 'line\nbreak and space ', longName, 'other', 'out', 'sparse'];
    expect(items.map(({ name }) => name)).toEqual(names);
    expect(items.find(({ name }) => name === 'out')).toMatchObject({ type: 'SymbolicLink', linkTarget: '/etc/passwd', path: '/out' });
    const conf = (await tree.page(['conf'], page, forever))!.items;
    expect(conf.map(({ path, type, size }) => [path, type, size])).toEqual([
      ['/conf/app.yaml', 'File', 12],
      ['/conf/current', 'SymbolicLink', 0],
      ['/conf/deep', 'Directory', 0],
    ]);
    expect(await tree.entry(['empty'], forever)).toMatchObject({ size: 0, modificationTime: '2001-09-09T01:46:40Z' });
    expect(await tree.entry(['other', 'same'], forever)).toMatchObject({ type: 'File', size: 12, mode: '0640', path: '/other/same' });
    expect(await tree.entry(['nothing'], forever)).toBeUndefined();
    expect(await tree.entry(['conf', 'app.yaml', 'deeper'], forever)).toBeUndefined();
    expect(summary.files).toBe(17);
  });

  it('gives pages that together are all', async () => {
    const { tree } = await copied(tarOf(oddVolume()));
    const names: string[] = [];
    let next = '';
    do {
      const { items, continue: token } = (await tree.page([], { ...page, limit: 3, continue: next }, forever))!;
      names.push(...items.map(({ name }) => name));
      next = token;
    } while (next !== '');
    const all = (await tree.page([], page, forever))!.items.map(({ name }) => name);
    expect(names).toEqual(all);
    await expect(tree.page(['conf'], { ...page, continue: Buffer.from('x').toString('base64url') }, forever)).rejects.toThrow(
      'continue key',
    );
  });

  it('gives a file, ranges of it, and one by the name that is shown', async () => {
    const { tree } = await copied(tarOf(oddVolume()));
    expect((await downloadOf(tree, ['conf', 'app.yaml'])).toString()).toBe('replicas: 3\n');
    expect((await downloadOf(tree, ['other', 'same'])).toString()).toBe('replicas: 3\n');
    expect((await downloadOf(tree, ['conf', 'app.yaml'], { start: 10, length: 100 })).toString()).toBe('3\n');
    const sparse = await downloadOf(tree, ['sparse'], { start: 0, length: 2_500_000 });
    expect([sparse.length, sparse.toString('latin1', 0, 2)]).toEqual([2_500_000, 'x\0']);
    expect((await downloadOf(tree, ['caf\uFFFD'])).toString()).toBe('latin');
    await expect(tree.download(['out'], forever)).rejects.toThrow('SymbolicLink');
  });

  it.each([['tar'], ['busybox']])('comes back whole, as %s unpacks it', async (program) => {
    const root = oddVolume();
    const { copy } = await copied(tarOf(root));
    const record = (await copy.find('', forever))!;
    const form = { write: gnuEntry, hasRoot: true };
    const tar = await bytesOf(copiedTar(copy, [], await extentOf(copy, record, [], forever), form, forever));
    const times = program === 'tar';
    expect(told(untar(tar, times ? ['tar'] : ['busybox', 'tar']), times)).toBe(told(root, times));
  });

  it('gives a folder with what its links lead to, under its own name', async () => {
    const { tree } = await copied(tarOf(oddVolume()));
    const root = untar(await downloadOf(tree, ['other']));
    expect(readFileSync(join(root, 'other/same'), 'utf8')).toBe('replicas: 3\n');
    const conf = untar(await downloadOf(tree, ['conf']));
    expect(readFileSync(join(conf, 'conf/deep/below'), 'utf8')).toBe('b'.repeat(5000));
    expect(readlinkSync(join(conf, 'conf/current'))).toBe('app.yaml');
    const whole = oddVolume();
    const { tree: other } = await copied(tarOf(whole));
    expect(told(untar(await downloadOf(other, [])))).toBe(told(whole));
  });

  it('is of nothing where the volume is empty', async () => {
    const { tree, summary } = await copied(Buffer.concat([gnuEntry({ ...entry, path: Buffer.from('./'), type: 'dir' }), endOfTar]));
    expect(summary).toMatchObject({ files: 1, contentBytes: 0 });
    expect(await tree.page([], page, forever)).toEqual({ items: [], continue: '' });
    expect((await downloadOf(tree, [])).length).toBe(endOfTar.length);
  });

  it('puts many more files in order than it holds in memory, and leaves nothing else behind', async () => {
    const count = 120_000;
    const names = Array.from({ length: count }, (_, n) => `${(n * 7919) % count}`);
    const tar = Buffer.concat([
      gnuEntry({ ...entry, path: Buffer.from('./'), type: 'dir' }),
      ...names.map((name) => gnuEntry({ ...entry, path: Buffer.from(`./${name}`), type: 'file' })),
      endOfTar,
    ]);
    const { tree, files } = await copied(tar);
    const { items } = (await tree.page([], { ...page, limit: count + 1 }, forever))!;
    expect(items.map(({ name }) => name)).toEqual(names.toSorted());
    expect([...files.keys()].map((key) => key.slice(folder.length + 1)).toSorted()).toEqual([
      'entries',
      'index',
      'members/0000000000',
      'volume.tar.gz',
    ]);
  }, 60_000);

  it.each([
    ['twice', ['./a', './a']],
    ['out of the volume', ['../a']],
    ['from the root of the machine', ['/etc/passwd']],
  ])('is refused where a name comes %s', async (_, paths) => {
    const tar = Buffer.concat([...paths.map((path) => gnuEntry({ ...entry, path: Buffer.from(path), type: 'file' })), endOfTar]);
    await expect(write(memoryStore(new Map()), tar)).rejects.toThrow('tar');
  });

  it('is refused where a name is longer than any that the index could hold', async () => {
    const nameOf = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, at) => (at % 200 === 199 ? '/' : '\x01')).join(''));
    const tarWith = (path: Buffer, target: Buffer) => Buffer.concat([gnuEntry({ ...entry, path, type: 'symlink', target }), endOfTar]);
    // As long as Linux takes them, and of what takes most room.
    expect((await copied(tarWith(nameOf(4_095), nameOf(4_095)))).summary.files).toBe(1);
    const refused = { reason: 'TarRefused', message: expect.stringContaining('too long') };
    await expect(write(memoryStore(new Map()), tarWith(nameOf(70_000), nameOf(1)))).rejects.toMatchObject(refused);
    await expect(write(memoryStore(new Map()), tarWith(nameOf(1), nameOf(70_000)))).rejects.toMatchObject(refused);
  });

  it('is refused where the names take more room than the index has', async () => {
    const writer = new EntriesWriter(memoryStore(new Map()), folder, forever);
    const record = { ...entry, type: 'file', start: 0, at: 0 } as const;
    for (let count = 0; count < 1_200; count++) {
      writer.add({ ...record, key: `${count}`.padEnd(60_000, '-') });
      if (writer.isFull) await writer.spill();
    }
    await expect(writer.finish()).rejects.toMatchObject({ reason: 'TooManyFiles', message: expect.stringContaining('1200 files') });
  }, 60_000);

  it('is the same in a store that encrypts, where nothing of it can be read', async () => {
    const files = new Map<string, Uint8Array>();
    const store = encrypted(memoryStore(files), keysOf('a'), randomIds);
    const root = oddVolume();
    const { handle } = await write(store, tarOf(root));
    const tree = new CopiedFiles(await openCopy(store, folder, handle, forever), handle);
    expect(told(untar(await downloadOf(tree, [])))).toBe(told(root));
    for (const [key, bytes] of files) {
      expect(Buffer.from(bytes).subarray(0, 4).toString(), key).toBe('KYE1');
      expect(Buffer.from(bytes).includes(Buffer.from([0x1f, 0x8b, 8, 0]))).toBe(false);
    }
  });

  it('is not whole before the end of the tar file, and given up it leaves nothing', async () => {
    const files = new Map<string, Uint8Array>();
    const tar = tarOf(oddVolume());
    const writer = new CopyWriter(memoryStore(files), folder, forever);
    await writer.push(tar.subarray(0, tar.length / 2));
    expect(writer.isWhole).toBe(false);
    await writer.abort(new Error('cut'));
    expect([...files.keys()]).toEqual([]);
  });

  it('tells damage wherever it is', async () => {
    const { files, store, summary } = await copied(tarOf(oddVolume()));
    const everything = async () => {
      const copy = await openCopy(store, folder, summary.handle, forever);
      const record = (await copy.find('', forever))!;
      await bytesOf(copiedTar(copy, [], await extentOf(copy, record, [], forever), { write: gnuEntry, hasRoot: true }, forever));
    };
    await everything();
    const written = Array.from(files);
    for (const [key, bytes] of written) {
      const damaged = Buffer.from(bytes);
      damaged[damaged.length >> 1]! ^= 1;
      files.set(key, damaged);
      await expect(everything(), key).rejects.toThrow(key.slice(folder.length));
      files.delete(key);
      await expect(everything(), key).rejects.toThrow(key.slice(folder.length));
      files.set(key, bytes);
    }
  });
});

describe('the key of a file', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..');

  it('has its names, and keeps what a folder holds together, before what lies deeper', () => {
    fc.assert(
      fc.property(fc.array(fc.array(name, { maxLength: 4 }), { maxLength: 20 }), (paths) => {
        for (const names of paths) expect(namesIn(keyOf(names))).toEqual(names);
        const folders = paths
          .map(keyOf)
          .toSorted(byUnits)
          .map((key) => namesIn(key).slice(0, -1).join('/'));
        const runs = folders.filter((one, index) => one !== folders[index - 1]);
        expect(new Set(runs).size).toBe(runs.length);
      }),
    );
  });
});

const byUnits = (left: string, right: string) => (left < right ? -1 : Number(left > right));

const entry = { size: 0, mode: 0o644, uid: 0, gid: 0, user: '', group: '', modified: 0 };
