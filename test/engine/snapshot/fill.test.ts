/** A volume that is filled step by step, in a cluster in memory; test/e2e/snapshots-move.test.ts has it filled by a real Pod. */
import { expect, it } from 'vitest';
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import type { Sender } from '../../../src/engine/mover/mover.ts';
import { fillOn } from '../../../src/engine/snapshot/fill.ts';
import { madeFor } from '../../../src/engine/snapshot/known.ts';
import type { Snapshot } from '../../../src/resources/snapshot.ts';
import { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, forever } from '../workbench.ts';

const mover = { image: 'mover:1', address: 'https://kylon', ca: 'PEM', namespace: 'kylon-system' };
const owner = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'shop', uid: 'u1' } };
const snapshot = { status: { method: 'File', handle: 'id-1' } } as Snapshot;

it('is filled by another Pod where the first one found the repository locked', async () => {
  const cluster = new MemoryCluster();
  cluster.seed('namespaces', { metadata: { name: 'shop' } });
  const labels = { [madeFor]: 'u1' };
  const intermediate = cluster.seed('persistentvolumeclaims', { metadata: { name: 'kylon-u1', namespace: 'shop', labels } });
  const { parts } = createWorkbench({ cluster, mover });
  const sender: Sender = { parts, cluster, onProgress: () => {}, warn: () => {}, signal: forever };
  const step = () => fillOn(sender, owner, intermediate, snapshot);
  const pod = () => cluster.read('pods', 'shop', 'kylon-u1');
  expect(await step()).toBe(false);
  const first = pod() as ClusterObject;
  cluster.seed('pods', { ...first, status: { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 11 } } }] } });
  expect([await step(), pod()]).toEqual([false, undefined]);
  cluster.drop('secrets', 'shop', 'kylon-u1');
  expect(await step()).toBe(false);
  expect(pod()?.metadata.uid).not.toBe(first.metadata.uid);
  expect(pod()).toBeDefined();
});
