/** The script of the mover, which puts single files and folders into a volume that is in use: what it makes, what it leaves, what it refuses. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faultIn, restoredIn, summaryIn } from '../../src/engine/mover/mover-log.ts';
import type { Access } from '../../src/repository/repositories.ts';
import { suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { buildGo, coldBuild, missingGo } from './go.ts';
import { Restic, startReplica } from './restic.ts';
import { to } from '../repository/workbench.ts';

const { title, options } = suite('files that a mover puts back', missingGo() ?? { kubeconfig: '' });
const hour = 3_600_000;
const signal = AbortSignal.any([]);
const odd = 'od*d [a-b] ?\\ \'"\nü';

describe(title, options, () => {
  const folder = temporaryFolder();
  const at = (path: string) => join(folder, 'volume', path);
  const has = (path: string) => readFileSync(at(path), 'utf8');
  const hasNothing = (path: string) => lstatSync(at(path), { throwIfNoEntry: false }) === undefined;
  const write = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  let restic: Restic;
  let replica: Awaited<ReturnType<typeof startReplica>>;
  let snapshot: string;
  let read: Access;

  function fill(): void {
    rmSync(at(''), { recursive: true, force: true });
    write('conf/app.yaml', 'old');
    write('conf/deep/er/one', 'one');
    write('conf/deep/two', 'two');
    write(`conf/${odd}/${odd}`, 'odd');
    write('conf/odXd [a-b] ?', 'similar');
    write('top', 'top');
    chownSync(at('conf/deep'), 1234, 4321);
    chmodSync(at('conf/deep'), 0o2750);
    chmodSync(at('conf/app.yaml'), 0o640);
    symlinkSync('app.yaml', at('conf/link'));
  }

  beforeAll(async () => {
    restic = new Restic(await buildGo('restic', { package: 'github.com/restic/restic/cmd/restic', static: true }));
    replica = await startReplica(pathToFileURL(join(temporaryFolder(), 'store')).href);
    read = await replica.repositories.access({ storeName: 'default', namespace: 'shop' }, to('read'), hour, signal);
    fill();
    const append = await replica.repositories.access({ storeName: 'default', namespace: 'shop' }, to('append'), hour, signal);
    const { code, stdout, stderr } = await restic.mover(replica.port, append, ['backup', 'data'], folder);
    expect(code, stderr).toBe(0);
    snapshot = summaryIn(stdout)?.snapshotId ?? '';
  }, coldBuild);
  beforeEach(fill);
  afterAll(() => replica?.close());

  const folders = ['conf', 'conf/deep', 'conf/deep/er', `conf/${odd}`];
  /** In the snapshot. */
  const typeOf = (path: string) => (folders.includes(path) ? 'Directory' : 'File');
  const patternOf = (path: string) => path.replace(/[\\*?[\]]/g, String.raw`\$&`);
  /** What has come of it; the volume has no more in it than what was asked for, whatever that is. */
  async function bring(path: string, { policy = 'Skip', target = path.split('/').slice(0, -1).join('/'), verify = true } = {}) {
    const what = [typeOf(path), path, patternOf(path)];
    const args = ['restore-files', snapshot, policy, '.kylon-uid', ...what, target, ...(verify ? ['--verify'] : [])];
    const { code, stdout, stderr } = await restic.mover(replica.port, read, args, folder);
    expect(readdirSync(at(''), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.kylon-'))).toEqual([]);
    return { code, fault: code === 0 ? stderr : faultIn(`${stderr}${stdout}`), restored: restoredIn(stdout) };
  }

  it('come back where they were, alone', async () => {
    rmSync(at('conf'), { recursive: true });
    mkdirSync(at('conf'), { mode: 0o711 });
    const { mode } = statSync(at('conf'));
    expect(await bring('conf/app.yaml')).toEqual({ code: 0, fault: '', restored: { files: 1, filesUnchanged: 0, bytesRestored: 3 } });
    expect([has('conf/app.yaml'), statSync(at('conf/app.yaml')).mode & 0o7777]).toEqual(['old', 0o640]);
    expect(readdirSync(at('conf'))).toEqual(['app.yaml']);
    expect(statSync(at('conf')).mode).toBe(mode);
  });

  it('come back from the root, and as a link', async () => {
    rmSync(at('top'));
    rmSync(at('conf/link'));
    await bring('top');
    await bring('conf/link');
    expect([has('top'), lstatSync(at('conf/link')).isSymbolicLink()]).toEqual(['top', true]);
  });

  it('come with the folders that led to them, as those were', async () => {
    rmSync(at('conf'), { recursive: true });
    expect(await bring('conf/deep/er/one')).toMatchObject({ code: 0 });
    expect([has('conf/deep/er/one'), readdirSync(at('conf')), readdirSync(at('conf/deep'))]).toEqual(['one', ['deep'], ['er']]);
    const { uid, gid, mode } = statSync(at('conf/deep'));
    expect([uid, gid, mode & 0o7777]).toEqual([1234, 4321, 0o2750]);
  });

  it('may be folders with all below them', async () => {
    rmSync(at('conf/deep'), { recursive: true });
    expect(await bring('conf/deep')).toMatchObject({ code: 0, restored: { bytesRestored: 6 } });
    expect([has('conf/deep/er/one'), has('conf/deep/two')]).toEqual(['one', 'two']);
  });

  it('may have odd names, which stand for no others', async () => {
    rmSync(at('conf'), { recursive: true });
    expect(await bring(`conf/${odd}`)).toMatchObject({ code: 0 });
    expect(readdirSync(at('conf'))).toEqual([odd]);
    rmSync(at(`conf/${odd}/${odd}`));
    expect(await bring(`conf/${odd}/${odd}`)).toMatchObject({ code: 0 });
    expect(has(`conf/${odd}/${odd}`)).toBe('odd');
  });

  it('come into another folder, which is made with the owner of the one around it', async () => {
    chownSync(at('conf/deep'), 77, 88);
    expect(await bring('conf/app.yaml', { target: 'conf/deep/new/er' })).toMatchObject({ code: 0 });
    expect(has('conf/deep/new/er/app.yaml')).toBe('old');
    for (const made of ['conf/deep/new', 'conf/deep/new/er']) {
      const { uid, gid } = statSync(at(made));
      expect([uid, gid]).toEqual([77, 88]);
    }
    expect(await bring('conf/deep', { target: '' })).toMatchObject({ code: 0 });
    expect(has('deep/er/one')).toBe('one');
  });

  it.each(['conf/app.yaml', 'conf/deep', 'conf/link', 'top'])(
    'are refused where %s is there, and nothing of it is changed',
    async (path) => {
      write('conf/app.yaml', 'newer');
      write('conf/deep/two', 'newer');
      chmodSync(at('conf/deep'), 0o700);
      rmSync(at('conf/deep/er'), { recursive: true });
      expect(await bring(path)).toMatchObject({ code: 20, fault: `"${path}" is there already in the volume` });
      expect([has('conf/app.yaml'), has('conf/deep/two'), statSync(at('conf/deep')).mode & 0o7777]).toEqual(['newer', 'newer', 0o700]);
      expect(hasNothing('conf/deep/er')).toBe(true);
    },
  );

  it('are refused where a link is there, also one that leads nowhere', async () => {
    rmSync(at('top'));
    symlinkSync('nowhere', at('top'));
    expect(await bring('top')).toMatchObject({ code: 20 });
    expect(lstatSync(at('top')).isSymbolicLink()).toBe(true);
  });

  it('overwrite what differs where that is asked for, and leave what the snapshot does not know', async () => {
    write('conf/deep/two', 'changed, and longer');
    write('conf/deep/mine', 'mine');
    rmSync(at('conf/deep/er'), { recursive: true });
    expect(await bring('conf/deep', { policy: 'Update' })).toMatchObject({ code: 0, restored: { filesUnchanged: 0, bytesRestored: 6 } });
    expect([has('conf/deep/two'), has('conf/deep/mine'), has('conf/deep/er/one')]).toEqual(['two', 'mine', 'one']);
    expect(await bring('conf/deep', { policy: 'Update' })).toMatchObject({ code: 0, restored: { filesUnchanged: 2, bytesRestored: 0 } });
    expect(await bring('conf/deep/mine', { policy: 'Update' })).toMatchObject({ code: 0, restored: { files: 0 } });
    expect(has('conf/deep/mine')).toBe('mine');
  });

  it('overwrite a changed byte that neither size nor time tells of', async () => {
    const { atime, mtime } = statSync(at('conf/app.yaml'));
    write('conf/app.yaml', 'odd');
    utimesSync(at('conf/app.yaml'), atime, mtime);
    await bring('conf/app.yaml', { policy: 'Update' });
    expect(has('conf/app.yaml')).toBe('old');
  });

  it('take the place of a link, and are not written through it', async () => {
    const outside = join(temporaryFolder(), 'outside');
    writeFileSync(outside, 'outside');
    rmSync(at('conf/app.yaml'));
    symlinkSync(outside, at('conf/app.yaml'));
    rmSync(at('conf/deep'), { recursive: true });
    symlinkSync(dirname(outside), at('conf/deep'));
    expect(await bring('conf/app.yaml', { policy: 'Update' })).toMatchObject({ code: 0 });
    expect(await bring('conf/deep', { policy: 'Update' })).toMatchObject({ code: 0 });
    expect([readFileSync(outside, 'utf8'), has('conf/app.yaml'), has('conf/deep/two')]).toEqual(['outside', 'old', 'two']);
    expect(readdirSync(dirname(outside))).toEqual(['outside']);
  });

  it.each(['Skip', 'Update'])('are refused (%s) where a link leads to their folder, in the volume or out of it', async (policy) => {
    const outside = temporaryFolder();
    rmSync(at('conf/deep'), { recursive: true });
    for (const link of [outside, '../conf', 'nowhere']) {
      rmSync(at('conf/deep'), { force: true });
      symlinkSync(link, at('conf/deep'));
      const fault = `"conf/deep" is a symbolic link in the volume, to "${link}", and links are not followed`;
      expect(await bring('conf/deep/two', { policy })).toMatchObject({ code: 21, fault });
      expect(await bring('top', { policy, target: 'conf/deep/er' })).toMatchObject({ code: 21, fault });
      expect(lstatSync(at('conf/deep')).isSymbolicLink()).toBe(true);
    }
    expect(existsSync(outside) ? readdirSync(outside) : []).toEqual([]);
  });

  it('are refused where a file is in the place of their folder', async () => {
    expect(await bring('conf/app.yaml', { target: 'top' })).toMatchObject({ code: 21, fault: '"top" is no folder in the volume' });
  });

  it.each(['conf/app.yaml', 'conf/link', 'top'])(
    'are refused where a full folder is in the place of %s, which stays as it is',
    async (path) => {
      rmSync(at(path));
      write(`${path}/.full`, 'full');
      chmodSync(at(path), 0o751);
      utimesSync(at(path), 1e9, 1e9);
      const fault = `"${path}" is a folder with something in it in the volume, and no folder in the snapshot`;
      expect(await bring(path, { policy: 'Update' })).toMatchObject({ code: 21, fault });
      const { mode, mtimeMs } = statSync(at(path));
      expect([has(`${path}/.full`), mode & 0o7777, mtimeMs]).toEqual(['full', 0o751, 1e12]);
    },
  );

  it('take the place of what is of another type, if it is no full folder', async () => {
    for (const path of ['top', 'conf/link', 'conf/app.yaml']) rmSync(at(path));
    for (const path of ['top', 'conf/link']) mkdirSync(at(path));
    execFileSync('mkfifo', [at('conf/app.yaml')]);
    rmSync(at('conf/deep'), { recursive: true });
    write('conf/deep', 'a file');
    for (const path of ['top', 'conf/link', 'conf/app.yaml', 'conf/deep'])
      expect(await bring(path, { policy: 'Update' })).toMatchObject({ code: 0 });
    expect([has('top'), has('conf/app.yaml'), has('conf/deep/er/one')]).toEqual(['top', 'old', 'one']);
    expect(lstatSync(at('conf/link')).isSymbolicLink()).toBe(true);
  });

  it('go on where a mover was killed in the middle, and leave nothing of it', async () => {
    rmSync(at('conf/deep'), { recursive: true });
    mkdirSync(at('conf/.kylon-uid/in/deep/er'), { recursive: true });
    writeFileSync(at('conf/.kylon-uid/in/deep/er/one'), 'half');
    expect(await bring('conf/deep')).toMatchObject({ code: 0 });
    expect([has('conf/deep/er/one'), has('conf/deep/two')]).toEqual(['one', 'two']);
  });

  it.each([
    ['a file', 'top', 'top', undefined],
    ['a folder', 'conf/deep', 'conf/deep', undefined],
    ['a file with the folders that lead to it', 'conf/deep/er/one', 'conf', undefined],
    ['a file in a new folder', 'conf/app.yaml', 'new', 'new/one'],
    ['a link', 'conf/link', 'conf/link', undefined],
  ])('are known again as %s where a mover was killed when it had put them in their place', async (_, path, gone, target) => {
    rmSync(at(gone), { recursive: true, force: true });
    const expected = await bring(path, { target });
    const there = () => readdirSync(at(''), { recursive: true, encoding: 'utf8' }).sort();
    const all = there();
    rmSync(at(gone), { recursive: true });
    const killing = join(folder, 'bin/mv');
    writeFileSync(killing, '#!/bin/sh\n/bin/mv "$@"\nkill -9 $PPID\n', { mode: 0o755 });
    const folderOf = target ?? path.split('/').slice(0, -1).join('/');
    const killed = await restic.mover(
      replica.port,
      read,
      ['restore-files', snapshot, 'Skip', '.kylon-uid', typeOf(path), path, patternOf(path), folderOf],
      folder,
    );
    rmSync(killing);
    expect(killed.code).not.toBe(0);
    expect(there()).not.toEqual(all);
    const { code, fault, restored } = await bring(path, { target });
    expect([code, fault, there()]).toEqual([0, '', all]);
    expect(restored?.bytesRestored).toBe(expected.restored?.bytesRestored);
    expect(restored?.files).toBeGreaterThan(0);
    expect((await bring(path, { target })).code).toBe(20);
  });

  it('are not taken from elsewhere, where a link is in the place of the hidden folder', async () => {
    const outside = temporaryFolder();
    writeFileSync(join(outside, 'top'), 'of the mover');
    rmSync(at('top'));
    symlinkSync(outside, at('.kylon-uid'));
    expect(await bring('top')).toMatchObject({
      code: 21,
      fault: '".kylon-uid" is a symbolic link in the volume, and links are not followed',
    });
    expect([hasNothing('top'), readFileSync(join(outside, 'top'), 'utf8')]).toEqual([true, 'of the mover']);
  });

  it('come as fast as the caller lets them, and go so', async () => {
    writeFileSync(at('random'), randomBytes(4 * 1024 * 1024));
    const seconds = async (access: Access, args: readonly string[]) => {
      const began = performance.now();
      const { code, stdout, stderr } = await restic.mover(replica.port, access, args, folder);
      expect(code, stderr).toBe(0);
      return { seconds: (performance.now() - began) / 1_000, stdout };
    };
    const append = await replica.repositories.access({ storeName: 'default', namespace: 'shop' }, to('append'), hour, signal);
    const up = await seconds(append, ['--limit-upload=1024', '--limit-download=100000', 'backup', 'data']);
    const bringRandom = ['restore-files', summaryIn(up.stdout)?.snapshotId ?? '', 'Skip', '.kylon-uid', 'File', 'random', 'random', ''];
    rmSync(at('random'));
    const down = await seconds(read, ['--limit-download=1024', ...bringRandom]);
    rmSync(at('random'));
    const free = await seconds(read, bringRandom);
    // The first second is free.
    for (const limited of [up, down]) expect(limited.seconds).toBeGreaterThan(2.5);
    expect(free.seconds).toBeLessThan(2.5);
  });

  it('leave nothing where they fail', async () => {
    rmSync(at('top'));
    expect(await bring('never-was')).toMatchObject({ code: 1 });
    snapshot = `${snapshot.slice(0, -4)}0000`;
    expect((await bring('top')).code).not.toBe(0);
    expect(hasNothing('top')).toBe(true);
  });
});
