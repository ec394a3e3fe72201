/** What a mover has copied into a repository, brought into a volume by tar, and compared with that. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { tarHeader } from '../../../src/base/tar.ts';
import { unpack } from '../../../src/engine/copy/bring-copy.ts';
import { verifyCopy } from '../../../src/engine/copy/verify-copy.ts';
import { openContent } from '../../../src/engine/copy/volume-content.ts';
import type { DeviceContent } from '../../../src/engine/copy/volume-content.ts';
import type { Errand } from '../../../src/engine/mover/mover-pod.ts';
import type { Snapshot } from '../../../src/resources/snapshot.ts';
import { password, quickFiles, snapshots } from '../../repository/reading/frozen.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, emptyRepositories, forever } from '../workbench.ts';
import { inFolder } from './local-program.ts';
import { temporary } from './volume-tar.ts';

const mounted = { pod: 'kylon-c', container: 'copy', image: 'tar:1', path: '/volume', isReadOnly: false };
const owner = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'copy', uid: 'c' } };
const errand: Errand = {
  owner,
  repository: { storeName: 'default', namespace: 'shop' },
  claimName: 'filled',
  isBlock: false,
  way: 'restore',
  args: [],
};

async function scene() {
  const cluster = new MemoryCluster();
  const repositories = {
    ...emptyRepositories,
    access: async () => ({ ...(await emptyRepositories.access(...unused)), repositoryPassword: password }),
  };
  const { parts } = createWorkbench({ cluster, files: await quickFiles(), repositories });
  const progress: number[] = [];
  const sender = {
    parts,
    cluster,
    onProgress: ({ bytesDone }: { bytesDone: number }) => progress.push(bytesDone),
    warn: () => {},
    signal: forever,
  };
  const open = (handle: string) =>
    openContent(
      parts,
      { metadata: { name: 's', namespace: 'shop' }, spec: { source: {} }, status: { method: 'File', handle, bytesRead: 600 } } as Snapshot,
      forever,
    );
  return { cluster, sender, open, progress };
}

const isQuestion = (command: readonly string[]) => command.some((word) => word.includes('tar --version'));

/** A device of which only these bytes come. */
function deviceOf(bytes: Buffer, coming: Buffer): DeviceContent {
  return {
    is: 'device',
    contentBytes: bytes.length,
    bytes: () => Readable.from([coming]),
    tar: () => Readable.from([tarHeader('volume', bytes.length), coming]),
  };
}

const unused = [{ storeName: '', namespace: '' }, { rights: 'read', holder: '' }, 0, forever] as const;

describe('what was moved', () => {
  it('is brought by tar, and compared with what is there then', async () => {
    const { cluster, sender, open, progress } = await scene();
    const target = temporary();
    cluster.execute = inFolder(target);
    const content = await open(snapshots.first);
    await unpack(sender, errand, content, mounted);
    expect(readFileSync(join(target, 'hello.txt')).length).toBe(6);
    expect(lstatSync(join(target, 'hello.txt')).mode & 0o7777).toBe(0o4755);
    expect('count' in content && content.count).toBe(1 + readdirSync(target, { recursive: true }).length);
    expect(progress.at(-1)).toBe(600);
    await verifyCopy(sender, errand, content, mounted);
    const saved = execFileSync('tar', ['--xattrs', '-C', target, '-cf', '-', 'hello.txt']).toString('latin1');
    expect(saved).toContain('SCHILY.xattr.user.');
    expect(lstatSync(join(target, 'hello.txt')).mtimeMs % 1000).not.toBe(0);
    const differs = (message: RegExp) =>
      expect(verifyCopy(sender, errand, content, mounted)).rejects.toMatchObject({
        reason: 'VerifyFailed',
        message: expect.stringMatching(message),
      });
    writeFileSync(join(target, 'hello.txt'), 'HELLO\n');
    await differs(/the bytes of ".\/hello.txt" are others/);
    writeFileSync(join(target, 'hello.txt'), 'hello');
    await differs(/".\/hello.txt" has 5 bytes instead of 6/);
  });

  it('is brought without extended attributes by a tar that does not know them', async () => {
    const { cluster, sender, open } = await scene();
    const target = temporary();
    const commands: (readonly string[])[] = [];
    const run = inFolder(target);
    cluster.execute = (execution, streams, signal) => {
      commands.push(execution.command);
      return isQuestion(execution.command) ? Promise.resolve(1) : run(execution, streams, signal);
    };
    await unpack(sender, errand, await open(snapshots.first), mounted);
    expect(commands).toEqual([
      ['sh', '-c', expect.stringContaining('tar --version')],
      ['sh', '-c', 'tar "$@"', 'sh', '-C', '/volume', '-xpf', '-'],
    ]);
    expect(readFileSync(join(target, 'hello.txt')).length).toBe(6);
    expect(execFileSync('tar', ['--xattrs', '-C', target, '-cf', '-', 'hello.txt']).toString('latin1')).not.toContain('SCHILY.xattr.user.');
  });

  it.each([
    ['1000\t1000', true],
    ['0\t0', false],
  ])('leaves the root of the volume as it is where GNU tar runs as %j: %s', async (ids, isLeft) => {
    const { cluster, sender, open } = await scene();
    const target = temporary();
    const commands: (readonly string[])[] = [];
    const run = inFolder(target);
    cluster.execute = async (execution, streams, signal) => {
      commands.push(execution.command);
      if (!isQuestion(execution.command)) return run(execution, streams, signal);
      await streams.output(Buffer.from(`tar (GNU tar) 1.34\n${ids}\n`));
      return 0;
    };
    await unpack(sender, errand, await open(snapshots.first), mounted);
    expect(lstatSync(target).mode & 0o777).toBe(isLeft ? 0o700 : 0o755);
    expect(commands.at(-1)).toContain('--xattrs');
    expect(readFileSync(join(target, 'hello.txt')).length).toBe(6);
  });

  it('is written to a device where it is one, and read back from there', async () => {
    const { cluster, sender, open } = await scene();
    const device = join(temporary(), 'device');
    // Larger than what it gets.
    writeFileSync(device, Buffer.alloc(2 << 20, 'x'));
    const onDevice = (command: readonly string[]) => command.map((one) => one.replace('/dev/volume', device));
    cluster.execute = inFolder('/', onDevice);
    const content = await open(snapshots.device);
    const onPod = { ...mounted, path: '/dev/volume' };
    await unpack(sender, errand, content, onPod);
    expect(content.contentBytes).toBeGreaterThan(0);
    await verifyCopy(sender, errand, content, onPod);
    writeFileSync(device, 'other');
    await expect(verifyCopy(sender, errand, content, onPod)).rejects.toMatchObject({ reason: 'VerifyFailed' });
  });

  it.each([
    ['that can be emptied', true],
    ['that cannot', false],
  ])('is written to a device %s to its last byte, or that fails', async (_, isThin) => {
    const { cluster, sender } = await scene();
    const device = join(temporary(), 'device');
    writeFileSync(device, randomBytes(8 << 20));
    // There blockdev tells the size of what is no device.
    const sized = (command: readonly string[]) =>
      command.map((one) => one.replace('blockdev --getsize64', isThin ? 'stat -c %s' : 'false'));
    cluster.execute = inFolder('/', sized);
    const bytes = Buffer.concat([randomBytes(1 << 20), Buffer.alloc(6 << 20), randomBytes(1 << 20)]);
    const content = deviceOf(bytes, bytes);
    await unpack(sender, errand, content, { ...mounted, path: device });
    expect(readFileSync(device).equals(bytes)).toBe(true);
    expect(512 * lstatSync(device).blocks < 3 << 20).toBe(isThin);
    const cut = deviceOf(bytes, bytes.subarray(1));
    await expect(unpack(sender, errand, cut, { ...mounted, path: device })).rejects.toMatchObject({ reason: 'FileNotWritten' });
    const nowhere = { ...mounted, path: '/dev/full' };
    cluster.execute = inFolder('/', (command) => command.map((one) => one.replace('fallocate', String(isThin))));
    await expect(unpack(sender, errand, content, nowhere)).rejects.toMatchObject({
      reason: 'FileNotWritten',
      message: expect.stringMatching(/No space left on device/),
    });
  });
});
