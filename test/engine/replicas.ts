/** Two replicas of one store and one cluster, and points at which their work stands still until the test lets it go on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MemoryStorage } from '../machinery/memory-storage.ts';
import { ManualClock } from '../manual-clock.ts';
import type { MemoryCluster, Request } from './memory-cluster.ts';
import { sampleCluster } from './sample-cluster.ts';
import { createWorkbench } from './workbench.ts';

/** Each is a workbench of its own, with what else is given. */
export function replicas(given: Pick<NonNullable<Parameters<typeof createWorkbench>[0]>, 'store' | 'files'> = {}) {
  const files = given.files ?? new Map<string, Uint8Array>();
  const shared = { ...given, files, cluster: sampleCluster(), storage: new MemoryStorage(), clock: new ManualClock() };
  return { ...shared, one: createWorkbench({ ...shared, replica: 'one' }), two: createWorkbench({ ...shared, replica: 'two' }) };
}

/** Stops what the engine asks of the cluster at one point, until the gate opens. */
export function gateAt(cluster: MemoryCluster, isThere: (request: Request) => boolean) {
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  cluster.check = (request) => {
    if (!isThere(request)) return undefined;
    reached.resolve();
    return gate.promise;
  };
  return { open: gate.resolve, reached: reached.promise };
}

/** In the middle of the archive. */
export const gateAtSecrets = (cluster: MemoryCluster) => gateAt(cluster, ({ verb, resource }) => verb === 'list' && resource === 'secrets');

/** Lets time pass until it is so, and real time too, which compression takes in threads of its own. */
export async function eventually(clock: ManualClock, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (await isSo()) return;
    await clock.pass(1_000);
    await sleep(5);
  }
  throw new Error('it never became so');
}
