/** A store that holds finished Backups, without the hours that it takes to make them. */
import { finishedBackup } from '../../bench/backups.ts';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { createLog } from '../../src/base/log.ts';
import { createMetrics } from '../../src/base/metrics.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { encode } from '../../src/machinery/encode.ts';
import { openStore } from '../../src/objectstore/open.ts';
import { temporaryFolder } from './folder.ts';
import type { Kubectl } from './kubectl.ts';

interface Seed {
  readonly namespace: string;
  readonly count: number;
  /** Of an annotation beside the 1.3 KB that each has anyway. */
  readonly padding: number;
}

/** The URL of the store, for Kylon of the cluster of `kubectl`; the nth Backup is called `backup-` and n in six digits. */
export async function seededStore(kubectl: Kubectl, { namespace, count, padding }: Seed): Promise<string> {
  const url = `file://${temporaryFolder()}`;
  const parts = { clock: systemClock, ids: randomIds, log: createLog('warn') };
  const { signal } = new AbortController();
  const domain = (await kubectl.get('namespace', 'kube-system')).metadata.uid ?? '';
  const { store } = await openStore(url, { ...parts, env: {}, metrics: createMetrics() }, signal);
  const catalog = await openCatalog({ store, domain, index: indexHome(temporaryFolder()), replica: 'seed', signal, ...parts });
  const annotations = { 'kylon-e2e.example.test/padding': 'x'.repeat(padding) };
  const writes = Array.from({ length: count }, (_, n) => finishedBackup(n)).map((backup) => {
    const metadata = { ...backup.metadata, namespace, annotations };
    const key = { resource: 'backups.backup.kylon.io', namespace, name: metadata.name };
    return catalog.write({ op: 'create', key, json: encode({ ...backup, metadata }) }, signal);
  });
  await Promise.all(writes);
  await catalog.close();
  await store.close();
  return url;
}
