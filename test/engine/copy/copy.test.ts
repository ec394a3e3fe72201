/** Snapshots whose volume tar reads, wherever that is interrupted. What real Pods do is in test/e2e/snapshots-copy.test.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import { refOf } from '../../../src/engine/runs/run-status.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { fastClock } from '../clocks.ts';
import { snapshotCluster } from '../snapshot/snapshot-cluster.ts';
import { alice, createWorkbench, forever, killedAt, whileRunning } from '../workbench.ts';
import { inFolder } from './local-program.ts';
import { oddVolume, temporary, told, untar } from './volume-tar.ts';

let stop = () => {};
afterEach(() => stop());

/** Ids of the runs of which something lies in the store. */
const runsIn = (files: ReadonlyMap<string, unknown>) =>
  new Set([...files.keys()].filter((key) => key.startsWith('d/domain/snapshots/')).map((key) => key.split('/')[4]));

const copied = { source: { persistentVolumeClaimName: 'data' }, method: 'Copy' };

function scene({ root = oddVolume(), isUsed = true }: { root?: string; isUsed?: boolean } = {}) {
  const { cluster } = snapshotCluster();
  const running = (image: string, mountPath: string, claimName: string) => ({
    spec: {
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
      containers: [{ name: 'app', image, volumeMounts: [{ name: 'v', mountPath }] }],
    },
    status: { phase: 'Running', containerStatuses: [{ name: 'app', state: { running: {} } }] },
  });
  if (isUsed) cluster.seed('pods', { metadata: { name: 'web', namespace: 'shop', uid: 'web' }, ...running('app:1', '/data', 'data') });
  cluster.execute = inFolder(root);
  const shared = { cluster, storage: new MemoryStorage(), files: new Map<string, Uint8Array>(), clock: fastClock };
  const timer = setInterval(() => {
    for (const name of cluster.names('pods', 'shop')) {
      const pod = cluster.read('pods', 'shop', name)!;
      const status = { phase: 'Running', containerStatuses: [{ name: 'copy', state: { running: {} } }] };
      if (!pod['status']) cluster.seed('pods', { ...pod, status });
    }
  }, 1);
  stop = () => clearInterval(timer);
  const helpers = () => cluster.names('pods', 'shop').filter((name) => name !== 'web');
  return {
    root,
    cluster,
    helpers,
    files: shared.files,
    one: createWorkbench(shared),
    two: createWorkbench({ ...shared, copyImage: 'tar:1' }),
  };
}

type Scene = ReturnType<typeof scene>;

async function take({ one }: Pick<Scene, 'one'>, spec: object = copied) {
  await one.create(snapshots, 'shop', 's', spec);
  return whileRunning(one.engine, () => one.ended(snapshots, 'shop', 's'));
}

async function downloaded({ one }: Pick<Scene, 'one'>): Promise<Buffer> {
  const { read } = await one.engine.services.download((await one.get(snapshots, 'shop', 's'))!, '', alice, forever);
  const pieces: Uint8Array[] = [];
  for await (const piece of await read(undefined, forever)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a Snapshot that is copied', () => {
  it('holds what the volume did, and says through what', async () => {
    const here = scene();
    const { status } = await take(here);
    expect(status).toMatchObject({
      phase: 'Completed',
      method: 'Copy',
      readyToUse: true,
      image: 'app:1',
      files: 17,
      claim: { name: 'data' },
      bytesStored: [...here.files].reduce((sum, [key, { length }]) => sum + (/\/(volume.tar.gz|entries|index)$/.test(key) ? length : 0), 0),
    });
    expect(told(untar(await downloaded(here)))).toBe(told(here.root));
    expect(here.helpers()).toEqual([]);
  });

  it.each(Array.from({ length: 16 }, (_, index) => index))('is whole, though the process ended at its request %i', async (at) => {
    const here = scene({ isUsed: at % 2 === 0 });
    const { two, cluster, files } = here;
    await two.create(snapshots, 'shop', 's', { ...copied, copy: { image: 'tar:1' } });
    await killedAt(at, cluster, here.one.engine, () => here.one.ended(snapshots, 'shop', 's'));
    await whileRunning(two.engine, async () => {
      const found = await two.ended(snapshots, 'shop', 's');
      expect(found.status).toMatchObject({ phase: 'Completed', method: 'Copy', files: 17 });
      await vi.waitFor(() => expect(runsIn(files).size).toBe(1), 5_000);
      expect(told(untar(await downloaded({ one: two })))).toBe(told(here.root));
      await vi.waitFor(() => expect(here.helpers()).toEqual([]), 5_000);
      await two.parts.objects.delete(snapshots, refOf(found), forever);
      await vi.waitFor(async () => expect(await two.get(snapshots, 'shop', 's')).toBeUndefined(), 5_000);
    });
    expect(runsIn(files).size).toBe(0);
  });

  it('is begun anew where the stream was cut, and given up after the fourth time', async () => {
    const here = scene();
    let times = 0;
    const cutAt =
      (last: number): Cluster['exec'] =>
      async (target, streams, signal) => {
        if (++times > last) return inFolder(here.root)(target, streams, signal);
        let left = 20_000;
        const output = async (piece: Uint8Array) => {
          left -= piece.length;
          if (left < 0) throw new ClusterError(0, '', 'the connection was closed');
          await streams.output(piece);
        };
        return inFolder(here.root)(target, { ...streams, output }, signal);
      };
    here.cluster.execute = cutAt(3);
    expect((await take(here)).status).toMatchObject({ phase: 'Completed', warnings: 3 });
    expect(told(untar(await downloaded(here)))).toBe(told(here.root));
    const worse = scene();
    times = 0;
    worse.cluster.execute = cutAt(4);
    const { status } = await take(worse);
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(/^CopyCut: it was cut 4 times: .*closed/) });
    expect([...worse.files.keys()]).toEqual([]);
  });

  it('is never Completed where tar ends well and yet half of it has come', async () => {
    const here = scene();
    here.cluster.execute = inFolder(here.root, ([program = '', ...args]) => ['sh', '-c', '"$@" | head -c 30000', 'sh', program, ...args]);
    expect((await take(here)).status).toMatchObject({
      phase: 'Failed',
      failureReason: expect.stringMatching(/^CopyCut: .*before all was read/),
    });
    expect([...here.files.keys()]).toEqual([]);
  });

  it.each([
    ['tar: ./db.log: file changed as we read it', 'Completed'],
    ['tar: ./secret: Cannot open: Permission denied', 'Failed'],
  ])('of which tar says "%s" is %s', async (words, phase) => {
    const here = scene();
    here.cluster.execute = inFolder(here.root, (command) => ['sh', '-c', `"$@"; echo '${words}' >&2; exit 1`, 'sh', ...command]);
    const { status } = await take(here);
    const told =
      phase === 'Completed'
        ? { warnings: 1, fileWarnings: [words] }
        : { failureReason: expect.stringMatching(/^FileNotRead: .*secret: Cannot/) };
    expect(status).toMatchObject({ phase, ...told });
  });

  it.each([
    [
      'there is no tar',
      new ClusterError(500, 'InternalError', 'exec: "tar": executable file not found in $PATH'),
      /^TarNotFound: the image "app:1" of the container "app"/,
    ],
    ['they may not', new ClusterError(403, 'Forbidden', 'pods "web" is forbidden: alice cannot create pods/exec'), /^Forbidden: .*alice/],
  ])('fails at once where %s', async (_, error, reason) => {
    const here = scene();
    const execute = vi.fn<Cluster['exec']>(() => Promise.reject(error));
    here.cluster.execute = execute;
    expect((await take(here)).status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(reason) });
    expect(execute).toHaveBeenCalledTimes(1);
  });

  it('fails where nothing says by which image to make a Pod, and leaves none', async () => {
    const here = scene({ isUsed: false });
    expect((await take(here)).status).toMatchObject({
      phase: 'Failed',
      failureReason: expect.stringMatching(/^CopyImageNotSet: .*--copy-image/),
    });
    expect(here.helpers()).toEqual([]);
  });

  it('is made and read as its creator, and by nobody else', async () => {
    const here = scene({ isUsed: false });
    const asked: string[] = [];
    here.cluster.check = ({ user, verb, resource }) => void asked.push(`${user} ${verb} ${resource}`);
    await take(here, { ...copied, copy: { image: 'tar:1' } });
    const doing = asked.filter((one) => /create (pods|pods\/exec)$/.test(one));
    expect(new Set(doing)).toEqual(new Set(['alice create pods', 'alice create pods/exec']));
  });

  it('is as fast as it may be', async () => {
    const root = temporary();
    writeFileSync(join(root, 'large'), Buffer.alloc(1_000_000, 'x'));
    const here = scene({ root });
    const slept: number[] = [];
    const clock = { ...fastClock, sleep: (ms: number, signal: AbortSignal) => (slept.push(ms), fastClock.sleep(ms, signal)) };
    const slow = createWorkbench({ cluster: here.cluster, clock });
    await take({ one: slow }, { ...copied, throttle: { upload: '100k' } });
    expect(Math.max(...slept)).toBeGreaterThan(1_000);
  });
});
