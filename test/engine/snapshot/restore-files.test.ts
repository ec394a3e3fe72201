/** Files that are put into a claim in use: what is looked at first, what the mover is told, and what is said of it. The mover itself is in test/e2e/repository-files.test.ts. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import type { Repositories } from '../../../src/repository/repositories.ts';
import { restores } from '../../../src/resources/restore.ts';
import type { RestoreSpec, RestoreStatus } from '../../../src/resources/restore.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import type { SnapshotStatus } from '../../../src/resources/snapshot.ts';
import { password, quickFiles, snapshots as frozen } from '../../repository/reading/frozen.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { fastClock } from '../clocks.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, emptyRepositories, forever, killedAt, resultsOf, whileRunning } from '../workbench.ts';
import { snapshotCluster } from './snapshot-cluster.ts';

let stop = () => {};
afterEach(() => stop());

const summary = '{"message_type":"summary","total_files":4,"files_restored":3,"files_skipped":1,"total_bytes":9,"bytes_restored":6}';
const taken: Partial<SnapshotStatus> = {
  phase: 'Completed',
  method: 'File',
  handle: frozen.first,
  claim: { name: 'data', uid: 'u' },
};

/** With a claim that a Pod has, and a kubelet at work: the first mover ends so, and any other would find the files there. */
async function scene({
  exitCode = 0,
  log = summary,
  status = {},
}: { exitCode?: number; log?: string; status?: Partial<SnapshotStatus> } = {}) {
  const { cluster } = snapshotCluster();
  cluster.seed('pods', {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { nodeName: 'n1', volumes: [{ persistentVolumeClaim: { claimName: 'data' } }] },
    status: { phase: 'Running' },
  });
  const repositories: Repositories = {
    ...emptyRepositories,
    access: async () => ({ path: 'repositories/default/shop/', username: 'u', password: 'p', repositoryPassword: password }),
  };
  const mover = { image: 'mover:1', address: 'https://kylon', ca: 'PEM', namespace: 'kylon-system' };
  const shared = {
    cluster,
    clock: fastClock,
    repositories,
    mover,
    files: await quickFiles(),
    storage: new MemoryStorage(),
    replica: 'one',
  };
  const one = createWorkbench(shared);
  const { metadata } = await one.create(snapshots, 'shop', 's', { source: { persistentVolumeClaimName: 'data' } });
  const ref = { namespace: 'shop', name: 's', uid: metadata.uid ?? '' };
  await one.parts.objects.update(snapshots, ref, 'status', (object) => ({ ...object, status: { ...taken, ...status } }), forever);
  const sent: ClusterObject[] = [];
  const timer = setInterval(() => runMovers(cluster, sent, exitCode, log), 1);
  stop = () => clearInterval(timer);
  const restore = (spec: Partial<RestoreSpec>) => whileRunning(one.engine, () => one.restore('shop', 'r', { snapshotName: 's', ...spec }));
  const left = () => [
    ...cluster.names('pods', 'shop'),
    ...cluster.names('secrets', 'shop'),
    ...cluster.names('persistentvolumeclaims', 'shop'),
  ];
  return { cluster, one, two: createWorkbench(shared), sent, restore, left };
}

function runMovers(cluster: MemoryCluster, sent: ClusterObject[], exitCode: number, log: string): void {
  const pods = cluster.names('pods', 'shop').map((name) => cluster.read('pods', 'shop', name)!);
  for (const name of cluster.names('secrets', 'shop'))
    if (!pods.some(({ metadata }) => name.startsWith(`${metadata.name}-`))) cluster.drop('secrets', 'shop', name);
  for (const pod of pods) {
    const { name } = pod.metadata;
    if (pod['status'] || !cluster.names('secrets', 'shop').some((secret) => secret.startsWith(`${name}-`))) continue;
    cluster.write(`shop/${name}`, log);
    sent.push(pod);
    const terminated = { exitCode: sent.length === 1 ? exitCode : 20 };
    cluster.seed('pods', { ...pod, status: { phase: 'Succeeded', containerStatuses: [{ state: { terminated } }] } });
  }
}

const argsOf = (pod: ClusterObject) => (pod['spec'] as { containers: { args: string[] }[] }).containers[0]?.args;
const stepsOf = ({ steps = [] }: RestoreStatus) => steps.map(({ name, phase }) => `${name} ${phase}`);
const own = ['web', 'data'];

describe('files of a Snapshot', () => {
  it('are put back by a mover beside the Pod that has the claim', async () => {
    const { one, sent, restore, left } = await scene();
    const restored = await restore({ files: { path: 'deep/one' } });
    expect(restored.status).toMatchObject({ phase: 'Completed', counts: { updated: 1 }, files: 3, filesUnchanged: 1, bytesRestored: 6 });
    expect(stepsOf(restored.status)).toEqual(['FindFiles Completed', 'RestoreFiles Completed']);
    expect(await resultsOf(one.engine, restored)).toEqual([
      expect.stringMatching(/^persistentvolumeclaims shop\/data updated: it has "deep\/one" into the folder "deep"/),
    ]);
    const staging = `.kylon-${restored.metadata.uid}`;
    expect(sent.map(argsOf)).toEqual([['restore-files', frozen.first, 'Skip', staging, 'File', 'deep/one', 'deep/one', 'deep']]);
    expect(sent[0]?.['spec']).toMatchObject({
      volumes: [{ persistentVolumeClaim: { claimName: 'data' } }, {}, {}],
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ values: ['n1'] }] }] } },
      },
    });
    expect(left()).toEqual(own);
  });

  it('go where and how the Restore says', async () => {
    const { cluster, sent, restore } = await scene();
    cluster.seed('persistentvolumeclaims', {
      ...cluster.read('persistentvolumeclaims', 'shop', 'data')!,
      metadata: { name: 'other', namespace: 'shop' },
    });
    const files = { path: 'deep/', targetDirectory: 'a/b/' };
    const { status } = await restore({
      files,
      claim: { name: 'other', verify: true },
      existingResourcePolicy: 'Update',
      throttle: { download: '1Mi' },
    });
    expect(status.phase).toBe('Completed');
    expect(argsOf(sent[0]!)?.slice(0, 2)).toEqual(['--limit-download=1024', 'restore-files']);
    expect(argsOf(sent[0]!)?.slice(3)).toEqual(['Update', expect.any(String), 'Directory', 'deep', 'deep', 'a/b', '--verify']);
  });

  it.each([
    ['hello.txt', undefined, ['File', 'hello.txt', 'hello.txt', '']],
    ['deep/er', '.', ['Directory', 'deep/er', 'deep/er', '']],
    ['deep', 'new', ['Directory', 'deep', 'deep', 'new']],
  ])('%s into %s is told the mover as %j', async (path, targetDirectory, told) => {
    const { sent, restore } = await scene();
    await restore({ files: { path, ...(targetDirectory && { targetDirectory }) } });
    expect(argsOf(sent[0]!)?.slice(4)).toEqual(told);
  });

  it.each<[string, Partial<RestoreSpec>, Partial<SnapshotStatus>, RegExp]>([
    ['is not in the snapshot', { files: { path: 'deep/never' } }, {}, /^FileNotFound: spec.files.path: .*"\/deep\/never"/],
    ['lies behind a link', { files: { path: 'deep/link/x' } }, {}, /^FileNotFound: spec.files.path: /],
    ['is of a device', { files: { path: 'deep' } }, { claim: { name: 'data', uid: 'u', volumeMode: 'Block' } }, /^VolumeModeMismatch: /],
    ['goes into no claim', { files: { path: 'deep' }, claim: { name: 'none' } }, {}, /^ClaimNotFound: .*"none"/],
  ])('that %s are refused before anything is sent', async (_, spec, status, reason) => {
    const { sent, restore, left } = await scene({ status });
    const { status: restored } = await restore(spec);
    expect(restored).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(reason) });
    expect([sent, left()]).toEqual([[], own]);
  });

  it.each([
    [
      20,
      '"deep" is there already in the volume',
      { path: 'deep' },
      /^FileExists: spec.files.path: "deep" is there already .*existingResourcePolicy to Update/,
    ],
    [20, '"a/deep" is there', { path: 'deep', targetDirectory: 'a' }, /^FileExists: spec.files.targetDirectory: "a\/deep"/],
    [21, '"deep" is a symbolic link', { path: 'deep/one' }, /^PathRefused: spec.files.path: "deep" is a symbolic link/],
    [1, 'Fatal: no space left on device', { path: 'deep' }, /^MoverFailed: the mover of the claim "data" has failed: Fatal: no space left/],
  ])('that the mover refuses by %i are told with the field and the cause, and nothing is left', async (exitCode, log, files, reason) => {
    const { restore, left } = await scene({ exitCode, log });
    const { status } = await restore({ files });
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(reason) });
    expect(stepsOf(status)).toEqual(['FindFiles Completed', 'RestoreFiles Failed']);
    await vi.waitFor(() => expect(left()).toEqual(own), 5_000);
  });

  it('are only tried by a dry run', async () => {
    const { one, sent, restore, left } = await scene();
    const restored = await restore({ files: { path: 'deep' }, dryRun: true });
    expect(await resultsOf(one.engine, restored)).toEqual([
      'persistentvolumeclaims shop/data updated: it would get "deep" into the folder "." of the claim "data"',
    ]);
    expect([sent, left()]).toEqual([[], own]);
  });

  it.each(Array.from({ length: 24 }, (_, index) => index))('are put back though the process ended at its request %i', async (at) => {
    const { cluster, one, two, left } = await scene();
    await one.create(restores, 'shop', 'r', { snapshotName: 's', files: { path: 'deep' } });
    await killedAt(at, cluster, one.engine, () => one.ended(restores, 'shop', 'r'));
    const { status } = await whileRunning(two.engine, () => two.ended(restores, 'shop', 'r'));
    expect(status).toMatchObject({ phase: 'Completed', files: 3 });
    await vi.waitFor(() => expect(left()).toEqual(own), 5_000);
  });

  it('are counted before the mover goes, and then not brought again by a run that begins anew', async () => {
    const { cluster, one, two, sent } = await scene();
    const counted: unknown[] = [];
    const stopped = new AbortController();
    cluster.check = async ({ verb, resource }) => {
      if (verb !== 'delete' || resource !== 'pods') return;
      const { status } = (await one.get(restores, 'shop', 'r')) as { status?: RestoreStatus };
      counted.push(status?.files);
      stopped.abort(new Error('stopped'));
    };
    await one.create(restores, 'shop', 'r', { snapshotName: 's', files: { path: 'deep' } });
    await one.engine.run(stopped.signal).catch(() => {});
    expect(counted).toEqual([3]);
    cluster.check = () => {};
    for (const name of cluster.names('pods', 'shop')) if (name !== 'web') cluster.drop('pods', 'shop', name);
    const { status } = await whileRunning(two.engine, () => two.ended(restores, 'shop', 'r'));
    expect([sent.length, status]).toMatchObject([1, { phase: 'Completed', files: 3, bytesRestored: 6 }]);
  });
});
