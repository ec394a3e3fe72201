/** A copy that is brought into a volume: proved when that is asked for, and by one process at a time. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { unlessAborted } from '../../../src/base/lifetime.ts';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { imageFor, unpack } from '../../../src/engine/copy/bring-copy.ts';
import { bringOn } from '../../../src/engine/copy/bring-on.ts';
import { CopyWriter } from '../../../src/engine/copy/copy-writer.ts';
import { openCopy } from '../../../src/engine/copy/stored-copy.ts';
import { verifyCopy, verifyFilesAt } from '../../../src/engine/copy/verify-copy.ts';
import { contentOfCopy } from '../../../src/engine/copy/volume-content.ts';
import type { Errand } from '../../../src/engine/mover/mover-pod.ts';
import { fieldsOf } from '../../../src/engine/selection/fields.ts';
import { filledBy } from '../../../src/engine/snapshot/known.ts';
import type { Snapshot } from '../../../src/resources/snapshot.ts';
import { ManualClock } from '../../manual-clock.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, forever } from '../workbench.ts';
import { inFolder } from './local-program.ts';
import { oddVolume, tarOf, temporary, told, untar } from './volume-tar.ts';

const folder = 'd/domain/snapshots/s/r';
const mounted = { pod: 'kylon-c', container: 'copy', image: 'tar:1', path: '/volume', isReadOnly: false };
const owner = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'shop', uid: 'c' } };
const repository = { storeName: 'default', namespace: 'shop' };
const errand: Errand = { owner, repository, claimName: 'filled', isBlock: false, way: 'restore', args: [] };

async function scene() {
  const root = oddVolume();
  const cluster = new MemoryCluster();
  cluster.seed('namespaces', { metadata: { name: 'shop' } });
  const { parts } = createWorkbench({ cluster, copyImage: 'tar:1' });
  const store = parts.stores.named('default');
  const writer = new CopyWriter(store, folder, forever);
  await writer.push(tarOf(root));
  const { handle } = await writer.finish();
  const sender = { parts, cluster, onProgress: () => {}, warn: () => {}, signal: forever };
  const snapshot = {
    apiVersion: 'backup.kylon.io/v1alpha1',
    kind: 'Snapshot',
    metadata: { name: 's', namespace: 'shop', uid: 's' },
    spec: { source: {} },
    status: { phase: 'Completed', method: 'Copy', handle, run: { id: 'r', replica: 'one' } },
  } as unknown as Snapshot;
  return { root, cluster, parts, sender, snapshot, copy: await openCopy(store, folder, handle, forever) };
}

type Scene = Awaited<ReturnType<typeof scene>>;

function look({ sender, snapshot, cluster }: Scene): Promise<boolean> {
  return bringOn(sender, errand, snapshot, cluster.read('pods', 'shop', 'kylon-c'));
}

function letRun({ cluster }: Scene, annotations?: object): void {
  const { status: _, ...pod } = cluster.read('pods', 'shop', 'kylon-c')!;
  const metadata = { ...pod.metadata, annotations: { ...fieldsOf(pod.metadata['annotations']), ...annotations } };
  cluster.seed('pods', { ...pod, metadata, status: { phase: 'Running', containerStatuses: [{ name: 'copy', state: { running: {} } }] } });
}

describe('the image of the Pod that brings it', () => {
  const restore = { ...owner, kind: 'Restore' };
  const ofKylon = { copyImage: 'kylon:1', mover: undefined };

  it.each([
    ['is chosen by the Snapshot for a Restore beside it', { owner: restore }, ofKylon, 'chosen:1'],
    ['is that of Kylon for a claim', { goesWith: owner }, ofKylon, 'kylon:1'],
    ['is for a claim the one that was read, where Kylon has none', { goesWith: owner }, { ...ofKylon, copyImage: undefined }, 'read:1'],
    ['is that of Kylon elsewhere', { owner: { ...restore, metadata: { ...restore.metadata, namespace: 'other' } } }, ofKylon, 'kylon:1'],
    [
      'is none elsewhere, where Kylon has none',
      { owner: { ...restore, metadata: { ...restore.metadata, namespace: 'other' } } },
      { ...ofKylon, copyImage: undefined },
      undefined,
    ],
  ])('%s', async (_, change, images, expected) => {
    const { snapshot, parts } = await scene();
    const named = { ...snapshot, spec: { ...snapshot.spec, copy: { image: 'chosen:1' } }, status: { ...snapshot.status, image: 'read:1' } };
    expect(imageFor(named, { ...errand, ...change }, { ...parts, ...images })).toBe(expected);
  });
});

describe('a copy that is read back', () => {
  it.each([
    ['as it was', () => {}, undefined],
    [
      'with another byte',
      (root: string) => writeFileSync(join(root, 'conf/app.yaml'), 'replicas: 4\n'),
      /the bytes of ".\/(conf\/app.yaml|other\/same)"/,
    ],
    ['with more', (root: string) => appendFileSync(join(root, '-rf'), 'x'), /"\.\/-rf" has 5 bytes instead of 4/],
    ['without a file', (root: string) => rmSync(join(root, 'empty')), /of 17 files and folders only 16 are there/],
    ['with something else', (root: string) => writeFileSync(join(root, 'lost+found'), ''), undefined],
  ])('%s is told so', async (_, change, fault) => {
    const { root, cluster, sender, copy } = await scene();
    cluster.execute = inFolder(root);
    change(root);
    const verified = verifyCopy(sender, errand, await contentOfCopy(copy, '', forever), mounted);
    if (fault) await expect(verified).rejects.toMatchObject({ reason: 'VerifyFailed', message: expect.stringMatching(fault) });
    else await verified;
  });
});

describe('a part of a copy', () => {
  it.each([
    ['conf/app.yaml', 12],
    ['other/same', 12],
    ['other', 12],
    ['conf', 5012],
    ['', 3_005_075],
  ])('%j is what tar takes of it, whatever other names its %i bytes have, and is compared', async (path, contentBytes) => {
    const { root, cluster, sender, copy } = await scene();
    const target = temporary();
    cluster.execute = inFolder(target);
    const content = await contentOfCopy(copy, path, forever);
    await unpack(sender, errand, content, mounted);
    const name = `./${basename(path)}`;
    const folder = path === '' ? root : dirname(join(root, path));
    const expected = untar(execFileSync('tar', ['-C', folder, '-cf', '-', name], { maxBuffer: 64 << 20 }));
    expect(told(target)).toBe(told(expected));
    const entries = readdirSync(target, { recursive: true }).length;
    expect(content).toMatchObject({ count: entries + (path === '' ? 1 : 0), contentBytes });
    await verifyFilesAt(sender, errand, content, mounted, { folder: '', name });
  });
});

describe('a container that answers as it likes', () => {
  it('is not listened to without end when it is asked which tar it has', async () => {
    const { cluster, sender, copy } = await scene();
    let said = 0;
    cluster.execute = async (_, { output }) => {
      for (; said < 1 << 30; said += 1_000) await output(Buffer.alloc(1_000));
      return 0;
    };
    const unpacked = unpack(sender, errand, await contentOfCopy(copy, '', forever), mounted);
    await expect(unpacked).rejects.toMatchObject({
      reason: 'TarNotFound',
      message: expect.stringContaining('the Pod "kylon-c" as sh and tar'),
    });
    expect(said).toBeLessThan(10_000);
  });

  it('is not waited for without end when it says little by little which tar it has', async () => {
    const { cluster, parts, sender, copy } = await scene();
    const clock = new ManualClock();
    cluster.execute = async (_, { output }, signal) => {
      for (;;) {
        await unlessAborted(clock.sleep(1_000, signal), signal);
        await output(Buffer.from('x'));
      }
    };
    const unpacked = unpack({ ...sender, parts: { ...parts, clock } }, errand, await contentOfCopy(copy, '', forever), mounted);
    const end = expect(unpacked).rejects.toMatchObject({ reason: 'ProgramSilent', message: expect.stringContaining('within 120 s') });
    await clock.pass(120_000);
    await end;
    expect(clock.sleepers).toBe(0);
  });

  it('cannot have read back what is no tar file', async () => {
    const { cluster, sender, copy } = await scene();
    cluster.execute = async (_, { output }) => {
      await output(Buffer.alloc(1_000, 'x'));
      return 0;
    };
    const verified = verifyCopy(sender, errand, await contentOfCopy(copy, '', forever), mounted);
    await expect(verified).rejects.toMatchObject({ reason: 'VerifyFailed', message: expect.stringContaining('no tar file') });
  });
});

describe('a copy for a claim', () => {
  it('is brought by whoever comes first, when its Pod runs', async () => {
    const here = await scene();
    const target = temporary();
    here.cluster.execute = inFolder(target);
    expect(await look(here)).toBe(false);
    expect(readdirSync(target)).toEqual([]);
    letRun(here);
    expect(await look(here)).toBe(true);
    expect(told(target)).toBe(told(here.root));
  });

  it('is left to who is at it, and begun anew in another Pod when he is dead', async () => {
    const here = await scene();
    const execute = vi.fn<Cluster['exec']>();
    here.cluster.execute = execute;
    await look(here);
    letRun(here, { [filledBy]: new Date(here.parts.clock.now() - 30_000).toISOString() });
    expect(await look(here)).toBe(false);
    expect(here.cluster.names('pods', 'shop')).toEqual(['kylon-c']);
    letRun(here, { [filledBy]: new Date(here.parts.clock.now() - 90_000).toISOString() });
    expect(await look(here)).toBe(false);
    expect(here.cluster.names('pods', 'shop')).toEqual([]);
    expect(execute).not.toHaveBeenCalled();
  });

  it('is brought by one of two who come at once', async () => {
    const here = await scene();
    const target = temporary();
    const execute = vi.fn(inFolder(target));
    here.cluster.execute = execute;
    await look(here);
    letRun(here);
    expect(new Set(await Promise.all([look(here), look(here)]))).toEqual(new Set([false, true]));
    // Once to ask which tar it is.
    expect(execute).toHaveBeenCalledTimes(2);
    expect(told(target)).toBe(told(here.root));
  });
});
