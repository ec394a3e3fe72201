/** The script of the mover, which brings a volume of blocks back: onto devices that had something else, that take room, or that are too small. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { faultIn, summaryIn } from '../../src/engine/mover/mover-log.ts';
import type { Access } from '../../src/repository/repositories.ts';
import { to } from '../repository/workbench.ts';
import { suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo, coldBuild, missingGo } from './go.ts';
import { Restic, startReplica } from './restic.ts';

const canLoop = process.getuid?.() === 0 && existsSync('/dev/loop-control');
const ready = canLoop ? { kubeconfig: '' } : { missing: 'needs root, for loop devices' };
const { title, options } = suite('blocks that a mover puts back', missingGo() ?? ready);
const hour = 3_600_000;
const signal = AbortSignal.any([]);
const mebibyte = 1 << 20;
const size = 64 * mebibyte;
const nobody = 65_534;

describe(title, options, () => {
  const folder = temporaryFolder();
  const device = join(folder, 'device');
  const fake = (name: string) => join(folder, 'bin', name);
  const loops: string[] = [];
  let program: string;
  let restic: Restic;
  let replica: Awaited<ReturnType<typeof startReplica>>;
  let read: Access;
  let saved: Buffer;
  let snapshot: string;

  beforeAll(async () => {
    program = await buildGo('restic', { package: 'github.com/restic/restic/cmd/restic', static: true });
    chmodSync(dirname(program), 0o755);
    restic = new Restic(program);
    replica = await startReplica(pathToFileURL(join(temporaryFolder(), 'store')).href);
    const access = (rights: 'read' | 'append') =>
      replica.repositories.access({ storeName: 'default', namespace: 'shop' }, to(rights), hour, signal);
    read = await access('read');
    saved = Buffer.alloc(size);
    for (const [at, bytes] of [
      [0, randomBytes(3 * mebibyte)],
      [10 * mebibyte + 100, Buffer.from('between zeros')],
      [20 * mebibyte, randomBytes(6 * mebibyte + 1)],
      [size - 1, Buffer.from('z')],
    ] as const)
      bytes.copy(saved, at);
    writeFileSync(device, saved);
    const { code, stdout, stderr } = await restic.mover(replica.port, await access('append'), ['backup', 'blocks'], folder);
    expect(code, stderr).toBe(0);
    snapshot = summaryIn(stdout)?.snapshotId ?? '';
    rmSync(device);
  }, coldBuild);
  afterEach(() => {
    rmSync(device, { force: true });
    for (const name of ['dd', 'fallocate']) rmSync(fake(name), { force: true });
    for (const loop of loops.splice(0)) {
      chownSync(loop, 0, 0);
      execFileSync('losetup', ['--detach', loop]);
    }
  });
  afterAll(() => replica?.close());

  /** A device over the file that is returned. */
  function loop(content: Buffer, length = content.length): string {
    const file = join(temporaryFolder(), 'backing');
    writeFileSync(file, content);
    truncateSync(file, length);
    const [name = ''] = execFileSync('losetup', ['--find', '--show', file], { encoding: 'utf8' }).split('\n');
    loops.push(name);
    symlinkSync(name, device);
    return file;
  }
  const garbage = (length = size) => randomBytes(length);
  const room = (file: string) => {
    execFileSync('sync', [file]);
    return 512 * statSync(file).blocks;
  };
  /** More than what was saved has of other bytes than zeros. */
  const dataAlone = 11 * mebibyte;

  function insteadOfRestic(script: string): string[] {
    const other = join(folder, 'other');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'restic'), script, { mode: 0o755 });
    return ['/usr/bin/env', `PATH=${other}:${process.env['PATH']}`];
  }

  async function bring({ id = snapshot, by = ['/usr/bin/env'] } = {}) {
    const { code, stdout, stderr } = await restic.mover(replica.port, read, ['restore', id, '--verify'], folder, by);
    return { code, fault: code === 0 ? stderr : faultIn(`${stderr}${stdout}`) };
  }

  it('are the same, and their zeros take no room, whatever was there', async () => {
    const file = loop(garbage());
    expect(room(file)).toBeGreaterThanOrEqual(size);
    expect(await bring()).toEqual({ code: 0, fault: '' });
    expect(readFileSync(device).equals(saved)).toBe(true);
    expect(room(file)).toBeLessThan(dataAlone);
  });

  it('take no room on a device that had none, and is larger', async () => {
    const file = loop(Buffer.alloc(0), 2 * size);
    expect(await bring()).toEqual({ code: 0, fault: '' });
    expect(readFileSync(device).equals(Buffer.concat([saved, Buffer.alloc(size)]))).toBe(true);
    expect(room(file)).toBeLessThan(dataAlone);
  });

  it('are written by a user who may do no more than read and write the device', async () => {
    const file = loop(garbage());
    const [name = ''] = loops;
    chownSync(name, nobody, nobody);
    chmodSync(folder, 0o755);
    chmodSync(join(folder, 'tmp'), 0o777);
    const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs'];
    rmSync(join(folder, 'tmp/cache'), { recursive: true, force: true });
    expect(await bring({ by: asNobody })).toEqual({ code: 0, fault: '' });
    expect(readFileSync(device).equals(saved)).toBe(true);
    expect(room(file)).toBeLessThan(dataAlone);
    rmSync(join(folder, 'tmp/cache'), { recursive: true, force: true });
  });

  it('are written with their zeros where the device cannot be emptied', async () => {
    const file = loop(garbage());
    writeFileSync(fake('fallocate'), '#!/bin/sh\necho "fallocate failed: Operation not supported" >&2\nexit 1\n', { mode: 0o755 });
    expect(await bring()).toEqual({ code: 0, fault: '' });
    expect(readFileSync(device).equals(saved)).toBe(true);
    expect(room(file)).toBeGreaterThanOrEqual(size);
  });

  it('are written with their zeros into what is no device', async () => {
    writeFileSync(device, garbage());
    expect(await bring()).toEqual({ code: 0, fault: '' });
    expect(readFileSync(device).equals(saved)).toBe(true);
  });

  it('are the same where an earlier mover was killed in the middle, and something else is there', async () => {
    const file = loop(garbage());
    writeFileSync(fake('dd'), '#!/bin/sh\nhead -c 5000000 | /bin/dd "$@"\nkill -9 $$\n', { mode: 0o755 });
    expect(await bring()).toMatchObject({ code: 137 });
    expect(readFileSync(device).equals(saved)).toBe(false);
    const [name = ''] = loops;
    const opened = openSync(name, 'r+');
    writeSync(opened, garbage(mebibyte), 0, mebibyte, 15 * mebibyte);
    closeSync(opened);
    rmSync(fake('dd'));
    expect(await bring()).toEqual({ code: 0, fault: '' });
    expect(readFileSync(device).equals(saved)).toBe(true);
    expect(room(file)).toBeLessThan(dataAlone);
  });

  it('fail where restic does, with its code and its words', async () => {
    loop(Buffer.alloc(size));
    const unknown = 'f'.repeat(64);
    expect(await bring({ id: unknown })).toMatchObject({ code: 1, fault: expect.stringMatching(/Fatal: failed to find snapshot/) });
    const locked = '#!/bin/sh\n[ "$1" != dump ] || { head -c 100000 /dev/zero; echo locked >&2; exit 11; }\n';
    expect(await bring({ by: insteadOfRestic(locked) })).toEqual({ code: 11, fault: 'locked' });
  });

  it('have nothing in them of what restic says while it waits for a lock, unless it is to be quiet', async () => {
    loop(Buffer.alloc(size + mebibyte));
    const waiting = 'repo already locked, waiting up to 1h0m0s for the lock';
    const talking = `#!/bin/sh\ncase " $* " in *" --quiet "*) ;; *" dump "*) echo ${waiting} ;; esac\nexec ${program} "$@"\n`;
    expect(await bring({ by: insteadOfRestic(talking) })).toEqual({ code: 0, fault: '' });
    expect(readFileSync(device).subarray(0, size).equals(saved)).toBe(true);
  });

  it('fail where they find no room, and say so', async () => {
    loop(Buffer.alloc(size - mebibyte));
    expect(await bring()).toMatchObject({ code: 1, fault: expect.stringMatching(/No space left on device/) });
  });

  it('are not verified where they are not the same', async () => {
    loop(Buffer.alloc(size));
    writeFileSync(fake('dd'), '#!/bin/sh\n/bin/dd "$@"\nprintf x | /bin/dd of="${1#of=}" seek=30000000 bs=1 conv=notrunc status=none\n', {
      mode: 0o755,
    });
    expect(await bring()).toMatchObject({ code: 1, fault: expect.stringMatching(/differ: .*30000001/) });
  });
});
