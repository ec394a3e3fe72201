/** Backups as they lie in a catalog after some weeks. */
import { randomIds } from '../src/base/ids.ts';
import type { KubeObject } from '../src/machinery/object.ts';

export const namespace = 'kylon-bench';

/** The nth: about 1.3 KB as JSON. */
export function finishedBackup(n: number): KubeObject {
  const began = Date.now() - n * 60_000;
  const at = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z/, 'Z');
  const uid = randomIds.uuid();
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
    type,
    status,
    observedGeneration: 1,
    lastTransitionTime: at(began + 9000),
    reason,
    message,
  });
  return {
    apiVersion: 'backup.kylon.io/v1alpha1',
    kind: 'Backup',
    metadata: {
      name: `backup-${String(n).padStart(6, '0')}`,
      namespace,
      uid,
      generation: 1,
      creationTimestamp: at(began),
      labels: { app: `app-${n % 20}`, team: `team-${n % 7}` },
    },
    spec: {
      includedNamespaces: [namespace],
      excludedResources: ['events', 'pods'],
      labelSelector: { matchLabels: { app: `app-${n % 20}` } },
      ttl: '8760h',
    },
    status: {
      phase: 'Completed',
      observedGeneration: 1,
      startTimestamp: at(began),
      completionTimestamp: at(began + 9000),
      expiration: at(began + 9000 + 8760 * 3600_000),
      progress: { totalItems: 123, itemsBackedUp: 123 },
      items: 123,
      sizeBytes: 45_678,
      warnings: 0,
      errors: 0,
      archive: {
        key: `d/${namespace}/backups/${uid}/archive.tar.gz`,
        sha256: uid.replaceAll('-', '').repeat(2),
        bytes: 40_000,
        formatVersion: 1,
      },
      cluster: { uid, version: 'v1.36.3' },
      createdBy: { username: 'alice@example.test', groups: ['developers', 'system:authenticated'] },
      conditions: [
        condition('Complete', 'True', 'Completed', '123 items saved'),
        condition('Failed', 'False', 'Completed', ''),
        condition('Reconciling', 'False', 'Completed', ''),
        condition('Stalled', 'False', 'Completed', ''),
      ],
    },
  };
}
