/** The whole path: a Backup from New to Completed, its archive, and a Restore of it. */
import { describe, expect, it } from 'vitest';
import { MemoryCluster } from './memory-cluster.ts';
import { createWorkbench, forever, logOf, resultsOf, whileRunning } from './workbench.ts';

function sampleCluster(): MemoryCluster {
  const cluster = new MemoryCluster();
  for (const name of ['shop', 'other']) {
    cluster.seed('namespaces', { metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
    cluster.seed('configmaps', { metadata: { name: 'settings', namespace: name }, data: { in: name } });
    cluster.seed('configmaps', { metadata: { name: 'kube-root-ca.crt', namespace: name }, data: { ca: 'x' } });
    cluster.seed('secrets', { metadata: { name: 'password', namespace: name, labels: { app: 'web' } }, data: { password: 'eA==' } });
  }
  cluster.seed('customresourcedefinitions.apiextensions.k8s.io', {
    metadata: { name: 'widgets.example.com' },
    spec: { group: 'example.com', names: { plural: 'widgets', kind: 'Widget' } },
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  });
  cluster.seed('widgets.example.com', { metadata: { name: 'gear', namespace: 'shop' }, spec: { teeth: 12 } });
  return cluster;
}

describe('engine', () => {
  it('backs up a namespace and brings it back', async () => {
    const cluster = sampleCluster();
    const { engine, files, backUp, restore } = createWorkbench({ cluster });
    await whileRunning(engine, async () => {
      const backup = await backUp('shop', 'nightly');
      expect(backup.status).toMatchObject({ phase: 'Completed', items: 5, errors: 0, warnings: 0, cluster: { uid: 'cluster-uid' } });
      expect(backup.status.archive?.key).toMatch(`d/domain/backups/${backup.metadata.uid}/`);
      expect(files.has(backup.status.archive?.key ?? '')).toBe(true);
      const { items } = await engine.services.items(backup, { limit: 100, continue: '', labelSelector: '' }, forever);
      expect(items.map(({ resource, name }) => `${resource}/${name}`).sort()).toEqual([
        'configmaps/settings',
        'customresourcedefinitions/widgets.example.com',
        'namespaces/shop',
        'secrets/password',
        'widgets/gear',
      ]);
      expect(await logOf(engine, backup)).toContain('INFO configmaps of shop: 1\n');

      cluster.dropNamespace('shop');
      cluster.drop('customresourcedefinitions.apiextensions.k8s.io', '', 'widgets.example.com');
      const restored = await restore('shop', 'back', { backupName: 'nightly' });
      expect(await resultsOf(engine, restored)).toEqual([
        'namespaces shop created',
        'customresourcedefinitions widgets.example.com created',
        'secrets shop/password created',
        'configmaps shop/settings created',
        'widgets shop/gear created',
      ]);
      expect(restored.status).toMatchObject({
        phase: 'Completed',
        counts: { created: 5, failed: 0 },
        progress: { totalItems: 5, itemsRestored: 5 },
      });
      expect(cluster.read('configmaps', 'shop', 'settings')).toMatchObject({ data: { in: 'shop' } });
    });
  });
});
