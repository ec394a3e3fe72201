/** Whatever is wrong with one object, or with the cluster, is told for each object, and costs no other. */
import { describe, expect, it } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import type { MemoryCluster } from '../memory-cluster.ts';
import { definitions, refuse, widgets } from '../sample-cluster.ts';
import { drop, play } from './scene.ts';

const settings = { includedResources: ['configmaps'] };
const longName = 'n'.repeat(253);
const big = 'é'.repeat(700_000);

describe('a Restore', () => {
  it('brings back an object of 1.4 MB, and one with a name of 253 characters', async () => {
    const before = (cluster: MemoryCluster) => {
      cluster.seed('configmaps', { metadata: { name: 'big', namespace: 'shop' }, data: { big } });
      cluster.seed('configmaps', { metadata: { name: longName, namespace: 'shop' }, data: { a: '' } });
    };
    const { results, cluster, status } = await play({ before, between: drop, restore: settings });
    expect(status).toMatchObject({ phase: 'Completed', counts: { created: 4, failed: 0 } });
    expect(results).toContain(`configmaps shop/${longName} created`);
    expect(cluster.read('configmaps', 'shop', 'big')?.['data']).toEqual({ big });
  });

  it('goes on where rights are taken in the middle', async () => {
    const between = (cluster: MemoryCluster) => {
      drop(cluster);
      refuse(
        cluster,
        ({ user, verb }) => user === 'alice' && verb === 'create' && cluster.read('secrets', 'shop', 'password') !== undefined,
      );
    };
    const { status, results } = await play({ between });
    expect(status).toMatchObject({ phase: 'PartiallyFailed', counts: { failed: 2, created: 2 } });
    expect(results).toContain('secrets shop/password created');
    expect(results).toContain('configmaps shop/settings failed: configmaps is forbidden: User "alice" cannot create configmaps');
  });

  it('tells of each object that its namespace is being deleted', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop('configmaps', 'shop', 'settings');
      cluster.check = ({ verb, namespace, name, resource }) => {
        if (verb === 'create' && namespace === 'shop' && resource === 'configmaps')
          throw new ClusterError(
            403,
            'Forbidden',
            `configmaps "${name}" is forbidden: unable to create new content in namespace shop because it is being terminated`,
          );
      };
    };
    const { status, results } = await play({ between });
    expect(status).toMatchObject({ phase: 'PartiallyFailed', counts: { failed: 1, unchanged: 4 } });
    expect(results).toContain(
      'configmaps shop/settings failed: configmaps "settings" is forbidden: unable to create new content in namespace shop because it is being terminated',
    );
  });

  it('says which version is served where that of an object is not any more', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop(widgets, 'shop', 'gear');
      cluster.seed(definitions, {
        metadata: { name: widgets },
        spec: { group: 'example.com', names: { plural: 'widgets', kind: 'Widget' }, version: 'v2' },
      });
      cluster.check = ({ verb, name }) => {
        if (verb === 'create' && name === 'gear')
          throw new ClusterError(404, 'NotFound', 'the server could not find the requested resource');
      };
    };
    const { results } = await play({ between, restore: { includedResources: ['widgets'] } });
    expect(results).toEqual(['widgets shop/gear failed: the cluster serves widgets.example.com in v2, not in v1, in which it was saved']);
  });

  it('fails what a transform does not fit, and changes everything else', async () => {
    const before = (cluster: MemoryCluster) =>
      cluster.seed('configmaps', { metadata: { name: 'plain', namespace: 'shop' }, data: { x: '1' } });
    const transforms = [
      { match: { resources: ['configmaps'] }, patches: [{ op: 'move' as const, from: '/data/in', path: '/data/from' }] },
      { match: { names: ['password'] }, mergePatch: { metadata: { labels: { moved: 'yes' } } } },
    ];
    const { results, cluster, status } = await play({ before, between: drop, restore: { transforms } });
    expect(status.phase).toBe('PartiallyFailed');
    expect(results).toContain(
      'configmaps shop/plain failed: spec.transforms[0].patches: operation 0: move /data/from: doc is missing path',
    );
    expect(cluster.read('configmaps', 'shop', 'settings')?.['data']).toEqual({ from: 'shop' });
    expect(cluster.read('secrets', 'shop', 'password')?.metadata['labels']).toEqual({ app: 'db', moved: 'yes' });
  });

  it('warns of patterns in transforms that name nothing', async () => {
    const transforms = [{ match: { resources: ['nothing'] }, mergePatch: {} }];
    expect((await play({ restore: { transforms } })).log).toContain('WARN "nothing" names no resource of the backup');
  });

  it('says in a dry run what it would make first', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop('secrets', 'shop', 'password');
      cluster.drop('configmaps', 'shop', 'settings');
      cluster.check = ({ verb, resource }) => {
        if (verb === 'create' && resource === 'configmaps')
          throw new ClusterError(
            403,
            'Forbidden',
            'configmaps "settings" is forbidden: error looking up secret shop/password: secret "password" not found',
          );
      };
    };
    const { results, status } = await play({ between, restore: { dryRun: true } });
    expect(status.phase).toBe('Completed');
    expect(results.find((text) => text.startsWith('configmaps'))).toMatch(
      /^configmaps shop\/settings created: not tried: secret "password" is not there yet, this restore would make it \(.*not found\)$/,
    );
    const without = await play({ between, restore: { dryRun: true, includedResources: ['configmaps'] } });
    expect(without.results).toEqual([expect.stringMatching(/^configmaps shop\/settings failed: .*not found$/)]);
  });

  it('updates what may not be made anew', async () => {
    const before = (cluster: MemoryCluster) => {
      for (const [name, whenDeleted] of [
        ['plain', 'Retain'],
        ['keeper', 'Delete'],
      ] as const)
        cluster.seed('deployments.apps', {
          metadata: { name, namespace: 'shop' },
          spec: { persistentVolumeClaimRetentionPolicy: { whenDeleted } },
        });
    };
    const between = (cluster: MemoryCluster) => {
      for (const name of ['plain', 'keeper']) {
        const { spec } = cluster.read('deployments.apps', 'shop', name) as { spec?: object };
        cluster.seed('deployments.apps', { metadata: { name, namespace: 'shop', uid: name }, spec: { ...spec, more: 1 } });
      }
    };
    const { results } = await play({ before, between, restore: { existingResourcePolicy: 'Recreate' } });
    expect(results).toContain('deployments shop/plain recreated');
    expect(results).toContain('deployments shop/keeper updated');
  });

  it('says how an object that cannot be changed can be restored', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.seed('configmaps', { metadata: { name: 'settings', namespace: 'shop' }, data: { in: 'changed' } });
      cluster.check = ({ verb }) => {
        if (verb === 'update')
          throw new ClusterError(
            422,
            'Invalid',
            'ConfigMap "settings" is invalid: data: Forbidden: field is immutable when `immutable` is set',
          );
      };
    };
    const { results } = await play({ between, restore: { ...settings, existingResourcePolicy: 'Update' } });
    expect(results).toEqual([
      'configmaps shop/settings failed: ConfigMap "settings" is invalid: data: Forbidden: field is immutable when `immutable` is set (existingResourcePolicy Recreate would make it anew)',
    ]);
  });

  it('makes anew what goes away while it is updated', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.seed('configmaps', { metadata: { name: 'settings', namespace: 'shop' }, data: { in: 'changed' } });
      cluster.check = ({ verb }) => {
        if (verb === 'update') cluster.drop('configmaps', 'shop', 'settings');
      };
    };
    const { results, cluster } = await play({ between, restore: { ...settings, existingResourcePolicy: 'Update' } });
    expect(results).toEqual(['configmaps shop/settings created']);
    expect(cluster.read('configmaps', 'shop', 'settings')?.['data']).toEqual({ in: 'shop' });
  });

  it('updates again where somebody else was faster', async () => {
    let asked = 0;
    const between = (cluster: MemoryCluster) => {
      cluster.seed('configmaps', { metadata: { name: 'settings', namespace: 'shop' }, data: { in: 'changed' } });
      cluster.check = ({ verb, name }) => {
        if (verb === 'update' && ++asked < 3)
          cluster.seed('configmaps', {
            metadata: { name, namespace: 'shop', finalizers: [`example.com/${asked}`] },
            data: { in: 'again' },
          });
      };
    };
    const { results, cluster } = await play({ between, restore: { ...settings, existingResourcePolicy: 'Update' } });
    expect(results).toEqual(['configmaps shop/settings updated']);
    expect(asked).toBe(3);
    expect(cluster.read('configmaps', 'shop', 'settings')).toMatchObject({
      metadata: { finalizers: ['example.com/2'] },
      data: { in: 'shop' },
    });
  });

  it('waits for no definition in a dry run', async () => {
    const between = (cluster: MemoryCluster) => {
      cluster.drop(widgets, 'shop', 'gear');
      cluster.drop(definitions, '', widgets);
    };
    const { results } = await play({ between, restore: { dryRun: true } });
    expect(results).toContain('widgets shop/gear created: not tried: widgets.example.com is not served yet, this restore would define it');
  });
});
