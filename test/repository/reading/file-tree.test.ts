/** What restic has written, read by path and by page, and every fault that a repository may have told in one sentence. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { StoreDamaged } from '../../../src/objectstore/objectstore.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import type { FileEntry } from '../../../src/repository/reading/entries.ts';
import type { FileTree } from '../../../src/repository/reading/file-tree.ts';
import { KeptIndexes } from '../../../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../../../src/repository/reading/open-repositories.ts';
import { wholeForm } from '../../../src/repository/reading/tar-of.ts';
import { bytesOf, frozenFiles, indexOfSecond, never, openFrozen, password, prefix, quickFiles, snapshots } from './frozen.ts';

const tree = await openFrozen(frozenFiles(), snapshots.first);

async function found(path: string, inside = tree): Promise<FileEntry> {
  return (await inside.entry(path, never)) ?? expect.fail(`${path} is not there`);
}

const contentOf = async (path: string, span?: { start: number; length: number }, inside: FileTree = tree) =>
  bytesOf(inside.content(await found(path, inside), path, span, never));

const lines = Buffer.from(Array.from({ length: 100_000 }, (_, n) => `this is the line with the number ${n}\n`).join(''));

describe('the files of a snapshot', () => {
  it('are found by path, with all that is known of them', async () => {
    expect(await found('/hello.txt')).toMatchObject({
      name: 'hello.txt',
      type: 'file',
      size: 6,
      mode: 0o4755,
      uid: 0,
      user: 'root',
      links: 1,
    });
    expect(await found('hello.txt')).toMatchObject({ modified: Date.parse('2026-01-02T03:04:05.678Z') });
    expect(await found('deep/one')).toMatchObject({ uid: 1_000_660_000, gid: 1_000_660_001, links: 3 });
    expect(await found('/deep/er/')).toMatchObject({ type: 'dir', mode: 0o1777 });
    expect(await found('/deep/link')).toMatchObject({ type: 'symlink', linkTarget: Buffer.from('../hello.txt') });
    expect(await found('/deep/null')).toMatchObject({ type: 'chardev', device: 0x103 });
    expect(await found('/deep/pipe')).toMatchObject({ type: 'fifo', size: 0 });
    expect(await found('/')).toMatchObject({ type: 'dir', name: '' });
    expect((await found('hello.txt')).attributes).toEqual([
      { name: 'user.note', value: Buffer.from('remember') },
      { name: 'user.binary', value: Buffer.from([0xff, 0, 0xfe]) },
    ]);
  });

  it('are not found where there are none, nor through a link or a file', async () => {
    for (const path of ['/nothing', '/deep/nothing', '/deep/link/x', '/hello.txt/x', '/Hello.txt', '/deep/e', '/deep/err'])
      expect([path, await tree.entry(path, never)]).toEqual([path, undefined]);
  });

  it.each(['/deep/../hello.txt', 'deep//one', './deep', '/deep/\0', '..'])('refuse the path %j', async (path) => {
    await expect(tree.entry(path, never)).rejects.toMatchObject({
      name: 'PathRefused',
      message: expect.stringContaining(JSON.stringify(path)),
    });
  });

  it('may have any name', async () => {
    const { entries } = await tree.list(await found('/odd'), '/odd', { limit: 100, start: 0 }, never);
    expect(entries.map(({ nameBytes }) => nameBytes.toString('latin1'))).toEqual([
      '-dash',
      'bytes-\xff\xfe',
      ...['nbsp-\u00a0', 'new\nline', 'percent%41+', 'quote"back\\slash', 'tab\tbell\x07', 'umlaut-ü-😀', 'with space', 'é'].map((name) =>
        Buffer.from(name).toString('latin1'),
      ),
    ]);
    for (const { name, nameBytes } of entries)
      expect(await contentOf(`/odd/${name}`)).toEqual(Buffer.concat([Buffer.from('odd: '), nameBytes]));
  });

  it('are listed page by page, in order', async () => {
    const many = await found('/many');
    const names: string[] = [];
    for (let start: number | undefined = 0; start !== undefined;) {
      const { entries, next } = await tree.list(many, '/many', { limit: 700, start }, never);
      names.push(...entries.map(({ name }) => name));
      start = next;
    }
    expect(names).toEqual(Array.from({ length: 3000 }, (_, n) => `file-${String(n).padStart(4, '0')}`));
    expect(await tree.list(many, '/many', { limit: 5, start: 3000 }, never)).toEqual({ entries: [], next: undefined });
  });

  it('are read whole: empty, sparse, of one piece and of several', async () => {
    expect(await contentOf('/empty')).toHaveLength(0);
    expect(await contentOf('/hello.txt')).toEqual(Buffer.from('hello\n'));
    expect((await contentOf('/sparse')).equals(Buffer.concat([Buffer.alloc(3 << 20), Buffer.from('end')]))).toBe(true);
    expect((await found('/several.txt')).content.length / 32).toBeGreaterThan(2);
    expect((await contentOf('/several.txt')).equals(lines)).toBe(true);
  });

  it('are read in part', async () => {
    const { size } = await found('/several.txt');
    const starts = [0, 1, 1 << 20, (1 << 20) + 7, size - 1];
    for (const start of starts)
      for (const length of [1, 1000, size - start].filter((one) => start + one <= size))
        expect(
          (await contentOf('/several.txt', { start, length })).equals(lines.subarray(start, start + length)),
          `${start}+${length}`,
        ).toBe(true);
  });

  it('are those of their snapshot, compressed or not', async () => {
    const later = await openFrozen(await quickFiles(), snapshots.second);
    expect(await contentOf('/hello.txt', undefined, later)).toEqual(Buffer.from('changed\n'));
    expect((await contentOf('/several.txt', undefined, later)).equals(lines)).toBe(true);
  });

  it('may lie in a repository of version 1', async () => {
    const old = await openFrozen(await quickFiles('v1'), snapshots.ofVersion1);
    expect(await contentOf('/hello.txt', undefined, old)).toEqual(Buffer.from('changed\n'));
    expect(await found('/deep/er/two', old)).toMatchObject({ links: 2 });
  });
});

const wholeLast = { type: 'file', size: 0, mode: 0o600, uid: 0, gid: 0, user: '', group: '', modified: 0 } as const;

describe('a tar file of a folder', () => {
  const listed = async (path: string, inside = tree) => {
    const tar = await bytesOf(inside.archive(await found(path, inside), path, wholeForm, never));
    const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
    const text = execFileSync('tar', ['-tvf', '-', '--numeric-owner', '--full-time', '--quoting-style=escape'], { input: tar, env });
    return text
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '));
  };

  it('holds modes, owners, times, links and devices, below the name of the folder', async () => {
    expect(await listed('/deep')).toEqual([
      'drwxr-xr-x 0/0 0 2026-01-02 03:04:05.678 deep/',
      'lrwxrwxrwx 0/0 0 2026-01-02 03:04:05.678 deep/broken -> no\\nwhere',
      'drwxrwxrwt 0/0 0 2026-01-02 03:04:05.678 deep/er/',
      '-rw-r--r-- 1000660000/1000660001 7 2026-01-02 03:04:05.678 deep/er/two',
      'lrwxrwxrwx 0/0 0 2026-01-02 03:04:05.678 deep/link -> ../hello.txt',
      'crw-r--r-- 0/0 1,3 2026-01-02 03:04:05.678 deep/null',
      'hrw-r--r-- 1000660000/1000660001 0 2026-01-02 03:04:05.678 deep/one link to deep/er/two',
      'prw-r--r-- 0/0 0 2026-01-02 03:04:05.678 deep/pipe',
    ]);
  });

  it('holds all of the volume, whatever its name', async () => {
    const lines = await listed('/');
    expect(lines).toHaveLength(3028);
    expect(lines).toContainEqual(expect.stringContaining(`${'n'.repeat(120)}/${'n'.repeat(120)}`));
    expect(lines).toContainEqual(expect.stringMatching(/ odd\/bytes-\\377\\376$/));
    expect(lines.at(-1)).toMatch(/ three link to deep\/er\/two$/);
    expect(lines).toContainEqual(expect.stringMatching(/^-rw-r--r-- 0\/0 3888890 .* several.txt$/));
  });

  it('may be of one file alone, under each of its names, or of a link', async () => {
    expect(await listed('/hello.txt')).toEqual(['-rwsr-xr-x 0/0 6 2026-01-02 03:04:05.678 hello.txt']);
    const owners = '1000660000/1000660001';
    expect(await listed('/deep/one')).toEqual([`-rw-r--r-- ${owners} 7 2026-01-02 03:04:05.678 one`]);
    expect(await listed('/deep/er/two')).toEqual([`-rw-r--r-- ${owners} 7 2026-01-02 03:04:05.678 two`]);
    expect(await listed('/deep/link')).toEqual(['lrwxrwxrwx 0/0 0 2026-01-02 03:04:05.678 link -> ../hello.txt']);
  });

  it('holds as much as is said before', async () => {
    const sizeOf = async (path: string) => tree.contentOf(await found(path), path, never);
    expect(await sizeOf('/deep')).toEqual({ count: 8, contentBytes: 7 });
    expect(await sizeOf('/deep/one')).toEqual({ count: 1, contentBytes: 7 });
    expect(await sizeOf('/deep/link')).toEqual({ count: 1, contentBytes: 0 });
    // With the root, which this form leaves out.
    expect(await sizeOf('/')).toMatchObject({ count: 1 + (await listed('/')).length });
  });

  it('ends behind what is to come last', async () => {
    const last = { ...wholeLast, path: Buffer.from('end') };
    const tar = await bytesOf(tree.archive(await found('/deep/one'), '/deep/one', { ...wholeForm, last }, never));
    expect(execFileSync('tar', ['-tf', '-'], { input: tar }).toString()).toBe('one\nend\n');
  });

  it('ends when it is not read any more', async () => {
    const reading = tree.archive(await found('/'), '/', wholeForm, never)[Symbol.asyncIterator]();
    await reading.next();
    expect(await reading.return?.()).toMatchObject({ done: true });
  });
});

describe('a repository', () => {
  const damaged = async (change: (files: Map<string, Uint8Array>) => void) => {
    const files = await quickFiles();
    change(files);
    return contentOf('/odd/new\nline', undefined, await openFrozen(files, snapshots.first));
  };
  const keysIn = (files: Map<string, Uint8Array>, folder: string) =>
    [...files.keys()].filter((key) => key.startsWith(`${prefix}${folder}/`));
  const flipped = (folder: string) => (files: Map<string, Uint8Array>) => {
    for (const key of keysIn(files, folder))
      files.set(
        key,
        files.get(key)!.map((byte, at) => (at % 40 === 30 ? byte ^ 1 : byte)),
      );
  };
  const without = (folder: string) => (files: Map<string, Uint8Array>) => {
    for (const key of keysIn(files, folder)) files.delete(key);
  };

  it.each<[string, (files: Map<string, Uint8Array>) => void, RegExp]>([
    ['no key', without('keys'), /^d\/domain\/volumes\/shop\/restic\/keys\/: there is no key, so nothing in the repository can be read$/],
    ['a damaged key', flipped('keys'), /restic\/keys\/[0-9a-f]{64}: its bytes are not those that were written \(sha256\)$/],
    ['no snapshot', without('snapshots'), /restic\/snapshots\/[0-9a-f]{64}: it is missing$/],
    ['a damaged snapshot', flipped('snapshots'), /restic\/snapshots\/[0-9a-f]{64}: its bytes are not those/],
    ['no index', without('index'), /restic\/index\/: no file there names the blob [0-9a-f]{16}…, which \/ is made of$/],
    ['a damaged index', flipped('index'), /restic\/index\/[0-9a-f]{64}: its bytes are not those/],
    ['no packs', without('data'), /restic\/data\/[0-9a-f]{2}\/[0-9a-f]{64}: it is missing$/],
    ['damaged packs', flipped('data'), /restic\/data\/[0-9a-f]{2}\/[0-9a-f]{64}: the blob at byte \d+ is not what was written \(sha256\)$/],
  ])('with %s is told to be damaged', async (_, change, message) => {
    const error = await damaged(change).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StoreDamaged);
    expect((error as Error).message).toMatch(message);
  });

  it('that is cut short is told to be so', async () => {
    const cut = (files: Map<string, Uint8Array>) => {
      for (const key of keysIn(files, 'data')) files.set(key, files.get(key)!.subarray(0, 40));
    };
    await expect(damaged(cut)).rejects.toThrow(/restic\/data\/[0-9a-f]{2}\/[0-9a-f]{64}: it ends at 40, before byte \d+$/);
  });

  it('does not open with another password, and does when it is asked again with the right one', async () => {
    const repositories = new OpenRepositories(new KeptIndexes(memoryStore()));
    await expect(openFrozen(await quickFiles(), snapshots.first, 'wrong', repositories)).rejects.toMatchObject({
      reason: 'RepositoryKeyWrong',
      message: `${prefix}keys/: the password that Kylon has for the repository opens none of its keys (1)`,
    });
    expect(await openFrozen(await quickFiles(), snapshots.first, password, repositories)).toBeDefined();
  });

  it('is opened once, and read as far as it has grown', async () => {
    const whole = await quickFiles();
    const laterIndex = keysIn(whole, 'index').find((key) => key.endsWith(indexOfSecond)) ?? expect.fail('no index');
    const files = new Map([...whole].filter(([key]) => key !== laterIndex));
    const reads: string[] = [];
    const store = spied(memoryStore(files), reads);
    const repositories = new OpenRepositories(new KeptIndexes(memoryStore()));
    const open = async (id: string) => {
      const tree = await repositories.openTree({ store, prefix }, () => Promise.resolve(password), id, never);
      return (await tree.below('volume', never)) ?? expect.fail('no volume');
    };
    await Promise.all([open(snapshots.first), open(snapshots.first)]);
    expect(reads.filter((key) => key.includes('/keys/'))).toHaveLength(1);
    expect(reads.filter((key) => key.includes('/index/'))).toHaveLength(2);
    await expect(open(snapshots.second)).rejects.toThrow(/no file there names the blob/);
    reads.length = 0;
    files.set(laterIndex, whole.get(laterIndex)!);
    expect(await contentOf('/hello.txt', undefined, await open(snapshots.second))).toEqual(Buffer.from('changed\n'));
    expect(reads.filter((key) => key.includes('/keys/'))).toHaveLength(0);
    expect(reads.filter((key) => key.includes('/index/'))).toEqual([laterIndex]);
  });

  it('may hold a device, which is one file without a name', async () => {
    const device = await openFrozen(await quickFiles(), snapshots.device);
    const bytes = Buffer.from('the bytes of a device '.repeat(5000));
    const root = (await device.entry('/', never)) ?? expect.fail('no device');
    expect(root).toMatchObject({ name: '', type: 'file', size: bytes.length });
    expect((await bytesOf(device.content(root, '/', undefined, never))).equals(bytes)).toBe(true);
    expect([await device.entry('/volume', never), await tree.below('nothing', never)]).toEqual([undefined, undefined]);
  });

  it('is read in few requests, and not much more than is asked for', async () => {
    const reads: string[] = [];
    const files = await quickFiles();
    const store = spied(memoryStore(files), reads);
    const tree = await new OpenRepositories(new KeptIndexes(memoryStore())).openTree(
      { store, prefix },
      () => Promise.resolve(password),
      snapshots.first,
      never,
    );
    const root = await found('/volume', tree);
    reads.length = 0;
    await bytesOf(tree.archive(root, '/', wholeForm, never));
    expect(reads.length).toBeLessThan(12);
  });
});

/** The same store, which notes what is read. */
function spied(store: ObjectStore, reads: string[]): ObjectStore {
  return Object.assign(Object.create(store) as ObjectStore, {
    read: (...args: Parameters<ObjectStore['read']>) => {
      reads.push(args[0]);
      return store.read(...args);
    },
    list: (...args: Parameters<ObjectStore['list']>) => store.list(...args),
  });
}
