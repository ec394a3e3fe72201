/** Files of a Snapshot that its driver keeps, put into a volume in use: out of one container, into another. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import type { Cluster } from '../../../src/cluster/cluster.ts';
import { restores } from '../../../src/resources/restore.ts';
import type { RestoreSpec } from '../../../src/resources/restore.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { fastClock } from '../clocks.ts';
import { inFolder } from '../copy/local-program.ts';
import { oddVolume, temporary, told } from '../copy/volume-tar.ts';
import { snapshotCluster } from '../snapshot/snapshot-cluster.ts';
import { volumeSnapshots } from '../snapshot/snapshot-kinds.ts';
import { createWorkbench, whileRunning } from '../workbench.ts';

let stop = () => {};
afterEach(() => stop());

const mover = { image: 'mover:1', address: 'https://kylon', ca: 'PEM', namespace: 'kylon-system' };

/** `kept` stands for the volume that is made of the Snapshot, `live` for the one in use. */
async function scene() {
  const [kept, live] = [oddVolume(), temporary()];
  const { cluster, makeReady, collect } = snapshotCluster();
  const timer = setInterval(() => {
    makeReady();
    collect();
    for (const name of cluster.names('pods', 'shop')) {
      const pod = cluster.read('pods', 'shop', name)!;
      const [container] = (pod['spec'] as { containers: [{ name: string }] }).containers;
      const status = { phase: 'Running', containerStatuses: [{ name: container.name, state: { running: {} } }] };
      if (!pod['status']) cluster.seed('pods', { ...pod, status });
    }
  }, 1);
  stop = () => clearInterval(timer);
  const bench = createWorkbench({ cluster, storage: new MemoryStorage(), clock: fastClock, mover });
  await bench.create(snapshots, 'shop', 's', { source: { persistentVolumeClaimName: 'data' } });
  const { metadata } = await whileRunning(bench.engine, () => bench.ended(snapshots, 'shop', 's'));
  const looking = `kylon-${metadata.uid}`;
  const execute: Cluster['exec'] = (target, ...rest) => inFolder(target.pod === looking ? kept : live)(target, ...rest);
  cluster.execute = execute;
  const restore = async (files: NonNullable<RestoreSpec['files']>, more: Partial<RestoreSpec> = {}) =>
    (await whileRunning(bench.engine, () => bench.restore('shop', 'r', { snapshotName: 's', files, ...more }))).status;
  return { kept, live, cluster, bench, execute, looking, restore };
}

describe('files of a Snapshot that its driver keeps', () => {
  it('come into the volume as they were, and are read back', async () => {
    const { kept, live, restore } = await scene();
    expect(await restore({ path: 'conf' }, { claim: { verify: true } })).toMatchObject({
      phase: 'Completed',
      files: 5,
      bytesRestored: 12 + 5000,
      counts: { updated: 1 },
    });
    const folder = temporary();
    execFileSync('cp', ['-a', join(kept, 'conf'), folder]);
    expect(told(live).replaceAll(/ 2 (\d{10})/g, ' 1 $1')).toBe(told(folder));
  });

  it('come into another folder, over what is there only where that is said', async () => {
    const { live, restore, bench } = await scene();
    mkdirSync(join(live, 'there'));
    writeFileSync(join(live, 'there/app.yaml'), 'newer');
    const files = { path: 'conf/app.yaml', targetDirectory: 'there' };
    expect(await restore(files)).toMatchObject({
      phase: 'Failed',
      failureReason: expect.stringMatching(/^FileExists: spec.files.targetDirectory/),
    });
    expect(readFileSync(join(live, 'there/app.yaml'), 'utf8')).toBe('newer');
    const spec = { snapshotName: 's', files, existingResourcePolicy: 'Update' as const };
    await whileRunning(bench.engine, () => bench.restore('shop', 'again', spec));
    expect(readFileSync(join(live, 'there/app.yaml'), 'utf8')).toBe('replicas: 3\n');
    expect(readdirSync(join(live, 'there'))).toEqual(['app.yaml']);
  });

  it('that are not what they were when they are read back are told', async () => {
    const { live, cluster, execute, looking, restore } = await scene();
    cluster.execute = (target, streams, signal) => {
      if (target.pod !== looking && target.command.includes('-cf')) writeFileSync(join(live, 'conf/app.yaml'), 'replicas: 4\n');
      return execute(target, streams, signal);
    };
    expect(await restore({ path: 'conf' }, { claim: { verify: true } })).toMatchObject({
      phase: 'Failed',
      failureReason: expect.stringMatching(/^VerifyFailed: .*app\.yaml/),
    });
  });

  it.each([
    ['are not there', { path: 'conf/never' }, /^FileNotFound: spec.files.path: .*"\/conf\/never"/],
    ['lie behind a link', { path: 'out/x' }, /^FileNotFound: /],
  ])('that %s are refused', async (_, files, reason) => {
    const { live, restore } = await scene();
    expect(await restore(files)).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(reason) });
    expect(readdirSync(live)).toEqual([]);
  });

  it('are only tried by a dry run, for which no volume is made', async () => {
    const { cluster, restore } = await scene();
    expect(await restore({ path: 'conf' }, { dryRun: true })).toMatchObject({ phase: 'Completed', counts: { updated: 1 } });
    expect(cluster.names('pods', 'shop')).toEqual([]);
  });

  it('are found though the VolumeSnapshot went with its namespace', async () => {
    const { cluster, live, looking, restore } = await scene();
    cluster.drop(volumeSnapshots, 'shop', looking);
    expect(await restore({ path: 'conf' })).toMatchObject({ phase: 'Completed' });
    expect(readdirSync(live)).toEqual(['conf']);
  });

  it('are brought again where the Pod that reads them ended', async () => {
    const { cluster, live, looking, execute, restore } = await scene();
    let cuts = 0;
    cluster.execute = (target, streams, signal) => {
      if (target.pod !== looking || !target.command.includes('posix') || cuts++ > 0) return execute(target, streams, signal);
      cluster.drop('pods', 'shop', looking);
      return Promise.reject(new ClusterError(404, 'NotFound', `pods "${looking}" not found`));
    };
    expect(await restore({ path: 'conf' })).toMatchObject({ phase: 'Completed' });
    expect([cuts, readdirSync(live)]).toEqual([2, ['conf']]);
  });

  it('leave nothing but the Pod through which they are seen, which goes when nobody looks any more', async () => {
    const { cluster, looking, bench, restore } = await scene();
    await restore({ path: 'conf' });
    expect(cluster.names('pods', 'shop')).toEqual([looking]);
    cluster.seed('pods', { ...cluster.read('pods', 'shop', looking)!, status: { phase: 'Succeeded' } });
    await whileRunning(bench.engine, () => vi.waitFor(() => expect(cluster.names('pods', 'shop')).toEqual([]), 5_000));
    expect((await bench.get(restores, 'shop', 'r'))?.status).toMatchObject({ phase: 'Completed' });
  });
});
