/** Volumes that are copied into the repository, by movers that have ended as soon as they are sent. */
import type { ClusterObject } from '../../../src/cluster/cluster.ts';
import type { Repositories } from '../../../src/repository/repositories.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { fastClock } from '../clocks.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { createWorkbench, emptyRepositories } from '../workbench.ts';
import { snapshotCluster } from './snapshot-cluster.ts';

let halt = () => {};
/** What the snapshot controller and the kubelet of a scene do. */
export const stop = () => halt();

export const moved = { source: { persistentVolumeClaimName: 'data' }, moveData: true };
export const id = 'a1'.repeat(32);
export const summary = `{"message_type":"summary","snapshot_id":"${id}","total_files_processed":3,"total_bytes_processed":5,"data_added":4,"data_added_packed":2}`;

export const damage = 'Fatal: ciphertext verification failed';

/** Of movers. */
interface Ending {
  exitCode: number;
  log: string;
}

/** With a snapshot controller and a kubelet that are at work; `sent` are the movers that have ended. */
export function scene({ isWritten = true, ...given }: Partial<Ending> & { isWritten?: boolean } = {}) {
  const ending: Ending = { exitCode: 0, log: summary, ...given };
  const sent: ClusterObject[] = [];
  const { cluster, names, makeReady, collect } = snapshotCluster();
  const forgotten: string[] = [];
  const repositories: Repositories = {
    ...emptyRepositories,
    access: async () => ({ path: 'repositories/default/shop/', username: 'u', password: 'p', repositoryPassword: 'crafted' }),
    isWrittenFor: async () => isWritten,
    forget: async ({ storeName, namespace }, snapshotId) => void forgotten.push(`${storeName}/${namespace}/${snapshotId}`),
  };
  const mover = { image: 'mover:1', address: 'https://kylon', ca: 'PEM', namespace: 'kylon-system' };
  const shared = {
    cluster,
    storage: new MemoryStorage(),
    files: new Map<string, Uint8Array>(),
    clock: fastClock,
    repositories,
    mover,
    replica: 'one',
  };
  const timer = setInterval(() => {
    makeReady();
    collect();
    sent.push(...runPods(cluster, ending));
  }, 1);
  halt = () => clearInterval(timer);
  const left = () => [
    ...names(),
    ...cluster.names('pods', 'shop'),
    ...cluster.names('secrets', 'shop'),
    ...cluster.names('persistentvolumeclaims', 'shop').filter((name) => name !== 'data'),
  ];
  return { cluster, forgotten, left, ending, sent, one: createWorkbench(shared), two: createWorkbench(shared) };
}

/** Those that have ended now. */
function runPods(cluster: MemoryCluster, { exitCode, log }: Ending): ClusterObject[] {
  const pods = cluster.names('pods', 'shop').map((name) => cluster.read('pods', 'shop', name)!);
  for (const name of cluster.names('secrets', 'shop'))
    if (!pods.some(({ metadata }) => name.startsWith(`${metadata.name}-`))) cluster.drop('secrets', 'shop', name);
  const hasSecret = (name: string) => cluster.names('secrets', 'shop').some((secret) => secret.startsWith(`${name}-`));
  const ready = pods.filter(({ metadata, status }) => !status && hasSecret(metadata.name));
  for (const pod of ready) {
    cluster.write(`shop/${pod.metadata.name}`, log);
    cluster.seed('pods', { ...pod, status: { phase: 'Succeeded', containerStatuses: [{ state: { terminated: { exitCode } } }] } });
  }
  return ready;
}

interface PodSpec {
  readonly containers: readonly { readonly args: readonly string[] }[];
  readonly securityContext: object;
  readonly affinity?: object;
}
export const specOf = (pod: ClusterObject | undefined) => pod!['spec'] as PodSpec;

/** A Pod that uses the claim `data` on a node. */
export const user = (more: object = {}) => ({
  metadata: { name: 'db', namespace: 'shop' },
  spec: { nodeName: 'n1', volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }], ...more },
  status: { phase: 'Running' },
});
export const live = { ...moved, moveData: false, method: 'File' };
