/** Files that a mover has copied, put into a claim of another namespace: by tar, in a Pod beside those that use it. What real Pods do is in test/e2e/snapshots-elsewhere.test.ts. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import { wholeForm } from '../../../src/repository/reading/tar-of.ts';
import type { Repositories } from '../../../src/repository/repositories.ts';
import { restores } from '../../../src/resources/restore.ts';
import type { RestoreSpec, RestoreStatus } from '../../../src/resources/restore.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import type { SnapshotStatus } from '../../../src/resources/snapshot.ts';
import { bytesOf, openFrozen, password, quickFiles, snapshots as frozen } from '../../repository/reading/frozen.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { fastClock } from '../clocks.ts';
import { inFolder } from '../copy/local-program.ts';
import { temporary, told, untar } from '../copy/volume-tar.ts';
import { createWorkbench, emptyRepositories, forever, killedAt, whileRunning } from '../workbench.ts';
import { snapshotCluster } from './snapshot-cluster.ts';

let stop = () => {};
afterEach(() => stop());

const taken: Partial<SnapshotStatus> = { phase: 'Completed', method: 'File', handle: frozen.first, claim: { name: 'data', uid: 'u' } };
const image = 'mover:1';

/** With a claim in the namespace `copy` that a Pod has, which is on a node, and a kubelet at work. Its volume is the folder `root`. */
async function scene({ hasMovers = true, status = {} }: { hasMovers?: boolean; status?: Partial<SnapshotStatus> } = {}) {
  const { cluster } = snapshotCluster();
  const root = temporary();
  cluster.seed('namespaces', { metadata: { name: 'copy' } });
  const claim = cluster.read('persistentvolumeclaims', 'shop', 'data')!;
  cluster.seed('persistentvolumeclaims', { ...claim, metadata: { name: 'data', namespace: 'copy' } });
  cluster.seed('persistentvolumeclaims', { metadata: { name: 'pending', namespace: 'copy' }, status: { phase: 'Pending' } });
  cluster.seed('pods', {
    metadata: { name: 'web', namespace: 'copy' },
    spec: {
      nodeName: 'n1',
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }],
      containers: [{ name: 'app', image: 'app:1', volumeMounts: [{ name: 'v', mountPath: '/data' }] }],
    },
    status: { phase: 'Running', containerStatuses: [{ name: 'app', state: { running: {} } }] },
  });
  const executed: Parameters<Cluster['exec']>[0][] = [];
  const run = inFolder(root);
  cluster.execute = (execution, streams, signal) => {
    executed.push(execution);
    return run(execution, streams, signal);
  };
  const repositories: Repositories = {
    ...emptyRepositories,
    access: async () => ({ path: 'repositories/default/shop/', username: 'u', password: 'p', repositoryPassword: password }),
  };
  const mover = { image, address: 'https://kylon', ca: 'PEM', namespace: 'kylon-system' };
  const shared = { cluster, clock: fastClock, repositories, files: await quickFiles(), storage: new MemoryStorage() };
  const one = createWorkbench({ ...shared, ...(hasMovers && { mover }) });
  const { metadata } = await one.create(snapshots, 'shop', 's', { source: { persistentVolumeClaimName: 'data' } });
  const ref = { namespace: 'shop', name: 's', uid: metadata.uid ?? '' };
  await one.parts.objects.update(snapshots, ref, 'status', (object) => ({ ...object, status: { ...taken, ...status } }), forever);
  const sent = new Map<string, unknown>();
  const timer = setInterval(() => {
    for (const name of cluster.names('pods', 'copy')) {
      const pod = cluster.read('pods', 'copy', name)!;
      if (pod['status']) continue;
      sent.set(name, pod['spec']);
      cluster.seed('pods', { ...pod, status: { phase: 'Running', containerStatuses: [{ name: 'copy', state: { running: {} } }] } });
    }
  }, 1);
  stop = () => clearInterval(timer);
  const specOf = (files: RestoreSpec['files'], more: Partial<RestoreSpec> = {}) => ({
    snapshotName: 's',
    snapshotNamespace: 'shop',
    files,
    ...more,
  });
  const create = (files: RestoreSpec['files'], more?: Partial<RestoreSpec>) => one.create(restores, 'copy', 'r', specOf(files, more));
  const ended = async (by = one): Promise<RestoreStatus> =>
    (await whileRunning(by.engine, () => by.ended(restores, 'copy', 'r'))).status as RestoreStatus;
  const restore = async (files: RestoreSpec['files'], more?: Partial<RestoreSpec>) => {
    await create(files, more);
    return ended();
  };
  const nothingIsLeft = async () => {
    await vi.waitFor(() => expect(cluster.names('pods', 'copy')).toEqual(['web']), 5_000);
    expect(cluster.names('secrets', 'copy')).toEqual([]);
    expect(execFileSync('find', [root, '-name', '.kylon-*']).toString()).toBe('');
  };
  return { cluster, root, executed, sent, create, ended, restore, nothingIsLeft, one, two: createWorkbench({ ...shared, mover }) };
}

/** A folder of the snapshot, as `download` gives it. */
async function downloaded(path: string): Promise<string> {
  const tree = await openFrozen(await quickFiles(), frozen.first);
  return untar(await bytesOf(tree.archive((await tree.entry(path, forever))!, path, wholeForm, forever)));
}

const failed = (reason: RegExp) => ({ phase: 'Failed', failureReason: expect.stringMatching(reason) as unknown });

describe('files of a moved Snapshot of another namespace', () => {
  it.each(['/deep', '/odd'])('come as the folder %s is downloaded, read back, in a Pod of their own', async (path) => {
    const { root, executed, sent, restore, nothingIsLeft } = await scene();
    const status = await restore({ path: path.slice(1) }, { claim: { verify: true } });
    const there = await downloaded(path);
    const count = 1 + readdirSync(join(there, path), { recursive: true }).length;
    expect(status).toMatchObject({ phase: 'Completed', counts: { updated: 1 }, files: count, filesUnchanged: 0 });
    expect(told(root)).toBe(told(there));
    expect(new Set(executed.map(({ pod, namespace }) => `${namespace}/${pod}`))).toEqual(
      new Set([...sent.keys()].map((name) => `copy/${name}`)),
    );
    expect([...sent.values()]).toMatchObject([
      {
        containers: [{ image, securityContext: { runAsUser: 0 } }],
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ values: ['n1'] }] }] } },
        },
      },
    ]);
    expect(JSON.stringify([...sent.values()])).not.toMatch(/secret/i);
    await nothingIsLeft();
  });

  it('may be a file with attributes, a name of several, or a link', async () => {
    for (const [path, size] of [
      ['hello.txt', 6],
      ['deep/one', 7],
      ['deep/link', 0],
    ] as const) {
      const { root, restore, nothingIsLeft } = await scene();
      const status = await restore({ path, targetDirectory: 'a/b' }, { claim: { verify: true } });
      expect(status).toMatchObject({ phase: 'Completed', files: 1, bytesRestored: size });
      const name = path.slice(path.lastIndexOf('/') + 1);
      expect(readdirSync(join(root, 'a/b'))).toEqual([name]);
      expect(lstatSync(join(root, 'a/b', name)).nlink).toBe(1);
      if (name === 'hello.txt') {
        const { mode, mtimeMs } = lstatSync(join(root, 'a/b', name));
        expect([mode & 0o7777, mtimeMs % 1_000 === 0]).toEqual([0o4755, false]);
        const saved = execFileSync('tar', ['--xattrs', '-C', join(root, 'a/b'), '-cf', '-', name]).toString('latin1');
        expect(saved).toContain('SCHILY.xattr.user.');
      }
      await nothingIsLeft();
      stop();
    }
  });

  it('overwrite nothing by themselves, and what differs with Update', async () => {
    const { root, restore, nothingIsLeft } = await scene();
    mkdirSync(join(root, 'deep/er'), { recursive: true });
    writeFileSync(join(root, 'deep/er/two'), 'changed');
    writeFileSync(join(root, 'deep/mine'), 'mine');
    expect(await restore({ path: 'deep' })).toMatchObject(failed(/^FileExists: spec.files.path: "deep" is there already/));
    expect([readFileSync(join(root, 'deep/er/two'), 'utf8'), existsSync(join(root, 'deep/one'))]).toEqual(['changed', false]);
    await nothingIsLeft();
    const other = await scene();
    mkdirSync(join(other.root, 'deep/er'), { recursive: true });
    writeFileSync(join(other.root, 'deep/er/two'), 'changed');
    writeFileSync(join(other.root, 'deep/mine'), 'mine');
    const status = await other.restore({ path: 'deep' }, { existingResourcePolicy: 'Update', claim: { verify: true } });
    expect(status).toMatchObject({ phase: 'Completed' });
    const there = await downloaded('/deep');
    for (const path of ['deep/er/two', 'deep/one']) expect(readFileSync(join(other.root, path))).toEqual(readFileSync(join(there, path)));
    expect(readFileSync(join(other.root, 'deep/mine'), 'utf8')).toBe('mine');
    await other.nothingIsLeft();
  });

  it('that are not there as they were when they are read back are told', async () => {
    const { cluster, root, restore, nothingIsLeft } = await scene();
    const run = inFolder(root);
    cluster.execute = (execution, streams, signal) => {
      if (execution.command.includes('-cf')) writeFileSync(join(root, 'hello.txt'), 'HELLO\n');
      return run(execution, streams, signal);
    };
    expect(await restore({ path: 'hello.txt' }, { claim: { verify: true } })).toMatchObject(failed(/^VerifyFailed: .*"\.\/hello\.txt"/));
    await nothingIsLeft();
  });

  it('go through no link', async () => {
    const { root, restore, nothingIsLeft } = await scene();
    const outside = temporary();
    symlinkSync(outside, join(root, 'out'));
    const status = await restore({ path: 'deep', targetDirectory: 'out/in' });
    expect(status).toMatchObject(failed(/^PathRefused: spec.files.targetDirectory: "out" is a symbolic link/));
    expect(readdirSync(outside)).toEqual([]);
    await nothingIsLeft();
  });

  it.each<[string, RestoreSpec['files'], Partial<RestoreSpec>, Partial<SnapshotStatus>, RegExp]>([
    ['are not in the snapshot', { path: 'deep/never' }, {}, {}, /^FileNotFound: spec.files.path: .*"\/deep\/never"/],
    ['lie behind a link', { path: 'deep/link/x' }, {}, {}, /^FileNotFound: /],
    ['go into no claim', { path: 'deep' }, { claim: { name: 'none' } }, {}, /^ClaimNotFound: .*"none"/],
    ['go into a claim without a volume', { path: 'deep' }, { claim: { name: 'pending' } }, {}, /^ClaimPending: .*"pending"/],
    ['are of a device', { path: 'deep' }, {}, { claim: { name: 'data', uid: 'u', volumeMode: 'Block' } }, /^VolumeModeMismatch: /],
  ])('that %s are refused before anything is sent', async (_, files, more, status, reason) => {
    const { sent, restore, nothingIsLeft } = await scene({ status });
    expect(await restore(files, more)).toMatchObject(failed(reason));
    expect(sent.size).toBe(0);
    await nothingIsLeft();
  });

  it('are given to nobody who may not restore there, and without an image to nobody', async () => {
    const { create, ended, one, sent } = await scene();
    await create({ path: 'deep' });
    one.denied.add('snapshots/restore shop');
    expect(await ended()).toMatchObject(failed(/^Forbidden: .*"snapshots\/restore".* in the namespace "shop"/));
    expect(sent.size).toBe(0);
    const without = await scene({ hasMovers: false });
    expect(await without.restore({ path: 'deep' })).toMatchObject(failed(/^CopyImageNotSet: .*"data"/));
    await without.nothingIsLeft();
  });

  it.each(['pods', 'pods/exec'])('are brought as the creator, who may not create %s', async (resource) => {
    const { cluster, restore, root, nothingIsLeft } = await scene();
    cluster.check = (asked) => {
      if (asked.user === 'alice' && asked.verb === 'create' && asked.resource === resource)
        throw new ClusterError(403, 'Forbidden', `${resource} is forbidden: alice`);
    };
    expect(await restore({ path: 'deep' })).toMatchObject(failed(/^Forbidden: .*alice/));
    expect(readdirSync(root)).toEqual([]);
    await nothingIsLeft();
  });

  it('are only tried by a dry run', async () => {
    const { sent, executed, restore, nothingIsLeft } = await scene();
    expect(await restore({ path: 'deep' }, { dryRun: true })).toMatchObject({ phase: 'Completed', counts: { updated: 1 } });
    expect([sent.size, executed.length]).toEqual([0, 0]);
    await nothingIsLeft();
  });

  it('are brought again where the connection was cut', async () => {
    const { cluster, root, restore, nothingIsLeft } = await scene();
    const run = inFolder(root);
    let times = 0;
    cluster.execute = async (execution, streams, signal) => {
      const isPlaced = execution.command.includes('-xpf') && times++ === 0;
      const code = await run(execution, streams, signal);
      if (isPlaced) throw new ClusterError(0, '', 'the connection was closed');
      return code;
    };
    expect(await restore({ path: 'deep' })).toMatchObject({ phase: 'Completed', warnings: 1, files: expect.any(Number) });
    expect(told(root)).toBe(told(await downloaded('/deep')));
    await nothingIsLeft();
  });

  it.each(Array.from({ length: 24 }, (_, index) => index))('are brought though the process ended at its request %i', async (at) => {
    const { cluster, root, create, ended, one, two, nothingIsLeft } = await scene();
    await create({ path: 'deep' });
    await killedAt(at, cluster, one.engine, () => one.ended(restores, 'copy', 'r'));
    expect(await ended(two)).toMatchObject({ phase: 'Completed', filesUnchanged: 0, bytesRestored: 7 });
    expect(told(root)).toBe(told(await downloaded('/deep')));
    await nothingIsLeft();
  });
});
