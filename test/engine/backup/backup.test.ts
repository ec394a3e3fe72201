/** What a Backup takes, what it leaves out, and how it ends when something is wrong. */
import { describe, expect, it } from 'vitest';
import type { Backup, BackupSpec } from '../../../src/resources/backup.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { fail, sampleCluster, widgets } from '../sample-cluster.ts';
import { alice, createWorkbench, forever, logOf, whileRunning } from '../workbench.ts';

/** Changes the world between the creation of the Backup and its run. */
async function backUp(spec: BackupSpec, prepare: (cluster: MemoryCluster, denied: Set<string>) => unknown = () => {}) {
  const cluster = sampleCluster();
  const bench = createWorkbench({ cluster });
  await bench.create(bench.parts.backups, 'shop', 'b', spec);
  prepare(cluster, bench.denied);
  return whileRunning(bench.engine, async () => {
    const backup = (await bench.ended(bench.parts.backups, 'shop', 'b')) as Backup;
    const log = await logOf(bench.engine, backup);
    const usable = backup.status.phase !== 'Failed';
    const page = usable
      ? await bench.engine.services.items(backup, { limit: 100, continue: '', labelSelector: '' }, forever)
      : { items: [] };
    const items = page.items.map(({ resource, namespace, name }) => `${resource} ${namespace}/${name}`).sort();
    return { backup, status: backup.status, log, items, files: [...bench.files.keys()], cluster, bench };
  });
}

describe('a Backup takes', () => {
  const own = ['configmaps shop/settings', 'secrets shop/password', 'widgets shop/gear'];
  const related = ['customresourcedefinitions /widgets.example.com', 'namespaces /shop'];
  const withVolume = (cluster: MemoryCluster) => {
    cluster.seed('persistentvolumeclaims', { metadata: { name: 'data', namespace: 'shop' }, spec: { volumeName: 'pv-1' } });
    for (const name of ['pv-1', 'pv-2']) cluster.seed('persistentvolumes', { metadata: { name } });
    cluster.seed('clusterroles.rbac.authorization.k8s.io', { metadata: { name: 'admin' } });
  };
  it.each<[string, BackupSpec, string[], ((cluster: MemoryCluster) => unknown)?]>([
    ['its own namespace and what belongs to it', {}, [...own, ...related]],
    ['the volumes of its claims', {}, [...own, 'persistentvolumeclaims shop/data', 'persistentvolumes /pv-1', ...related], withVolume],
    ['no volume without its claim', { includedResources: ['configmaps'] }, ['configmaps shop/settings', 'namespaces /shop'], withVolume],
    [
      'Namespaces alone of the cluster',
      { includeClusterResources: false },
      [...own, 'namespaces /shop', 'persistentvolumeclaims shop/data'],
      withVolume,
    ],
    [
      'all of the cluster',
      { includeClusterResources: true, includedResources: ['configmaps', 'clusterroles'] },
      ['clusterroles /admin', 'configmaps shop/settings', 'namespaces /shop'],
      withVolume,
    ],
    [
      'of the cluster, where it is asked for all, also what belongs to nothing that is taken',
      { includeClusterResources: true, includedResources: ['configmaps', 'persistentvolumes', 'crd', 'namespaces'] },
      [
        'configmaps shop/settings',
        'customresourcedefinitions /widgets.example.com',
        'namespaces /shop',
        'persistentvolumes /pv-1',
        'persistentvolumes /pv-2',
      ],
      withVolume,
    ],
    [
      'of all that the cluster has what its labels say, and what is related whatever its labels',
      { includeClusterResources: true, labelSelector: { matchLabels: { app: 'web' } } },
      [
        'clusterroles /admin',
        'configmaps shop/settings',
        'namespaces /shop',
        'persistentvolumeclaims shop/data',
        'persistentvolumes /pv-1',
      ],
      (cluster) => {
        const labels = { app: 'web' };
        cluster.seed('persistentvolumeclaims', { metadata: { name: 'data', namespace: 'shop', labels }, spec: { volumeName: 'pv-1' } });
        for (const name of ['pv-1', 'pv-2']) cluster.seed('persistentvolumes', { metadata: { name } });
        cluster.seed('clusterroles.rbac.authorization.k8s.io', { metadata: { name: 'admin', labels } });
      },
    ],
    [
      'what the filters of its resource let through',
      {
        includedNamespaces: ['shop', 'other'],
        includedResources: ['cm', 'secrets'],
        filters: [
          { resources: ['configmaps'], includedNames: ['set*', 'x'] },
          { resources: ['cm'], namespaces: ['oth*'], excludedNames: ['?ettings'] },
          { resources: ['secrets'], excludedNames: ['pass*'] },
          { resources: ['namespaces'], excludedNames: ['other'] },
        ],
      },
      ['configmaps shop/settings', 'namespaces /shop'],
    ],
    ['no relatives that are excluded', { excludedResources: ['crd', 'namespaces'] }, own],
    ['what its labels say', { labelSelector: { matchLabels: { app: 'web' } } }, ['configmaps shop/settings', 'namespaces /shop']],
    [
      'what one of several labels says',
      { orLabelSelectors: [{ matchLabels: { app: 'web' } }, { matchExpressions: [{ key: 'app', operator: 'In', values: ['db'] }] }] },
      ['configmaps shop/settings', 'namespaces /shop', 'secrets shop/password'],
    ],
    [
      'several namespaces by a pattern',
      { includedNamespaces: ['sh*', 'oth?r'], includedResources: ['cm'] },
      ['configmaps other/settings', 'configmaps shop/settings', 'namespaces /other', 'namespaces /shop'],
    ],
    [
      'all namespaces but some',
      { includedNamespaces: ['*'], excludedNamespaces: ['shop'], includedResources: ['cm'] },
      ['configmaps other/settings', 'namespaces /empty', 'namespaces /other'],
      (cluster) => cluster.seed('namespaces', { metadata: { name: 'empty' } }),
    ],
  ])('%s', async (_, spec, expected, prepare) => {
    const { items, status } = await backUp(spec, prepare);
    expect(items).toEqual([...expected].sort());
    expect(status).toMatchObject({ phase: 'Completed', items: expected.length, errors: 0 });
  });

  it('each object as the bytes that the cluster sent, with its type in front where that is missing', async () => {
    const { bench, backup, cluster } = await backUp({});
    const { apiVersion, kind, ...rest } = cluster.read('configmaps', 'shop', 'settings')!;
    const saved = await bench.engine.services.item(
      backup,
      { group: '', resource: 'configmaps', namespace: 'shop', name: 'settings' },
      forever,
    );
    expect(Buffer.from(saved!).toString()).toBe(`{"apiVersion":"${apiVersion}","kind":"${kind}",${JSON.stringify(rest).slice(1)}`);
    const gear = await bench.engine.services.item(
      backup,
      { group: 'example.com', resource: 'widgets', namespace: 'shop', name: 'gear' },
      forever,
    );
    expect(JSON.parse(Buffer.from(gear!).toString())).toEqual(cluster.read(widgets, 'shop', 'gear'));
  });

  it('nothing with the mark that leaves it out, and says so', async () => {
    const { items, log } = await backUp({ includedResources: ['secrets'] }, (cluster) =>
      cluster.seed('secrets', { metadata: { name: 'private', namespace: 'shop', labels: { 'backup.kylon.io/exclude': 'true' } } }),
    );
    expect(items).not.toContain('secrets shop/private');
    expect(log).toContain('secrets of shop: 1 left out: it has the label backup.kylon.io/exclude=true');
  });
});

describe('a Backup warns', () => {
  it('of names that mean nothing, or nothing that it takes', async () => {
    const spec = {
      includedNamespaces: ['shop', 'gone'],
      includedResources: ['configmaps', 'wodgets', 'events', 'clusterroles'],
      filters: [{ resources: ['gadgets'], includedNames: ['a'] }],
    };
    const { status, log } = await backUp(spec);
    expect(status).toMatchObject({ phase: 'Completed', warnings: 5 });
    expect(log).toContain('WARN "gadgets" names no resource of this cluster');
    expect(log).toContain('WARN namespace "gone" not found');
    expect(log).toContain('WARN "wodgets" names no resource of this cluster');
    expect(log).toContain('WARN events is left out by rule: a report that expires within the hour');
    expect(log).toContain('WARN clusterroles.rbac.authorization.k8s.io is left out: it lies in no namespace');
  });

  it('of a resource that went away meanwhile', async () => {
    const { status } = await backUp({}, (cluster) => fail(cluster, 404, ({ verb, resource }) => verb === 'list' && resource === 'pods'));
    expect(status).toMatchObject({ phase: 'Completed', warnings: 1 });
  });
});

describe('a Backup is PartiallyFailed', () => {
  it('where a list fails, which costs only itself', async () => {
    const { status, log, items } = await backUp({}, (cluster) =>
      fail(cluster, 500, ({ verb, resource }) => verb === 'list' && resource === 'secrets'),
    );
    expect(status).toMatchObject({ phase: 'PartiallyFailed', errors: 1 });
    expect(items).toContain('configmaps shop/settings');
    expect(log).toContain('ERROR secrets of shop is not or not all in the backup: secrets: no answer');
  });

  it('where a group does not answer, unless it holds nothing to save', async () => {
    const failures = ['metrics.k8s.io/v1beta1', 'broken.example.com/v1'].map((groupVersion) => ({ groupVersion, message: 'no answer' }));
    const { status, log } = await backUp({}, (cluster) => (cluster.failures = failures));
    expect(status).toMatchObject({ phase: 'PartiallyFailed', errors: 1 });
    expect(log).toContain('ERROR broken.example.com/v1 is left out, it was not discovered: no answer');
  });
});

describe('a Backup fails and leaves nothing', () => {
  it.each<[string, BackupSpec, string, (cluster: MemoryCluster, denied: Set<string>) => void]>([
    ['without any of its namespaces', { includedNamespaces: ['gone'] }, 'NamespaceNotFound: namespace "gone" not found', () => {}],
    [
      'without the right to one of them',
      { includedNamespaces: ['*h*'] },
      'Forbidden: User "alice" cannot create resource "backups" in API group "backup.kylon.io" in the namespace "other": no rule',
      (_, denied) => denied.add('other'),
    ],
    [
      'without the right to all of them',
      { includedNamespaces: ['*'], excludedNamespaces: ['other'] },
      'Forbidden: User "alice" cannot create resource "backups" in API group "backup.kylon.io" at the cluster scope: no rule',
      (_, denied) => denied.add('*'),
    ],
    [
      'without the right to what lies in no namespace',
      { includeClusterResources: true },
      'Forbidden: User "alice" cannot create resource "backups" in API group "backup.kylon.io" at the cluster scope: no rule',
      (_, denied) => denied.add('*'),
    ],
    [
      'without an answer of the cluster',
      {},
      'ClusterError: namespaces: no answer',
      (cluster) => fail(cluster, 500, ({ resource }) => resource === 'namespaces'),
    ],
  ])('%s', async (_, spec, reason, prepare) => {
    const { backup, status, files, log } = await backUp(spec, prepare);
    expect(status).toMatchObject({ phase: 'Failed', failureReason: reason, createdBy: { username: alice.name } });
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Failed', status: 'True', message: reason }));
    expect(files).toEqual([]);
    expect(log).toContain(`ERROR ${reason}`);
    expect(backup.status.archive).toBeUndefined();
  });

  it('in the middle of its archive', async () => {
    const cluster = sampleCluster();
    const bench = createWorkbench({ cluster });
    cluster.check = ({ resource, verb }) => {
      if (verb === 'list' && resource === 'secrets') throw new Error('a fault of the program');
    };
    const { status } = await whileRunning(bench.engine, () => bench.backUp('shop', 'b'));
    expect(status).toMatchObject({ phase: 'Failed', failureReason: 'InternalError: a fault of the program' });
    expect([...bench.files.keys()]).toEqual([]);
  });
});
