/** When repositories are pruned, in a cluster in memory, with real marks in a store; what restic does then is in test/e2e/repository.test.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import { createMetrics } from '../../../src/base/metrics.ts';
import { Prune } from '../../../src/engine/upkeep/prune.ts';
import { fieldsOf, listOf } from '../../../src/engine/selection/fields.ts';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import type { Repositories } from '../../../src/repository/repositories.ts';
import { createRepositories } from '../../../src/repository/store-repositories.ts';
import { randomIds } from '../../../src/base/ids.ts';
import { backupStores } from '../../../src/resources/backup-store.ts';
import { snapshots } from '../../../src/resources/snapshot.ts';
import { ManualClock } from '../../manual-clock.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, emptyRepositories, forever } from '../workbench.ts';

const own = 'kylon-system';
const mover = { image: 'mover:1', address: 'https://kylon', ca: 'PEM', namespace: own };
const ids = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const minute = 60_000;
const hour = 60 * minute;
const damaged =
  '{"message_type":"error","message":"pack 12ab: does not exist"}\n{"message_type":"exit_error","code":1,"message":"Fatal: repository contains errors"}';

describe('a repository', () => {
  let cluster: MemoryCluster;
  let clock: ManualClock;
  let store: ReturnType<typeof memoryStore>;
  let repositories: Repositories;
  let asked: unknown[];
  let created: string[];
  let stops: AbortController[];

  beforeEach(() => {
    cluster = new MemoryCluster();
    for (const name of [own, 'shop']) cluster.seed('namespaces', { metadata: { name } });
    clock = new ManualClock();
    store = memoryStore();
    const archive = memoryStore();
    [asked, created, stops] = [[], [], []];
    cluster.check = ({ verb, resource, namespace, user }) => {
      if (verb === 'create' && resource === 'pods') created.push(`${user} ${namespace}`);
    };
    const parts = {
      storeNamed: (name: string) => (name === 'default' ? store : archive),
      domain: 'domain',
      clock,
      ids: randomIds,
      log: createLog('silent'),
      metrics: createMetrics(),
    };
    const real = createRepositories(parts).repositories;
    repositories = {
      access: async (repository, permit, ms) => {
        asked.push([repository.namespace, permit.rights, ms, repository.storeName]);
        return emptyRepositories.access(repository, permit, ms, forever);
      },
      isWrittenFor: (...args) => real.isWrittenFor(...args),
      forget: (...args) => real.forget(...args),
      unpruned: (...args) => real.unpruned(...args),
      forgotten: (...args) => real.forgotten(...args),
      pruned: (...args) => real.pruned(...args),
      checks: (...args) => real.checks(...args),
      lastCheck: (...args) => real.lastCheck(...args),
      noteCheck: (...args) => real.noteCheck(...args),
      contents: (...args) => real.contents(...args),
    };
  });
  afterEach(() => stops.forEach((stop) => stop.abort(new Error('the test is over'))));

  const start = (setting: { mover?: typeof mover } = { mover }) => {
    const bench = createWorkbench({ cluster, clock, store, repositories, ...setting });
    const stop = new AbortController();
    stops.push(stop);
    const figures = createMetrics();
    void new Prune({ ...bench.parts, metrics: figures }).run(stop.signal);
    const failed = async () => /^kylon_repository_check_failed (\d+)$/m.exec((await figures.text()).body)?.[1];
    return { ...bench, stop, failed };
  };
  const podNames = () => cluster.names('pods', own);
  const pod = () => cluster.read('pods', own, podNames()[0] ?? '') as ClusterObject;
  const set = (status: object) => cluster.seed('pods', { ...pod(), status });
  /** The Pod that is there ends so; the garbage collector takes its Secret. */
  const ends = async (exitCode: number, log = '') => {
    const { name } = pod().metadata;
    cluster.write(`${own}/${name}`, log);
    set({ phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [{ state: { terminated: { exitCode } } }] });
    await clock.pass(2_000);
    cluster.drop('secrets', own, name);
  };
  const forget = (id: string) => repositories.forget({ storeName: 'default', namespace: 'shop' }, id, forever);
  const shop = { storeName: 'default', namespace: 'shop' };
  /** It is there since now, with something in it. */
  const begin = async () => {
    await repositories.noteCheck(shop, { times: 0, at: clock.now() }, forever);
    await store.putIfAbsent(`d/domain/volumes/shop/restic/snapshots/${ids[2]}`, Buffer.from('x'), forever);
  };
  const argsOf = () => fieldsOf(listOf(fieldsOf(pod()['spec'])['containers'])[0])['args'];
  const timesChecked = async () => (await repositories.lastCheck(shop, forever))?.times;
  const unpruned = () => repositories.unpruned('default', forever);

  it('is pruned when something was forgotten, by a Pod of Kylon beside Kylon, and then not for a day', async () => {
    start();
    await clock.pass(6 * minute);
    expect(podNames()).toEqual([]);
    await forget(ids[0]);
    await clock.pass(hour);
    expect(created).toEqual([`kylon ${own}`]);
    expect(asked).toEqual([['shop', 'prune', 3 * hour, 'default']]);
    await ends(0, 'total prune: 3 blobs / 1 KiB');
    expect([await unpruned(), podNames()]).toEqual([[], []]);
    await clock.pass(2 * hour);
    await forget(ids[1]);
    await clock.pass(21 * hour);
    expect(created).toHaveLength(1);
    await clock.pass(2 * hour);
    expect(created).toHaveLength(2);
  });

  it('is checked once a day, another share of it each time, though nothing was forgotten', async () => {
    await begin();
    start();
    await clock.pass(24 * hour);
    expect(created).toEqual([]);
    for (const times of [1, 2]) {
      await clock.pass(6 * minute);
      expect(argsOf()).toEqual(['prune', `${times}/30`]);
      await ends(0);
      expect([await timesChecked(), podNames(), created.length]).toEqual([times, [], times]);
      await clock.pass(24 * hour - minute);
      expect(created).toHaveLength(times);
    }
  });

  it('is not checked by a second replica, nor by one that was started later', async () => {
    await begin();
    start();
    await clock.pass(24 * hour + 6 * minute);
    await ends(0);
    start();
    await clock.pass(20 * hour);
    expect([created.length, await timesChecked()]).toEqual([1, 1]);
  });

  it('that was checked is pruned of what was forgotten since, and not checked again', async () => {
    await begin();
    await forget(ids[0]);
    start();
    await clock.pass(6 * minute);
    expect(argsOf()).toEqual(['prune']);
    await ends(0);
    expect([await unpruned(), await timesChecked()]).toEqual([[], 0]);
  });

  it('with nothing in it is left alone', async () => {
    await repositories.noteCheck(shop, { times: 4, at: clock.now() }, forever);
    start();
    await clock.pass(24 * hour + 6 * minute);
    expect([created, await timesChecked()]).toEqual([[], 5]);
  });

  it('with snapshots and no data is not taken for one with nothing in it', async () => {
    await begin();
    start();
    await clock.pass(24 * hour + 6 * minute);
    expect(created).toHaveLength(1);
  });

  it('is pruned in each store by itself', async () => {
    const { create } = start();
    await create(backupStores, '', 'archive', { url: 's3://archive' });
    await repositories.forget({ storeName: 'archive', namespace: 'shop' }, ids[1], forever);
    await clock.pass(6 * minute);
    expect(asked).toEqual([['shop', 'prune', 3 * hour, 'archive']]);
    expect(pod().metadata['annotations']).toMatchObject({ 'backup.kylon.io/pruned-store': 'archive' });
    await forget(ids[0]);
    await ends(0);
    expect([await repositories.unpruned('archive', forever), await unpruned()]).toEqual([[], ['shop']]);
  });

  it('is pruned by a Pod that mounts no volume and has no rights', async () => {
    await forget(ids[0]);
    start();
    await clock.pass(6 * minute);
    const spec = fieldsOf(pod()['spec']);
    expect(spec).toMatchObject({ activeDeadlineSeconds: 3 * 3600, securityContext: { runAsNonRoot: true } });
    expect(spec['volumes']).toHaveLength(2);
    expect(spec['containers']).toMatchObject([{ args: ['prune', '1/30'], securityContext: { capabilities: { drop: ['ALL'] } } }]);
    expect(JSON.stringify(spec)).not.toContain('DAC_OVERRIDE');
  });

  it('is not pruned for a snapshot that is still there', async () => {
    await begin();
    await store.putIfAbsent(`d/domain/forgotten/shop/${ids[0]}`, Buffer.of(), forever);
    await store.putIfAbsent(`d/domain/volumes/shop/restic/snapshots/${ids[0]}`, Buffer.from('x'), forever);
    start();
    await clock.pass(2 * hour);
    expect([created, await unpruned()]).toEqual([[], ['shop']]);
    await forget(ids[0]);
    await clock.pass(hour);
    expect(created).toHaveLength(1);
  });

  it('is pruned once more for what was forgotten while it was pruned', async () => {
    await forget(ids[0]);
    start();
    await clock.pass(6 * minute);
    await forget(ids[1]);
    await ends(0);
    expect(await repositories.forgotten({ storeName: 'default', namespace: 'shop' }, forever)).toEqual([ids[1]]);
  });

  it('is pruned by one Pod of two replicas that look at the same time, of which one ends', async () => {
    await forget(ids[0]);
    const both = Promise.withResolvers<void>();
    cluster.check = async ({ verb, resource }) => {
      if (verb !== 'create' || resource !== 'pods') return;
      if (created.push('at the same time') === 2) both.resolve();
      await both.promise;
    };
    const one = start();
    start();
    await clock.pass(6 * minute);
    expect([created.length, podNames().length]).toEqual([2, 1]);
    one.stop.abort(new Error('killed'));
    await ends(0);
    expect([podNames(), await unpruned()]).toEqual([[], []]);
  });

  it('is pruned on with by a process that was started later, which takes for done what was', async () => {
    await forget(ids[0]);
    const one = start();
    await clock.pass(6 * minute);
    one.stop.abort(new Error('killed'));
    await forget(ids[1]);
    await ends(0);
    expect(podNames()).toHaveLength(1);
    start();
    await clock.pass(6 * minute);
    expect(podNames()).toEqual([]);
    expect(await repositories.forgotten({ storeName: 'default', namespace: 'shop' }, forever)).toEqual([ids[1]]);
  });

  it('is pruned on while the cluster does not answer one that looks on', async () => {
    await forget(ids[0]);
    start();
    await clock.pass(6 * minute);
    set({ phase: 'Running' });
    cluster.check = () => {
      cluster.check = () => {};
      throw new Error('no answer');
    };
    await clock.pass(minute);
    expect(podNames()).toHaveLength(1);
    await clock.pass(hour);
    await ends(0);
    expect([podNames(), await unpruned()]).toEqual([[], []]);
  });

  it('that is locked is pruned an hour later', async () => {
    await forget(ids[0]);
    const { failed } = start();
    await clock.pass(6 * minute);
    await ends(11);
    expect([podNames(), await unpruned(), await failed()]).toEqual([[], ['shop'], '0']);
    expect(await timesChecked()).toBe(1);
    await clock.pass(hour);
    expect(created).toHaveLength(2);
    expect(argsOf()).toEqual(['prune']);
  });

  const wrongKey = 'Fatal: wrong password or no key found';

  it.each([
    ['RepositoryDamaged', 1, damaged, 'the repository of the namespace "shop" is damaged: pack 12ab: does not exist'],
    [
      'RepositoryKeyWrong',
      12,
      wrongKey,
      `the repository of the namespace "shop" does not open with the password that Kylon has for it: ${wrongKey}`,
    ],
  ])('with %s is told by an Event of what lies in it and by a metric, until it is whole', async (reason, exitCode, log, message) => {
    await forget(ids[0]);
    const { failed, create, parts } = start();
    await create(snapshots, 'shop', 's', { source: { persistentVolumeClaimName: 'data' }, moveData: true });
    const target = { namespace: 'shop', name: 's', uid: (await parts.objects.get(snapshots, 'shop', 's', forever))?.metadata.uid ?? '' };
    await parts.objects.update(
      snapshots,
      target,
      'status',
      (object) => ({ ...object, status: { phase: 'Completed', method: 'File' } }),
      forever,
    );
    await clock.pass(6 * minute);
    await ends(exitCode, log);
    const events = cluster.names('events', 'shop').map((name) => cluster.read('events', 'shop', name));
    expect(events).toMatchObject([
      {
        type: 'Warning',
        reason,
        involvedObject: { kind: 'Snapshot', name: 's' },
        message,
      },
    ]);
    expect([await failed(), await unpruned(), podNames(), await timesChecked()]).toEqual(['1', ['shop'], [], undefined]);
    await clock.pass(24 * hour);
    expect(argsOf()).toEqual(['prune', '1/30']);
    await ends(0);
    expect([await failed(), await unpruned()]).toEqual(['0', []]);
  });

  it('whose prune has failed is not taken for damaged', async () => {
    await forget(ids[0]);
    const { failed } = start();
    await clock.pass(6 * minute);
    await ends(1, 'Fatal: no space left');
    expect([await failed(), await unpruned(), podNames(), cluster.names('events', 'shop')]).toEqual(['0', ['shop'], [], []]);
  });

  it('is left alone where no mover can be sent', async () => {
    await forget(ids[0]);
    start({});
    await clock.pass(2 * hour);
    expect([created, await unpruned()]).toEqual([[], ['shop']]);
  });
});
