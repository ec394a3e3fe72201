/** References to owners, which come back with other uids than they had. */
import { describe, expect, it } from 'vitest';
import type { MemoryCluster } from '../memory-cluster.ts';
import { definitions, fail, refuse, widgets } from '../sample-cluster.ts';
import { drop, play } from './scene.ts';

const zones = 'zones.example.com';

interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

const gear: Owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'gear', uid: 'gear' };
const zone: Owner = { apiVersion: 'example.com/v1', kind: 'Zone', name: 'north', uid: 'north' };
const password: Owner = { apiVersion: 'v1', kind: 'Secret', name: 'password', uid: 'password' };
const owned: Owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owned', uid: 'owned' };

/** A Widget owns a ConfigMap, which comes before it; a Secret owns one too, and comes before that; a Zone lies in no namespace; the ConfigMap owns a Service. */
function tree(cluster: MemoryCluster, ownerReferences: readonly Owner[] = [gear, password, zone]): void {
  cluster.seed(definitions, {
    metadata: { name: zones },
    spec: { group: 'example.com', names: { plural: 'zones', kind: 'Zone' }, scope: 'Cluster' },
  });
  cluster.seed(zones, { metadata: { name: 'north', uid: 'north' } });
  cluster.seed(widgets, { metadata: { name: 'gear', namespace: 'shop', uid: 'gear' }, spec: { teeth: 12 } });
  cluster.seed('secrets', { metadata: { name: 'password', namespace: 'shop', uid: 'password' } });
  cluster.seed('configmaps', { metadata: { name: 'owned', namespace: 'shop', uid: 'owned', ownerReferences } });
  cluster.seed('services', { metadata: { name: 'web', namespace: 'shop', ownerReferences: [owned] }, spec: {} });
}

const backup = { includeClusterResources: true };

function expectTree(cluster: MemoryCluster, namespace = 'shop'): void {
  const uidOf = (key: string, place: string, name: string) => {
    const uid = cluster.read(key, place, name)?.metadata.uid;
    expect(uid, `${key} ${name}`).toBeDefined();
    return uid;
  };
  const configMap = cluster.read('configmaps', namespace, 'owned');
  expect(new Set(configMap?.metadata['ownerReferences'] as object[])).toEqual(
    new Set([
      { ...password, uid: uidOf('secrets', namespace, 'password') },
      { ...zone, uid: uidOf(zones, '', 'north') },
      { ...gear, uid: uidOf(widgets, namespace, 'gear') },
    ]),
  );
  expect(cluster.read('services', namespace, 'web')?.metadata['ownerReferences']).toEqual([
    { ...owned, uid: uidOf('configmaps', namespace, 'owned') },
  ]);
}

describe('references to owners', () => {
  it('are put to the uids that they have now, along the tree, whatever comes first', async () => {
    const between = (cluster: MemoryCluster) => {
      drop(cluster);
      cluster.drop(zones, '', 'north');
    };
    const { cluster, status, results } = await play({ backup, before: tree, between });
    expect(status.phase).toBe('Completed');
    expect(results).toContain('configmaps shop/owned created');
    expectTree(cluster);
  });

  it('lead to where namespaces are mapped to', async () => {
    const { cluster } = await play({ backup, before: tree, restore: { namespaceMapping: { shop: 'copy' } } });
    expectTree(cluster, 'copy');
    expectTree(cluster, 'shop');
  });

  it('are left alone where everything is as it was', async () => {
    for (const existingResourcePolicy of ['Skip', 'Update', 'Recreate'] as const) {
      const { results, cluster } = await play({ backup, before: tree, restore: { existingResourcePolicy } });
      expect(results.filter((text) => !text.endsWith(' unchanged'))).toEqual([]);
      expectTree(cluster);
    }
  });

  it('follow owners that are made anew', async () => {
    const between = (cluster: MemoryCluster) =>
      cluster.seed(widgets, { metadata: { name: 'gear', namespace: 'shop', uid: 'gear' }, spec: { teeth: 13 } });
    const { results, cluster } = await play({ backup, before: tree, between, restore: { existingResourcePolicy: 'Recreate' } });
    expect(results).toContain('widgets shop/gear recreated');
    expect(cluster.read(widgets, 'shop', 'gear')?.metadata.uid).not.toBe('gear');
    expectTree(cluster);
  });

  it('bring back what went with an owner that is made anew', async () => {
    const service: Owner = { apiVersion: 'v1', kind: 'Service', name: 'front', uid: 'front' };
    const before = (cluster: MemoryCluster) => {
      cluster.seed('services', { metadata: { name: 'front', namespace: 'shop', uid: 'front' }, spec: { a: 1 } });
      cluster.seed('configmaps', { metadata: { name: 'kept', namespace: 'shop', ownerReferences: [service] } });
    };
    const between = (cluster: MemoryCluster) => {
      cluster.seed('services', { metadata: { name: 'front', namespace: 'shop', uid: 'front' }, spec: { a: 2 } });
      cluster.check = ({ verb, resource }) => {
        if (verb === 'delete' && resource === 'services') cluster.drop('configmaps', 'shop', 'kept');
      };
    };
    const { cluster } = await play({ before, between, restore: { existingResourcePolicy: 'Recreate' } });
    const uid = cluster.read('services', 'shop', 'front')?.metadata.uid;
    expect(uid).not.toBe('front');
    expect(cluster.read('configmaps', 'shop', 'kept')?.metadata['ownerReferences']).toEqual([{ ...service, uid }]);
  });

  it('are dropped, and told, where the owner is neither restored nor there', async () => {
    const other: Owner = { ...gear, name: 'gone', uid: 'gone' };
    const { cluster, results } = await play({ backup, before: (cluster) => tree(cluster, [other, password]), between: drop });
    expect(results).toContain(
      'configmaps shop/owned created: its owner, Widget gone, is neither restored nor there: the reference to it is left out',
    );
    expect(cluster.read('configmaps', 'shop', 'owned')?.metadata['ownerReferences']).toEqual([expect.objectContaining({ kind: 'Secret' })]);
  });

  it('do not lead to another object that has the name by now', async () => {
    const stranger: Owner = { ...gear, name: 'stranger', uid: 'old' };
    const between = (cluster: MemoryCluster) => {
      cluster.drop('configmaps', 'shop', 'owned');
      cluster.seed(widgets, { metadata: { name: 'stranger', namespace: 'shop', uid: 'new' } });
    };
    const { cluster } = await play({ backup, before: (cluster) => tree(cluster, [stranger]), between });
    expect(cluster.read('configmaps', 'shop', 'owned')?.metadata['ownerReferences']).toBeUndefined();
  });

  it('lead to owners that the backup holds, and somebody else has brought back', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop('configmaps', 'shop', 'owned');
      cluster.seed('secrets', { metadata: { name: 'password', namespace: 'shop', uid: 'later' } });
    };
    const restore = { items: [{ resource: 'configmaps', namespace: 'shop', name: 'owned' }] };
    const { cluster } = await play({ backup, before: (cluster) => tree(cluster, [password]), between, restore });
    expect(cluster.read('configmaps', 'shop', 'owned')?.metadata['ownerReferences']).toEqual([{ ...password, uid: 'later' }]);
  });

  it('are dropped where the creator may not read the owner', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop('configmaps', 'shop', 'owned');
      refuse(cluster, ({ user, verb, resource }) => user === 'alice' && verb === 'get' && resource === zones);
    };
    const restore = { includedResources: ['configmaps'] };
    const { results } = await play({ backup, before: (cluster) => tree(cluster, [zone]), between, restore });
    expect(results).toContain(
      'configmaps shop/owned created: its owner, Zone north, is not to be read by the creator of the restore: the reference to it is left out',
    );
  });

  it('are put in again where somebody else writes at the same time', async () => {
    let asked = 0;
    const between = (cluster: MemoryCluster) => {
      drop(cluster);
      cluster.check = ({ verb, resource, name }) => {
        if (verb !== 'patch' || resource !== 'configmaps' || ++asked > 1) return;
        const { metadata } = cluster.read('configmaps', 'shop', name)!;
        cluster.seed('configmaps', { metadata: { ...metadata, labels: { other: 'x' } } });
      };
    };
    const { cluster } = await play({ backup, before: tree, between });
    expect(asked).toBe(2);
    expect(cluster.read('configmaps', 'shop', 'owned')?.metadata['labels']).toEqual({ other: 'x' });
    expectTree(cluster);
  });

  it('are not put into objects that the restore leaves alone', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop(widgets, 'shop', 'gear');
      cluster.seed('configmaps', { metadata: { name: 'owned', namespace: 'shop', uid: 'live' }, data: { mine: 'x' } });
    };
    const before = (cluster: MemoryCluster) => {
      tree(cluster, [gear]);
      cluster.seed('configmaps', { metadata: { name: 'another', namespace: 'shop', ownerReferences: [gear] } });
    };
    const gone = (cluster: MemoryCluster) => {
      between(cluster);
      cluster.drop('configmaps', 'shop', 'another');
    };
    const { cluster, results } = await play({ backup, before, between: gone });
    expect(results).toContain('configmaps shop/owned skipped: it exists already, and differs');
    expect(cluster.read('configmaps', 'shop', 'owned')?.metadata['ownerReferences']).toBeUndefined();
    expect(cluster.read('configmaps', 'shop', 'another')?.metadata['ownerReferences']).toHaveLength(1);
  });

  it('are told in the log where the owner could not be restored', async () => {
    const between = (cluster: MemoryCluster) => {
      drop(cluster);
      fail(cluster, 422, ({ verb, resource }) => verb === 'create' && resource === widgets);
    };
    const { cluster, log } = await play({ backup, before: tree, between });
    expect(log).toContain('WARN configmaps shop/owned: its owner, Widget gear, is neither restored nor there');
    expect(cluster.read('configmaps', 'shop', 'owned')?.metadata['ownerReferences']).toHaveLength(2);
  });

  it('are no failure of an object that may not be patched, but of the restore', async () => {
    const between = (cluster: MemoryCluster) => {
      drop(cluster);
      fail(cluster, 422, ({ verb, resource }) => verb === 'patch' && resource === 'configmaps');
    };
    const { status, results, log } = await play({ backup, before: tree, between });
    expect(status).toMatchObject({ phase: 'PartiallyFailed', errors: 1 });
    expect(results).toContain('configmaps shop/owned created');
    expect(log).toContain('ERROR configmaps shop/owned: its owners are not restored: configmaps: no answer');
  });

  it('are no reason to leave out what a custom resource controls: nobody may be able to make it again', async () => {
    const { cluster, results } = await play({ backup, before: (cluster) => tree(cluster, [{ ...gear, controller: true }]), between: drop });
    expect(results).toContain('configmaps shop/owned created');
    const uid = cluster.read(widgets, 'shop', 'gear')?.metadata.uid;
    expect(cluster.read('configmaps', 'shop', 'owned')?.metadata['ownerReferences']).toEqual([{ ...gear, controller: true, uid }]);
  });
});
