/** A backup of the sample cluster, something that happens then, and a restore. */
import type { BackupSpec } from '../../../src/resources/backup.ts';
import type { RestoreSpec } from '../../../src/resources/restore.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { sampleCluster } from '../sample-cluster.ts';
import { createWorkbench, logOf, resultsOf, whileRunning } from '../workbench.ts';

export interface Scene {
  readonly backup?: BackupSpec;
  readonly restore?: Omit<RestoreSpec, 'backupName'>;
  /** Before the backup. */
  readonly before?: (cluster: MemoryCluster) => void;
  /** Between the backup and the restore. */
  readonly between?: (cluster: MemoryCluster) => void;
}

export async function play({ backup = {}, restore = {}, before, between }: Scene) {
  const cluster = sampleCluster();
  before?.(cluster);
  const bench = createWorkbench({ cluster });
  return whileRunning(bench.engine, async () => {
    await bench.backUp('shop', 'b', backup);
    between?.(cluster);
    const { status, ...object } = await bench.restore('shop', 'r', { backupName: 'b', ...restore });
    const results = status.phase === 'Failed' ? [] : await resultsOf(bench.engine, { ...object, status });
    return { status, results, cluster, log: await logOf(bench.engine, { ...object, status }) };
  });
}

export const drop = (cluster: MemoryCluster) => cluster.dropNamespace('shop');
