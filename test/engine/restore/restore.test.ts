/** What a Restore brings back, how it meets what is there, and whose rights it has. */
import { describe, expect, it } from 'vitest';
import type { RestoreSpec } from '../../../src/resources/restore.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { definitions, fail, refuse, sampleCluster, widgets } from '../sample-cluster.ts';
import { createWorkbench, whileRunning } from '../workbench.ts';
import { drop, play } from './scene.ts';

const changed = (cluster: MemoryCluster) =>
  cluster.seed('configmaps', {
    metadata: { name: 'settings', namespace: 'shop', labels: { app: 'web' }, uid: 'live' },
    data: { in: 'changed' },
  });
const settings = { includedResources: ['configmaps'] };

describe('a Restore', () => {
  it.each<[string, RestoreSpec['existingResourcePolicy'], string, string]>([
    ['leaves what differs', 'Skip', 'skipped: it exists already, and differs', 'changed'],
    ['changes what differs', 'Update', 'updated', 'shop'],
    ['makes anew what differs', 'Recreate', 'recreated', 'shop'],
  ])('%s: %s', async (_, existingResourcePolicy, outcome, data) => {
    const { results, cluster, status } = await play({
      restore: { ...settings, existingResourcePolicy: existingResourcePolicy! },
      between: changed,
    });
    expect(results).toEqual([`configmaps shop/settings ${outcome}`]);
    const live = cluster.read('configmaps', 'shop', 'settings');
    expect(live?.['data']).toEqual({ in: data });
    expect(live?.metadata.uid === 'live').toBe(existingResourcePolicy !== 'Recreate');
    expect(status).toMatchObject({ phase: 'Completed', counts: { [outcome.split(':')[0] ?? '']: 1 } });
  });

  it.each(['Skip', 'Update', 'Recreate'] as const)('touches nothing that is as it was: %s', async (existingResourcePolicy) => {
    const { results } = await play({ restore: { existingResourcePolicy } });
    expect(results.every((text) => text.endsWith(' unchanged'))).toBe(true);
    expect(results).toHaveLength(5);
  });

  it('brings every digit of a whole number back', async () => {
    const before = (cluster: MemoryCluster) =>
      cluster.seed('configmaps', { metadata: { name: 'big', namespace: 'shop' }, data: { id: 9007199254740993n } });
    const { results, cluster } = await play({ restore: settings, before, between: drop });
    expect(results).toContain('configmaps shop/big created');
    expect(cluster.read('configmaps', 'shop', 'big')?.['data']).toEqual({ id: 9007199254740993n });
  });

  it('deletes no Namespace to make it anew', async () => {
    const between = (cluster: MemoryCluster) =>
      cluster.seed('namespaces', { metadata: { name: 'shop', labels: { other: 'x' }, uid: 'live' } });
    const { results, cluster } = await play({
      restore: { includedResources: ['namespaces'], existingResourcePolicy: 'Recreate' },
      between,
    });
    expect(results).toEqual(['namespaces shop updated']);
    expect(cluster.read('namespaces', '', 'shop')?.metadata.uid).toBe('live');
  });

  it('goes where namespaces are mapped to', async () => {
    const { results, cluster } = await play({ restore: { namespaceMapping: { shop: 'copy' } } });
    expect(results).toContain('namespaces copy created');
    expect(results).toContain('configmaps copy/settings created');
    expect(cluster.read('namespaces', '', 'copy')?.metadata['labels']).toEqual({ 'kubernetes.io/metadata.name': 'copy' });
    expect(cluster.read('configmaps', 'copy', 'settings')).toMatchObject({ metadata: { namespace: 'copy' }, data: { in: 'shop' } });
  });

  it('makes a namespace that the chosen items need', async () => {
    const { results } = await play({ restore: settings, between: drop });
    expect(results).toEqual(['namespaces shop created', 'configmaps shop/settings created']);
  });

  it('tells of what its spec names and the backup does not hold', async () => {
    const items = [
      { resource: 'secrets', namespace: 'shop', name: 'password' },
      { resource: 'secrets', namespace: 'shop', name: 'pasword' },
      { resource: 'widgets', namespace: 'shop', name: 'gear' },
    ];
    const restore = { items, includedNamespaces: ['shop', 'shp'], namespaceMapping: { shp: 'copy', shop: 'shop' } };
    const { status, results, log } = await play({ restore });
    expect(status).toMatchObject({ phase: 'PartiallyFailed', counts: { unchanged: 1, failed: 2 }, warnings: 1 });
    expect(results.toSorted()).toEqual([
      'secrets shop/password unchanged',
      'secrets shop/pasword failed: the backup holds no such object',
      'widgets shop/gear failed: the backup holds no such object',
    ]);
    expect(log).toContain('WARN spec.namespaceMapping names the namespace "shp", of which the backup holds nothing');
  });

  it('warns where nothing is chosen', async () => {
    const { status, log } = await play({ restore: { includedNamespaces: ['shp'], includeClusterResources: false } });
    expect(status).toMatchObject({ phase: 'Completed', warnings: 2 });
    expect(log).toContain('WARN spec.includedNamespaces names the namespace "shp", of which the backup holds nothing');
    expect(log).toContain('WARN nothing that the backup holds is chosen');
  });

  it('takes what the filters let through', async () => {
    const filters = [{ resources: ['secrets', 'widgets'], excludedNames: ['pass*'] }];
    const { results } = await play({ restore: { includedResources: ['secrets', 'widgets', 'configmaps'], filters }, between: drop });
    expect(results.filter((text) => !text.startsWith('namespaces'))).toEqual([
      'configmaps shop/settings created',
      'widgets shop/gear created',
    ]);
  });

  it('takes single items, by name', async () => {
    const items = [{ resource: 'secrets', namespace: 'shop', name: 'password' }];
    expect((await play({ restore: { items }, between: (cluster) => cluster.drop('secrets', 'shop', 'password') })).results).toEqual([
      'secrets shop/password created',
    ]);
  });

  it('takes of the cluster what belongs to the chosen namespaces', async () => {
    const before = (cluster: MemoryCluster) => cluster.seed('clusterroles.rbac.authorization.k8s.io', { metadata: { name: 'admin' } });
    const backup = { includedNamespaces: ['*'], includeClusterResources: true };
    const { results } = await play({ before, backup, restore: { includedNamespaces: ['other'] } });
    expect(results.map((text) => text.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      'configmaps other/settings',
      'customresourcedefinitions widgets.example.com',
      'namespaces other',
      'secrets other/password',
    ]);
    const without = await play({ before, backup, restore: { includedNamespaces: ['other'], excludedResources: ['widgets'] } });
    expect(without.results.filter((text) => text.startsWith('customresourcedefinitions'))).toEqual([]);
  });

  it('leaves to controllers what they make again, if they are restored', async () => {
    const owned = (kind: string, name: string, uid: string) => [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }];
    const before = (cluster: MemoryCluster) => {
      cluster.seed('deployments.apps', { metadata: { name: 'web', namespace: 'shop', uid: 'd' } });
      cluster.seed('replicasets.apps', {
        metadata: { name: 'web-1', namespace: 'shop', uid: 'r', ownerReferences: owned('Deployment', 'web', 'd') },
      });
      cluster.seed('persistentvolumeclaims', {
        metadata: { name: 'data', namespace: 'shop', ownerReferences: owned('ReplicaSet', 'web-1', 'r') },
      });
    };
    const whole = await play({ before, between: drop });
    expect(whole.results).toContain('replicasets shop/web-1 skipped: its controller, Deployment web, is restored and makes it again');
    expect(whole.results).toContain('persistentvolumeclaims shop/data created');
    expect(whole.cluster.read('persistentvolumeclaims', 'shop', 'data')?.metadata['ownerReferences']).toBeUndefined();
    const alone = await play({ before, between: drop, restore: { includedResources: ['replicasets'] } });
    expect(alone.results).toContain(
      'replicasets shop/web-1 created: its owner, Deployment web, is neither restored nor there: the reference to it is left out',
    );
    expect(alone.cluster.read('replicasets.apps', 'shop', 'web-1')?.metadata['ownerReferences']).toBeUndefined();
  });

  it('keeps a claim at its volume where that comes back', async () => {
    const before = (cluster: MemoryCluster) => {
      for (const name of ['kept', 'provisioned'])
        cluster.seed('persistentvolumeclaims', { metadata: { name, namespace: 'shop' }, spec: { volumeName: name } });
      cluster.seed('persistentvolumes', { metadata: { name: 'kept' }, spec: { persistentVolumeReclaimPolicy: 'Retain' } });
      cluster.seed('persistentvolumes', {
        metadata: { name: 'provisioned', annotations: { 'pv.kubernetes.io/provisioned-by': 'x' } },
        spec: { persistentVolumeReclaimPolicy: 'Delete' },
      });
    };
    const { cluster } = await play({ before, between: drop });
    expect(cluster.read('persistentvolumeclaims', 'shop', 'kept')?.['spec']).toEqual({ volumeName: 'kept' });
    expect(cluster.read('persistentvolumeclaims', 'shop', 'provisioned')?.['spec']).toEqual({});
  });

  it('gives a Service its address back where that is free', async () => {
    const before = (cluster: MemoryCluster) => {
      cluster.seed('services', { metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] } });
    };
    const free = await play({ before, between: drop });
    expect(free.cluster.read('services', 'shop', 'web')?.['spec']).toEqual({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] });
    const copied = await play({ before, restore: { namespaceMapping: { shop: 'copy' } } });
    expect(copied.cluster.read('services', 'copy', 'web')?.['spec']).toEqual({});
  });

  it('restores the status where it is asked to', async () => {
    const before = (cluster: MemoryCluster) =>
      cluster.seed('deployments.apps', { metadata: { name: 'web', namespace: 'shop' }, status: { replicas: 3 } });
    const without = await play({ before, between: drop });
    expect(without.cluster.read('deployments.apps', 'shop', 'web')?.['status']).toBeUndefined();
    const restored = await play({ before, between: drop, restore: { restoreStatus: true } });
    expect(restored.cluster.read('deployments.apps', 'shop', 'web')?.['status']).toEqual({ replicas: 3 });
    const other = (cluster: MemoryCluster) =>
      cluster.seed('deployments.apps', { metadata: { name: 'web', namespace: 'shop' }, status: { replicas: 4 } });
    for (const [restoreStatus, outcome] of [
      [true, 'updated'],
      [false, 'unchanged'],
    ] as const) {
      const { results } = await play({ before, between: other, restore: { existingResourcePolicy: 'Update', restoreStatus } });
      expect(results).toContain(`deployments shop/web ${outcome}`);
    }
  });

  it('tries everything and changes nothing as a dry run', async () => {
    const between = (cluster: MemoryCluster) => {
      drop(cluster);
      cluster.drop(definitions, '', widgets);
    };
    const { results, cluster } = await play({ between, restore: { dryRun: true } });
    expect(results).toEqual([
      'namespaces shop created',
      'customresourcedefinitions widgets.example.com created',
      'secrets shop/password created: not tried: the namespace "shop" is not there yet, this restore would make it',
      'configmaps shop/settings created: not tried: the namespace "shop" is not there yet, this restore would make it',
      'widgets shop/gear created: not tried: widgets.example.com is not served yet, this restore would define it',
    ]);
    expect(cluster.names('namespaces')).toEqual(['other']);
    const recreated = await play({ between: changed, restore: { ...settings, dryRun: true, existingResourcePolicy: 'Recreate' } });
    expect(recreated.results).toEqual(['configmaps shop/settings recreated: the new one was not tried: the old one is still there']);
    expect(recreated.cluster.read('configmaps', 'shop', 'settings')).toMatchObject({ metadata: { uid: 'live' } });
  });
});

describe('a Restore is PartiallyFailed', () => {
  it('where its creator may not write, in the words of the server', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop('secrets', 'shop', 'password');
      refuse(cluster, ({ user, resource, verb }) => user === 'alice' && resource === 'secrets' && verb === 'create');
    };
    const { status, results, cluster, log } = await play({ between });
    expect(status).toMatchObject({ phase: 'PartiallyFailed', errors: 1, counts: { failed: 1, unchanged: 4 } });
    expect(results).toContain('secrets shop/password failed: secrets is forbidden: User "alice" cannot create secrets');
    expect(log).toContain('ERROR secrets shop/password: secrets is forbidden');
    expect(cluster.read('secrets', 'shop', 'password')).toBeUndefined();
  });

  it('not because its creator may not make what is there anyway', async () => {
    const between = (cluster: MemoryCluster) =>
      refuse(cluster, ({ user, resource, verb }) => user === 'alice' && verb !== 'list' && ['namespaces', definitions].includes(resource));
    const { status, results } = await play({ between });
    expect(status.phase).toBe('Completed');
    expect(results).toContain('namespaces shop skipped: it exists already');
  });

  it('where the cluster does not serve a resource any more', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop(widgets, 'shop', 'gear');
      cluster.drop(definitions, '', widgets);
    };
    const { status, results } = await play({ between, restore: { includedResources: ['widgets'] } });
    expect(status.phase).toBe('PartiallyFailed');
    expect(results).toEqual(['widgets shop/gear failed: the cluster serves no widgets.example.com']);
  });
});

describe('a Restore asks again', () => {
  it('when there was no answer', async () => {
    let asked = 0;
    const between = (cluster: MemoryCluster) => {
      cluster.drop('secrets', 'shop', 'password');
      fail(cluster, 503, ({ resource, verb }) => resource === 'secrets' && verb === 'create' && ++asked < 3);
    };
    const { results } = await play({ between });
    expect(asked).toBe(3);
    expect(results).toContain('secrets shop/password created');
  });

  it('and knows what it made though there was no answer', async () => {
    let asked = 0;
    const between = (cluster: MemoryCluster) => {
      const { kind: _, apiVersion: __, ...secret } = cluster.read('secrets', 'shop', 'password')!;
      cluster.drop('secrets', 'shop', 'password');
      fail(cluster, 504, ({ resource, verb }) => {
        if (resource !== 'secrets' || verb !== 'create' || ++asked > 1) return false;
        cluster.seed('secrets', { ...secret, metadata: { ...secret.metadata, uid: 'new' } });
        return true;
      });
    };
    const { results } = await play({ between });
    expect(asked).toBe(2);
    expect(results).toContain('secrets shop/password created');
  });
});

describe('a Restore fails', () => {
  it('without its backup', async () => {
    const bench = createWorkbench({ cluster: sampleCluster() });
    const { status } = await whileRunning(bench.engine, () => bench.restore('shop', 'r', { backupName: 'none' }));
    expect(status).toMatchObject({ phase: 'Failed', failureReason: 'BackupNotFound: backups.backup.kylon.io "none" not found' });
    expect([...bench.files.keys()]).toEqual([]);
  });

  it('from a backup that failed', async () => {
    const bench = createWorkbench({ cluster: sampleCluster() });
    await whileRunning(bench.engine, async () => {
      await bench.backUp('shop', 'b', { includedNamespaces: ['gone'] });
      const { status } = await bench.restore('shop', 'r', { backupName: 'b' });
      expect(status).toMatchObject({ phase: 'Failed', failureReason: 'BackupNotUsable: the backup shop/b is Failed' });
    });
  });

  it('from a backup of another namespace without the right to it', async () => {
    const bench = createWorkbench({ cluster: sampleCluster() });
    await whileRunning(bench.engine, () => bench.backUp('shop', 'b'));
    await bench.create(bench.parts.restores, 'other', 'r', { backupName: 'b', backupNamespace: 'shop' });
    bench.denied.add('shop');
    const { status } = await whileRunning(bench.engine, () => bench.ended(bench.parts.restores, 'other', 'r'));
    expect(status).toMatchObject({
      phase: 'Failed',
      failureReason:
        'Forbidden: User "alice" cannot create resource "backups/restore" in API group "backup.kylon.io" in the namespace "shop": no rule',
    });
  });

  it('of what lay in a namespace that its creator may not back up, under whatever name it is to come back', async () => {
    const bench = createWorkbench({ cluster: sampleCluster() });
    await whileRunning(bench.engine, () => bench.backUp('shop', 'b', { includedNamespaces: ['shop', 'other'] }));
    await bench.create(bench.parts.restores, 'shop', 'r', { backupName: 'b', namespaceMapping: { other: 'shop' } });
    await bench.create(bench.parts.restores, 'shop', 'own', { backupName: 'b', includedNamespaces: ['shop'] });
    bench.denied.add('other');
    const { status } = await whileRunning(bench.engine, () => bench.ended(bench.parts.restores, 'shop', 'r'));
    expect(status).toMatchObject({
      phase: 'Failed',
      failureReason:
        'Forbidden: User "alice" cannot create resource "backups" in API group "backup.kylon.io" in the namespace "other": no rule',
    });
    const own = await whileRunning(bench.engine, () => bench.ended(bench.parts.restores, 'shop', 'own'));
    expect(own.status).toMatchObject({ phase: 'Completed' });
  });

  it('for the manifests that are damaged, and for nothing else', async () => {
    const bench = createWorkbench({ cluster: sampleCluster() });
    await whileRunning(bench.engine, async () => {
      const backup = await bench.backUp('shop', 'b');
      const key = backup.status.archive?.key ?? '';
      const bytes = Uint8Array.from(bench.files.get(key)!);
      bytes.fill(0, 10, Math.floor(bytes.length / 2));
      bench.files.set(key, bytes);
      const { status } = await bench.restore('shop', 'r', { backupName: 'b' });
      expect(status.phase).toBe('PartiallyFailed');
      expect(status.counts?.failed).toBeGreaterThan(0);
    });
  });
});
