/** A claim that is filled from the repository step by step, whatever becomes of the Pod that does it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import type { Sender } from '../../../src/engine/mover/mover.ts';
import { fill, fillOn } from '../../../src/engine/snapshot/fill.ts';
import type { Restore } from '../../../src/resources/restore.ts';
import type { Snapshot } from '../../../src/resources/snapshot.ts';
import { impatientClock } from '../clocks.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, forever } from '../workbench.ts';

const snapshot = {
  metadata: { name: 's', namespace: 'shop' },
  spec: { source: {}, throttle: { download: '2Mi' } },
  status: { method: 'File', handle: 'ab'.repeat(32) },
} as Snapshot;

describe('a claim that is filled', () => {
  let cluster: MemoryCluster;
  let sender: Sender;
  let claim: ClusterObject;
  let intermediate: ClusterObject;

  beforeEach(async () => {
    cluster = new MemoryCluster();
    cluster.seed('namespaces', { metadata: { name: 'shop' } });
    cluster.seed('persistentvolumes', { metadata: { name: 'pv' } });
    claim = cluster.seed('persistentvolumeclaims', { metadata: { name: 'copy', namespace: 'shop', uid: 'u1' } });
    const mover = { image: 'mover:1', address: 'https://kylon.example:8443', ca: 'PEM', namespace: 'kylon-system' };
    const parts = { ...createWorkbench({ cluster }).parts, mover };
    const made = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'kylon-u1', namespace: 'shop' },
      spec: { volumeName: 'pv' },
    };
    intermediate = cluster.seed('persistentvolumeclaims', await parts.proofs.give(made, 'u1', forever));
    sender = { parts, cluster, onProgress: () => {}, warn: () => {}, signal: forever };
  });

  const step = () => fillOn(sender, claim, intermediate, snapshot);
  const pod = () => cluster.read('pods', 'shop', 'kylon-u1');
  const ends = (status: object) => cluster.seed('pods', { ...(pod() as ClusterObject), status });
  const argsOf = (found: ClusterObject | undefined) => (found!['spec'] as { containers: { args: string[] }[] }).containers[0]?.args;
  const exits = (exitCode: number) =>
    ends({ phase: exitCode === 0 ? 'Succeeded' : 'Failed', containerStatuses: [{ state: { terminated: { exitCode } } }] });

  it('is filled by a Pod that goes with it', async () => {
    expect(await step()).toBe(false);
    expect(argsOf(pod())).toEqual(['--limit-download=2048', 'restore', 'ab'.repeat(32)]);
    expect(pod()?.metadata['ownerReferences']).toEqual([{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'copy', uid: 'u1' }]);
    exits(0);
    expect(await step()).toBe(true);
    expect(pod()).toBeUndefined();
    expect(await step()).toBe(true);
  });

  it.each([
    [{ verify: true }, ['--verify']],
    [{ verify: false }, []],
    [{}, []],
  ])('is read back for a Restore that asks for it, and for no other: %j', async (asked, more) => {
    const restore = { metadata: { name: 'r', namespace: 'shop', uid: 'u1' }, spec: { claim: { name: 'copy', ...asked } } } as Restore;
    const filling = fill({ ...sender, parts: { ...sender.parts, clock: impatientClock } }, restore, intermediate, snapshot);
    await expect.poll(() => cluster.names('secrets', 'shop')).toHaveLength(1);
    expect(argsOf(pod())).toEqual(['--limit-download=2048', 'restore', 'ab'.repeat(32), ...more]);
    exits(0);
    await filling;
    expect(pod()).toBeUndefined();
  });

  it('is told why the Pod has failed, and gets another one', async () => {
    await step();
    const { uid } = pod()!.metadata;
    exits(1);
    await expect(step()).rejects.toMatchObject({
      reason: 'MoverFailed',
      message: expect.stringContaining('of the claim "copy" has failed'),
    });
    expect(await step()).toBe(false);
    expect(pod()?.metadata.uid).not.toBe(uid);
  });

  it('is told why the Pod does not come to run', async () => {
    await step();
    const waiting = { reason: 'ImagePullBackOff', message: 'no such image' };
    const status = { phase: 'Pending', containerStatuses: [{ state: { waiting } }] };
    const created = Date.parse(ends(status).metadata['creationTimestamp'] as string);
    const lookAfter = (ms: number) => {
      sender = { ...sender, parts: { ...sender.parts, clock: { ...systemClock, now: () => created + ms } } };
      return step();
    };
    expect(await lookAfter(599_000)).toBe(false);
    await expect(lookAfter(600_000)).rejects.toMatchObject({
      reason: 'MoverNotStarted',
      message: expect.stringMatching(/ImagePullBackOff: no such image/),
    });
  });

  it('gets another Pod for one that found the repository locked', async () => {
    await step();
    const { uid } = pod()!.metadata;
    exits(11);
    expect([await step(), pod()]).toEqual([false, undefined]);
    expect(await step()).toBe(false);
    expect(pod()?.metadata.uid).not.toBe(uid);
  });

  it('gets another Pod for one that was killed', async () => {
    await step();
    const { uid } = pod()!.metadata;
    ends({ phase: 'Failed', reason: 'Evicted' });
    expect(await step()).toBe(false);
    expect(pod()).toBeUndefined();
    expect(await step()).toBe(false);
    expect(pod()?.metadata.uid).not.toBe(uid);
  });

  it('of a Snapshot of another namespace is filled by tar: what opens its repository comes to no Pod here', async () => {
    const elsewhere = { ...snapshot, metadata: { ...snapshot.metadata, namespace: 'other' } };
    expect(await fillOn(sender, claim, intermediate, elsewhere)).toBe(false);
    const [container] = (pod()!['spec'] as { containers: object[] }).containers;
    expect(container).toMatchObject({ name: 'copy', image: 'mover:1', command: ['sleep', expect.any(String)] });
    expect(cluster.names('secrets', 'shop')).toEqual([]);
  });
});
