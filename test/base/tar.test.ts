/** Entries with all that a file system knows, as GNU tar reads them. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { endOfTar, paddingOf, tarEntry } from '../../src/base/tar.ts';
import type { TarEntry } from '../../src/base/tar.ts';

const entry = (path: string | Buffer, more: Partial<TarEntry> = {}): TarEntry => ({
  path: Buffer.from(path),
  type: 'file',
  size: 0,
  mode: 0o644,
  uid: 0,
  gid: 0,
  user: '',
  group: '',
  modified: 0,
  ...more,
});

/** As `tar -tv` lists them. */
function listed(...entries: readonly TarEntry[]): string[] {
  const parts = entries.flatMap((one) => [tarEntry(one), Buffer.alloc(one.size), new Uint8Array(paddingOf(one.size))]);
  const args = ['--full-time', '--quoting-style=escape', '-tvf', '-'];
  const text = execFileSync('tar', args, {
    input: Buffer.concat([...parts, endOfTar]),
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' },
  });
  return text
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '));
}

describe('a tar entry', () => {
  it('has the type, the mode and the owner', () => {
    const owned = { uid: 5, gid: 6, user: 'ann', group: 'team' };
    expect(
      listed(
        entry('d/', { type: 'dir', mode: 0o1777 }),
        entry('d/f', { ...owned, mode: 0o4750, size: 700 }),
        entry('d/h', { ...owned, type: 'link', target: Buffer.from('d/f') }),
        entry('d/s', { type: 'symlink', mode: 0o777, target: Buffer.from('../x') }),
        entry('d/c', { type: 'chardev', device: { major: 1, minor: 3 } }),
        entry('d/b', { type: 'dev', device: { major: 8, minor: 300 } }),
        entry('d/p', { type: 'fifo' }),
      ),
    ).toEqual([
      'drwxrwxrwt 0/0 0 1970-01-01 00:00:00 d/',
      '-rwsr-x--- ann/team 700 1970-01-01 00:00:00 d/f',
      'hrw-r--r-- ann/team 0 1970-01-01 00:00:00 d/h link to d/f',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 d/s -> ../x',
      'crw-r--r-- 0/0 1,3 1970-01-01 00:00:00 d/c',
      'brw-r--r-- 0/0 8,300 1970-01-01 00:00:00 d/b',
      'prw-r--r-- 0/0 0 1970-01-01 00:00:00 d/p',
    ]);
  });

  it('may have what does not fit into its header', () => {
    const long = 'n'.repeat(300);
    expect(listed(entry('a', { uid: 1_000_660_000, gid: 2 ** 32 - 2 }))).toEqual([
      '-rw-r--r-- 1000660000/4294967294 0 1970-01-01 00:00:00 a',
    ]);
    expect(listed(entry('a', { user: 'ü', group: 'g'.repeat(40) }))).toEqual([`-rw-r--r-- ü/${'g'.repeat(40)} 0 1970-01-01 00:00:00 a`]);
    expect(listed(entry('a', { modified: 1_767_323_045_678 }), entry('b', { modified: -86_400_000 }))).toEqual([
      '-rw-r--r-- 0/0 0 2026-01-02 03:04:05.678 a',
      '-rw-r--r-- 0/0 0 1969-12-31 00:00:00 b',
    ]);
    expect(listed(entry('s', { type: 'symlink', target: Buffer.from(long) }))).toEqual([expect.stringContaining(` s -> ${long}`)]);
    expect(listed(entry(`${long}/`, { type: 'dir' }))).toEqual([expect.stringContaining(` ${long}/`)]);
    for (const length of [98, 99, 100, 101, 254, 255, 256, 257])
      expect(listed(entry(`${'d'.repeat(length)}/`, { type: 'dir' }))).toEqual([expect.stringContaining(` ${'d'.repeat(length)}/`)]);
  });

  it('may have a name that is no text', () => {
    expect(listed(entry(Buffer.from([0x61, 0xff, 0x0a])))).toEqual([expect.stringMatching(/ a\\377\\n$/)]);
  });

  it('may be larger than 8 GiB', () => {
    const size = 9 * 2 ** 30;
    const block = tarEntry(entry('large', { size }));
    expect(block.toString('latin1')).toContain(` size=${size}\n`);
    expect(tarEntry(entry('large', { size: 2 ** 33 - 1 }))).toHaveLength(512);
  });

  it('has its attributes, whatever bytes they are', () => {
    const value = Buffer.from([0xff, 0x00, 0x0a]);
    expect(tarEntry(entry('a', { attributes: [{ name: 'user.x', value }] })).toString('latin1')).toContain(
      `27 SCHILY.xattr.user.x=${value.toString('latin1')}\n`,
    );
  });
});
