/** The Pod that copies a volume, in a cluster in memory; test/e2e/snapshots-move.test.ts has it run. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import { discardMover, runMover } from '../../../src/engine/mover/mover.ts';
import { secretNameIn } from '../../../src/engine/mover/mover-pod.ts';
import type { Errand } from '../../../src/engine/mover/mover-pod.ts';
import type { Sender } from '../../../src/engine/mover/mover.ts';
import { fieldsOf } from '../../../src/engine/selection/fields.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { impatientClock } from '../clocks.ts';
import { createWorkbench, forever } from '../workbench.ts';

const owner = { apiVersion: 'v1', kind: 'Snapshot', metadata: { name: 's', namespace: 'shop', uid: 'u1' } };
const errand: Errand = {
  owner,
  repository: { storeName: 'default', namespace: 'shop' },
  claimName: 'data',
  isBlock: false,
  way: 'backup',
  args: ['data'],
};
const setting = { image: 'mover:1', address: 'https://kylon.example:8443', ca: 'PEM', namespace: 'kylon-system' };

describe('a mover', () => {
  let cluster: MemoryCluster;
  let sender: Sender;
  let warnings: string[];

  beforeEach(() => {
    cluster = new MemoryCluster();
    cluster.seed('namespaces', { metadata: { name: 'shop' } });
    warnings = [];
    const parts = { ...createWorkbench({ cluster, clock: impatientClock }).parts, mover: setting };
    sender = { parts, cluster, onProgress: () => {}, warn: (text) => void warnings.push(text), signal: forever };
  });

  const pod = () => cluster.read('pods', 'shop', 'kylon-u1');
  const set = (status: object) => cluster.seed('pods', { ...(pod() as ClusterObject), status });
  /** The Secret that the Pod mounts. */
  const secretName = () => (pod() && secretNameIn(pod()!)) ?? '';
  const secret = () => cluster.read('secrets', 'shop', secretName());
  const dropSecret = () => cluster.drop('secrets', 'shop', secretName());
  /** As soon as the Pod is made. */
  const ends = async (exitCode: number, log = '') => {
    cluster.write('shop/kylon-u1', log);
    await expect.poll(pod).toBeDefined();
    await expect.poll(() => secret()).toBeDefined();
    set({ phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [{ state: { terminated: { exitCode } } }] });
  };

  it('is given the way to the repository in a Secret that goes with it, and nothing of it in the Pod', async () => {
    const running = runMover(sender, errand);
    await ends(0, 'done');
    expect(await running).toBe('done');
    expect(secret()).toMatchObject({
      stringData: { repository: 'rest:https://kylon.example:8443/repositories/', password: 'ticket', 'repository-password': 'key' },
    });
    expect(secret()?.metadata['ownerReferences']).toEqual([{ apiVersion: 'v1', kind: 'Pod', name: 'kylon-u1', uid: pod()?.metadata.uid }]);
    expect(JSON.stringify(pod())).not.toMatch(/ticket|key"/);
  });

  it('is root with few capabilities, or nobody where the namespace is restricted', async () => {
    const first = runMover(sender, errand);
    await ends(0);
    await first;
    const rights = () => fieldsOf(fieldsOf((fieldsOf(pod()?.['spec'])['containers'] as object[])[0])['securityContext']);
    expect(rights()).toMatchObject({ runAsUser: 0, capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE'] } });
    cluster.drop('pods', 'shop', 'kylon-u1');
    dropSecret();
    cluster.seed('namespaces', { metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } });
    const second = runMover(sender, { ...errand, runAs: { user: 1000, groups: [2000] } });
    await ends(0);
    await second;
    expect(rights()).toMatchObject({ capabilities: { drop: ['ALL'] }, allowPrivilegeEscalation: false });
    expect(fieldsOf(pod()?.['spec'])['securityContext']).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      supplementalGroups: [0, 2000],
    });
  });

  it('is told names as they are, which Kubernetes would take for variables', async () => {
    const names = ['price$$.txt', 'c$(KUBERNETES_PORT)', '$', 'plain'];
    const running = runMover(sender, { ...errand, args: names });
    await ends(0);
    await running;
    const [container] = fieldsOf(pod()?.['spec'])['containers'] as { args: string[] }[];
    expect(container?.args).toEqual(['backup', 'price$$$$.txt', 'c$$(KUBERNETES_PORT)', '$$', 'plain']);
  });

  it('is told how fast it may be, in KiB a second', async () => {
    const running = runMover(sender, { ...errand, throttle: { upload: '10Mi', download: '1500' } });
    await ends(0);
    await running;
    const [container] = fieldsOf(pod()?.['spec'])['containers'] as { args: string[] }[];
    expect(container?.args).toEqual(['--limit-upload=10240', '--limit-download=1', 'backup', 'data']);
  });

  it('whose password opens no key says so', async () => {
    const running = runMover(sender, errand);
    const message =
      'the repository of the namespace "shop" does not open with the password that Kylon has for it: Fatal: wrong password or no key found';
    await Promise.all([
      expect(running).rejects.toMatchObject({ reason: 'RepositoryKeyWrong', message }),
      ends(12, 'Fatal: wrong password or no key found'),
    ]);
  });

  it('that fails says why in its own words', async () => {
    const running = runMover(sender, errand);
    await Promise.all([
      expect(running).rejects.toMatchObject({ reason: 'MoverFailed', message: 'the mover of the claim "data" has failed: Fatal: no room' }),
      ends(1, 'Fatal: no room'),
    ]);
  });

  it('that is killed is made anew, and given up after the fourth time', async () => {
    const running = runMover(sender, errand);
    const killing = (async () => {
      const seen = new Set<string | undefined>();
      while (seen.size < 4) {
        await expect.poll(() => pod() !== undefined && !seen.has(pod()?.metadata.uid), { timeout: 5_000 }).toBe(true);
        seen.add(pod()?.metadata.uid);
        dropSecret();
        cluster.drop('pods', 'shop', 'kylon-u1');
      }
    })();
    await Promise.all([expect(running).rejects.toMatchObject({ reason: 'MoverKilled' }), killing]);
    expect(warnings).toHaveLength(3);
  }, 20_000);

  it('that waited for a prune in vain is made anew, and told of the namespace at its end', async () => {
    // A second passes in a few milliseconds.
    const sleep: Clock['sleep'] = (ms, signal) => systemClock.sleep(ms / 100, signal);
    const running = runMover({ ...sender, parts: { ...sender.parts, clock: { ...sender.parts.clock, sleep } } }, errand);
    const locking = (async () => {
      const seen = new Set<string | undefined>();
      while (seen.size < 4) {
        await expect.poll(() => pod() !== undefined && !seen.has(pod()?.metadata.uid), { timeout: 5_000 }).toBe(true);
        seen.add(pod()?.metadata.uid);
        await ends(11);
        dropSecret();
      }
    })();
    const reason = { reason: 'RepositoryLocked', message: expect.stringContaining('"shop"') };
    await Promise.all([expect(running).rejects.toMatchObject(reason), locking]);
    expect(warnings).toHaveLength(3);
  }, 20_000);

  it.each([
    ['has no more memory', { containerStatuses: [{ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }] }, 'OOMKilled'],
    ['is evicted', { reason: 'Evicted' }, 'Evicted'],
  ])('that %s is made anew', async (_, status, why) => {
    const running = runMover(sender, errand);
    await expect.poll(() => secret()).toBeDefined();
    const { uid } = pod()!.metadata;
    dropSecret();
    set({ phase: 'Failed', ...status });
    await expect.poll(() => secret(), { timeout: 5_000 }).toBeDefined();
    expect(pod()?.metadata.uid).not.toBe(uid);
    set({ phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] });
    await running;
    expect(warnings).toEqual([`the Pod "kylon-u1" was killed (${why}); it is begun again`]);
  });

  it('that is deleted when its work was done has done it', async () => {
    const running = runMover(sender, errand);
    await expect.poll(() => secret()).toBeDefined();
    cluster.write('shop/kylon-u1', 'done');
    const { uid, ...made } = (pod() as ClusterObject).metadata;
    const status = { phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode: 0 } } }] };
    cluster.seed('pods', { ...(pod() as ClusterObject), metadata: { ...made, uid, deletionTimestamp: '2026-01-01T00:00:00Z' }, status });
    expect(await running).toBe('done');
    expect(pod()?.metadata.uid).toBe(uid);
  });

  it('gets its Secret again when somebody deletes that before it runs', async () => {
    const running = runMover(sender, errand);
    await expect.poll(() => secret()).toBeDefined();
    const { uid } = pod()!.metadata;
    const before = secret()?.metadata.uid;
    dropSecret();
    await expect.poll(() => secret(), { timeout: 5_000 }).toBeDefined();
    expect(secret()?.metadata.uid).not.toBe(before);
    await ends(0, 'done');
    expect([await running, pod()?.metadata.uid]).toEqual(['done', uid]);
    expect(warnings).toEqual([`the Secret "${secretName()}" of the Pod "kylon-u1" is gone; it is made again`]);
  });

  it('gets no Secret of somebody else, nor that of a Pod before', async () => {
    cluster.seed('secrets', { metadata: { name: 'kylon-u1', namespace: 'shop' } });
    const first = runMover(sender, errand);
    await ends(0);
    await first;
    const before = secretName();
    expect(before).not.toBe('kylon-u1');
    cluster.drop('pods', 'shop', 'kylon-u1');
    const second = runMover(sender, errand);
    await ends(0);
    await second;
    expect(secretName()).not.toBe(before);
    expect(secret()?.metadata['ownerReferences']).toMatchObject([{ uid: pod()?.metadata.uid }]);
  });

  it('is not taken for one that somebody else has made with its labels', async () => {
    const labels = { 'backup.kylon.io/made-for': 'u1' };
    const spec = { volumes: [{ name: 'access', secret: { secretName: 'theirs' } }] };
    cluster.seed('pods', { metadata: { name: 'kylon-u1', namespace: 'shop', labels }, spec });
    await expect(runMover(sender, errand)).rejects.toMatchObject({ reason: 'PodExists', message: expect.stringMatching(/somebody else/) });
    expect(await discardMover(sender.parts, owner, forever)).toBe(true);
    expect(pod()).toBeDefined();
    expect(cluster.names('secrets', 'shop')).toEqual([]);
  });

  it('is not sent where nobody has said how', async () => {
    await expect(runMover({ ...sender, parts: { ...sender.parts, mover: undefined } }, errand)).rejects.toMatchObject({
      reason: 'MoversNotSet',
    });
    expect(pod()).toBeUndefined();
  });

  it('is let go of only if it is its own', async () => {
    cluster.seed('pods', { metadata: { name: 'kylon-u1', namespace: 'shop' } });
    expect(await discardMover(sender.parts, owner, forever)).toBe(true);
    expect(pod()).toBeDefined();
  });
});
