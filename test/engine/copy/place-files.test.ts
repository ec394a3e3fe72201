/** The script that brings files into a volume in use, in the shells and with the programs that containers have. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endOfTar, gnuEntry, paddingOf } from '../../../src/base/tar.ts';
import type { TarType } from '../../../src/base/tar.ts';
import { temporary } from './volume-tar.ts';

const script = readFileSync(resolve(import.meta.dirname, '../../../src/engine/copy/place-files.sh'), 'utf8');
const hidden = '.kylon-u';

interface Entry {
  readonly path: string;
  readonly type?: TarType;
  readonly content?: string;
  readonly target?: string;
}

function tarOf(...entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ path, type = 'file', content = '', target }) => {
    const common = { uid: 0, gid: 0, user: '', group: '', modified: 1e12, size: content.length, mode: type === 'dir' ? 0o755 : 0o640 };
    const header = gnuEntry({ ...common, path: Buffer.from(path), type, ...(target !== undefined && { target: Buffer.from(target) }) });
    return [header, Buffer.from(content), new Uint8Array(paddingOf(content.length))];
  });
  return Buffer.concat(parts);
}

/** A folder in which every program is busybox. */
function applets(): string {
  const folder = temporary();
  for (const name of ['chmod', 'chown', 'cp', 'find', 'ls', 'mkdir', 'mv', 'rm', 'rmdir', 'sh', 'stat', 'tar'])
    symlinkSync('/bin/busybox', join(folder, name));
  return folder;
}

const whole = (...entries: readonly Entry[]) => Buffer.concat([tarOf(...entries, { path: hidden }), endOfTar]);
const greeting = { path: 'greeting', content: 'hello' };

describe.each([
  ['sh', []],
  ['busybox', ['sh']],
])('files that are placed by %s', (shell, args) => {
  const place = (root: string, input: Uint8Array, { policy = 'Skip', target = '', name = 'greeting' } = {}) => {
    const env = shell === 'busybox' ? { PATH: applets() } : process.env;
    const { status, stderr } = spawnSync(`/bin/${shell}`, [...args, '-c', script, 'sh', root, policy, hidden, target, name, '-xpf', '-'], {
      input,
      env,
      timeout: 10_000,
    });
    return { status, stderr: stderr.toString().trim() };
  };
  const seen = (root: string) => readdirSync(root).toSorted();

  it('are there, and what tells of it goes when it is asked to', () => {
    const root = temporary();
    expect(place(root, whole(greeting))).toEqual({ status: 0, stderr: '' });
    expect(readFileSync(join(root, 'greeting'), 'utf8')).toBe('hello');
    expect(seen(root)).toEqual([hidden, 'greeting']);
    // Whoever does not know that it was done asks again.
    expect(place(root, whole(greeting)).status).toBe(0);
    expect(place(root, new Uint8Array(), { policy: 'Forget' })).toEqual({ status: 0, stderr: '' });
    expect(seen(root)).toEqual(['greeting']);
    expect(place(root, new Uint8Array(), { policy: 'Forget' }).status).toBe(0);
    expect(place(root, whole(greeting))).toEqual({ status: 20, stderr: '"greeting" is there already in the volume' });
  });

  it('go into folders that are there or not, and what tells of it is found there', () => {
    const root = temporary();
    mkdirSync(join(root, 'a b'));
    expect(place(root, whole(greeting), { target: 'a b/c/d' }).status).toBe(0);
    expect(readFileSync(join(root, 'a b/c/d/greeting'), 'utf8')).toBe('hello');
    expect(place(root, whole(greeting), { target: 'a b/c/d' }).status).toBe(0);
    expect(place(root, new Uint8Array(), { policy: 'Forget', target: 'a b/c/d' }).status).toBe(0);
    expect(seen(join(root, 'a b'))).toEqual(['c']);
  });

  it('are as before where not all has come', () => {
    const root = temporary();
    writeFileSync(join(root, 'greeting'), 'old');
    for (const input of [tarOf(greeting), whole(greeting).subarray(0, 700), Buffer.concat([tarOf(greeting), endOfTar])]) {
      expect(place(root, input, { policy: 'Update' }).status).not.toBe(0);
      expect([seen(root), readFileSync(join(root, 'greeting'), 'utf8')]).toEqual([['greeting'], 'old']);
    }
  });

  it('overwrite what differs with Update, and leave what is not among them', () => {
    const root = temporary();
    mkdirSync(join(root, 'conf'));
    writeFileSync(join(root, 'conf/app'), 'longer than the new one');
    writeFileSync(join(root, 'conf/mine'), 'mine');
    const folder = [
      { path: 'conf/', type: 'dir' },
      { path: 'conf/app', content: 'new' },
      { path: 'conf/-n', content: 'x' },
    ] as const;
    expect(place(root, whole(...folder), { policy: 'Update', name: 'conf' })).toEqual({ status: 0, stderr: '' });
    expect(seen(join(root, 'conf'))).toEqual(['-n', 'app', 'mine']);
    expect(readFileSync(join(root, 'conf/app'), 'utf8')).toBe('new');
    expect(lstatSync(join(root, 'conf/app')).mode & 0o777).toBe(0o640);
    expect(seen(root)).toEqual([hidden, 'conf']);
  });

  it('follow no link: neither to the target nor in the place of a file or folder', () => {
    const [root, outside] = [temporary(), temporary()];
    writeFileSync(join(outside, 'app'), 'outside');
    symlinkSync(outside, join(root, 'link'));
    expect(place(root, whole(greeting), { target: 'link' })).toEqual({
      status: 21,
      stderr: '"link" is a symbolic link in the volume, and links are not followed',
    });
    mkdirSync(join(root, 'conf'));
    symlinkSync(outside, join(root, 'conf/sub'));
    symlinkSync(join(outside, 'app'), join(root, 'conf/app'));
    const folder: Entry[] = [
      { path: 'conf/', type: 'dir' },
      { path: 'conf/app', content: 'new' },
      { path: 'conf/sub/', type: 'dir' },
      { path: 'conf/sub/app', content: 'new' },
      { path: 'conf/fifo', type: 'fifo' },
      { path: 'conf/hard', type: 'link', target: 'conf/app' },
    ];
    for (let times = 0; times < 2; times++) {
      expect(place(root, whole(...folder), { policy: 'Update', name: 'conf' })).toEqual({ status: 0, stderr: '' });
      place(root, new Uint8Array(), { policy: 'Forget', name: 'conf' });
    }
    expect(readFileSync(join(outside, 'app'), 'utf8')).toBe('outside');
    expect(readFileSync(join(root, 'conf/sub/app'), 'utf8')).toBe('new');
    expect(lstatSync(join(root, 'conf/app')).isFile()).toBe(true);
    expect(place(root, whole(greeting), { target: 'conf/app' })).toEqual({ status: 21, stderr: '"app" is no folder in the volume' });
  });

  it('take the place of what is of another type, if it is no full folder', () => {
    const root = temporary();
    for (const folder of ['conf', 'conf/file', 'conf/link']) mkdirSync(join(root, folder));
    for (const file of ['conf/sub', 'other']) writeFileSync(join(root, file), 'a file');
    spawnSync('mkfifo', [join(root, 'conf/pipe')]);
    const folder: Entry[] = [
      { path: 'conf/', type: 'dir' },
      { path: 'conf/file', content: 'new' },
      { path: 'conf/link', type: 'symlink', target: 'file' },
      { path: 'conf/pipe', content: 'new' },
      { path: 'conf/sub/', type: 'dir' },
      { path: 'conf/sub/app', content: 'new' },
    ];
    expect(place(root, whole(...folder), { policy: 'Update', name: 'conf' })).toEqual({ status: 0, stderr: '' });
    for (const file of ['file', 'pipe', 'sub/app']) expect(readFileSync(join(root, 'conf', file), 'utf8')).toBe('new');
    expect(lstatSync(join(root, 'conf/link')).isSymbolicLink()).toBe(true);
    place(root, new Uint8Array(), { policy: 'Forget', name: 'conf' });
    expect(place(root, whole({ path: 'other/', type: 'dir' }), { policy: 'Update', name: 'other' })).toEqual({ status: 0, stderr: '' });
    expect(lstatSync(join(root, 'other')).isDirectory()).toBe(true);
  });

  it.each<[string, string, Entry]>([
    ['a file', 'greeting', greeting],
    ['a link', 'greeting', { path: 'greeting', type: 'symlink', target: 'x' }],
    ['a file in a folder', 'conf/deep/file', { path: 'conf/deep/file', content: 'new' }],
  ])('are refused where a full folder is in the place of %s, and nothing is changed', (_, path, entry) => {
    const root = temporary();
    mkdirSync(join(root, path), { recursive: true });
    writeFileSync(join(root, path, '.full'), 'old');
    const name = path.split('/')[0]!;
    const around: Entry[] = [
      { path: 'conf/', type: 'dir' },
      { path: 'conf/a', content: 'new' },
      { path: 'conf/deep/', type: 'dir' },
    ];
    const before = lstatSync(join(root, path));
    expect(place(root, whole(...(name === 'conf' ? around : []), entry), { policy: 'Update', name })).toEqual({
      status: 21,
      stderr: `"${path}" is a folder with something in it in the volume, and no folder in the snapshot`,
    });
    const { mode, mtimeMs } = lstatSync(join(root, path));
    expect([mode, mtimeMs]).toEqual([before.mode, before.mtimeMs]);
    expect([readFileSync(join(root, path, '.full'), 'utf8'), existsSync(join(root, 'conf/a')), existsSync(join(root, hidden))]).toEqual([
      'old',
      false,
      false,
    ]);
  });

  it('are not held against what is behind a link in the place of their folder', () => {
    const [root, outside] = [temporary(), temporary()];
    mkdirSync(join(outside, 'x'));
    writeFileSync(join(outside, 'x/kept'), 'kept');
    symlinkSync(outside, join(root, 'a'));
    const input = whole({ path: 'a', type: 'dir' }, { path: 'a/x', content: 'new' });
    expect(place(root, input, { policy: 'Update', name: 'a' })).toEqual({ status: 0, stderr: '' });
    expect(lstatSync(join(root, 'a')).isDirectory()).toBe(true);
    expect(readFileSync(join(root, 'a/x'), 'utf8')).toBe('new');
    expect(readFileSync(join(outside, 'x/kept'), 'utf8')).toBe('kept');
  });

  it('name the first full folder that is in the way', () => {
    const root = temporary();
    for (const folder of ['conf/a', 'conf/b']) {
      mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, folder, 'full'), '');
    }
    const entries: Entry[] = [{ path: 'conf/', type: 'dir' }, { path: 'conf/a' }, { path: 'conf/b' }];
    expect(place(root, whole(...entries), { policy: 'Update', name: 'conf' })).toEqual({
      status: 21,
      stderr: expect.stringMatching(/^"conf\/[ab]" is a folder with something in it in the volume, and no folder in the snapshot$/),
    });
  });

  it('never take a link for the folder of their own', () => {
    const [root, outside] = [temporary(), temporary()];
    writeFileSync(join(outside, 'kept'), '');
    symlinkSync(outside, join(root, hidden));
    expect(place(root, whole(greeting)).status).not.toBe(0);
    expect(existsSync(join(outside, 'kept'))).toBe(true);
    expect(seen(outside)).toEqual(['kept']);
  });
});
