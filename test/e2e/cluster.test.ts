/** Kylon beside a real cluster: everything in three namespaces, there and back; and users who may do only so much. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, repository, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { backup, backups, complete, configMap, ended, gone, namespace, path, restore, restores } from './objects.ts';
import { createAll, kinds, populationOf, snapshotOf, widgetDefinition } from './population.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';

const cluster = findCluster();
const userRoles = resolve(repository, 'manifests/user-roles.yaml');
const beside = suite('beside a real cluster', cluster);

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const home = 'kylon-e2e-home';
  const namespaces = ['kylon-e2e-one', 'kylon-e2e-two', 'kylon-e2e-three'];
  const all = [home, ...namespaces];
  const [one = '', two = ''] = namespaces;
  let kylon: Kylon;
  let proxy: Proxy;

  beforeAll(async () => {
    await tidy();
    proxy = await Proxy.start(kubectl);
    await kubectl.run(['apply', '-f', userRoles]);
    await kubectl.run(['create', '-f', '-'], [...all.map((name) => namespace(name, { team: 'e2e' })), widgetDefinition]);
    await kubectl.run(['wait', '--for=condition=Established', `crd/${widgetDefinition.metadata.name}`]);
    await Promise.all(
      all.map((name) =>
        eventually(async () => (await kubectl.try(['get', 'serviceaccount/default', 'configmap/kube-root-ca.crt', '-n', name])).code === 0),
      ),
    );
    await createAll(
      proxy,
      namespaces.flatMap((name) => populationOf(name, 200)),
    );
  });
  afterAll(async () => {
    await proxy?.stop();
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['delete', '-f', userRoles, '--ignore-not-found']);
    await kubectl.try(['delete', 'crd', widgetDefinition.metadata.name, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', ...all, '--ignore-not-found']);
  }

  it('is available within 10 seconds of its start', async () => {
    const start = Date.now();
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    expect(Date.now() - start).toBeLessThan(10_000);
    const { status } = await kubectl.get('apiservice', apiServiceName);
    expect(status?.['conditions']).toContainEqual(expect.objectContaining({ type: 'Available', status: 'True', reason: 'Passed' }));
  });

  it('backs up 1 000 objects of twelve kinds and more, and restores each as it was', async () => {
    const before = await snapshotOf(kubectl, namespaces);
    expect(before.size).toBeGreaterThan(1000);
    expect(new Set([...before.keys()].map((key) => key.split(' ')[0])).size).toBeGreaterThanOrEqual(12);

    await kubectl.run(['create', '-f', '-'], backup(home, 'all', { includedNamespaces: namespaces }));
    const made = await complete(kubectl, backups, { namespace: home, name: 'all' });
    expect(made.status).toMatchObject({ phase: 'Completed' });
    expect(made.status?.['items']).toBeGreaterThanOrEqual(before.size - namespaces.length); // all but kube-root-ca.crt

    await kubectl.run(['delete', 'namespace', ...namespaces]);
    await kubectl.run(['delete', 'crd', widgetDefinition.metadata.name]);
    await kubectl.run(['create', '-f', '-'], restore(home, 'all', 'all'));
    const done = await complete(kubectl, restores, { namespace: home, name: 'all' });
    const failed = await kubectl.run(['get', '--raw', `${path(home, 'restores/all/results')}?outcome=failed`]);
    expect(JSON.parse(failed)).toMatchObject({ items: [] });
    expect(done.status).toMatchObject({ phase: 'Completed' });

    const after = await snapshotOf(kubectl, namespaces);
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted());
    for (const [key, object] of before) expect(after.get(key), key).toEqual(object);
    for (const name of namespaces) expect((await kubectl.get('namespace', name)).metadata.labels).toMatchObject({ team: 'e2e' });
    expect(kinds.length).toBeGreaterThanOrEqual(12);
  });

  it('keeps the backups of a namespace that is deleted', async () => {
    await kubectl.run(['create', '-f', '-'], backup(two, 'own', { includedResources: ['configmaps'] }));
    const made = await complete(kubectl, backups, { namespace: two, name: 'own' });
    await kubectl.run(['delete', 'namespace', two]);
    expect((await kubectl.get(backups, 'own', '-n', two)).metadata.uid).toBe(made.metadata.uid);
    await kubectl.run(['create', '-f', '-'], restore(two, 'own', 'own'));
    await complete(kubectl, restores, { namespace: two, name: 'own' });
    await kubectl.get('configmap', 'settings-7', '-n', two);
  });

  describe('a user with rights in one namespace', () => {
    const alice = kubectl.as('alice');

    beforeAll(async () => {
      await kubectl.run(['create', 'rolebinding', 'alice', '--clusterrole=admin', '--user=alice', '-n', one]);
      await eventually(async () => (await alice.try(['auth', 'can-i', 'create', backups, '-n', one])).code === 0);
    });

    it('backs up and restores that one', async () => {
      await alice.run(['create', '-f', '-'], backup(one, 'hers', { includedResources: ['configmaps', 'widgets'] }));
      const made = await complete(alice, backups, { namespace: one, name: 'hers' });
      expect(made.status).toMatchObject({ phase: 'Completed', createdBy: expect.objectContaining({ username: 'alice' }) });
      await alice.run(['delete', 'configmap', 'settings-1', 'settings-2', '-n', one]);
      await alice.run(['create', '-f', '-'], restore(one, 'hers', 'hers', { includedResources: ['configmaps'] }));
      await complete(alice, restores, { namespace: one, name: 'hers' });
      await alice.get('configmap', 'settings-1', '-n', one);
    });

    it('gets 403 for another', async () => {
      expect(await alice.fails(['create', '-f', '-'], backup(two, 'theirs'))).toContain(
        `Error from server (Forbidden): error when creating "STDIN": backups.backup.kylon.io is forbidden: User "alice" cannot create resource "backups" in API group "backup.kylon.io" in the namespace "${two}"`,
      );
      expect(await alice.fails(['get', backups, '-n', two])).toMatch(
        /\(Forbidden\): backups\.backup\.kylon\.io is forbidden: User "alice" cannot list/,
      );
      expect(await alice.fails(['create', '-f', '-'], restore(two, 'theirs', 'own'))).toMatch(/\(Forbidden\)/);
    });

    it('cannot reach another namespace from her own', async () => {
      for (const spec of [{ includedNamespaces: [one, two] }, { includedNamespaces: ['*'] }, { includeClusterResources: true }]) {
        const refused = await alice.fails(['create', '-f', '-'], backup(one, 'reaching', spec));
        expect(refused).toMatch(/\(Forbidden\).*backups\.backup\.kylon\.io "reaching" is forbidden/);
      }
      const foreign = { ...restore(one, 'reaching', 'all'), spec: { backupName: 'all', backupNamespace: home } };
      expect(await alice.fails(['create', '-f', '-'], foreign)).toMatch(/\(Forbidden\)/);
      expect(await alice.fails(['get', '--raw', path(home, 'backups/all/download')])).toMatch(/Forbidden|forbidden/);
    });

    it('finds nothing elsewhere by a pattern', async () => {
      await alice.run(['create', '-f', '-'], backup(one, 'pattern', { includedNamespaces: ['kylon-e2e-*'] }));
      const done = await ended(kubectl, backups, { namespace: one, name: 'pattern' });
      expect(done.status?.['phase']).not.toBe('Completed');
      const { stdout } = await alice.try(['get', '--raw', path(one, 'backups/pattern/items')]);
      for (const other of [home, ...namespaces].filter((name) => name !== one)) expect(stdout).not.toContain(`"${other}"`);
    });

    it('writes nothing elsewhere by mapping a namespace', async () => {
      await alice.run(
        ['create', '-f', '-'],
        restore(one, 'mapped', 'hers', { includedResources: ['widgets'], namespaceMapping: { [one]: home } }),
      );
      const done = await ended(kubectl, restores, { namespace: one, name: 'mapped' });
      expect(done.status?.['phase']).not.toBe('Completed');
      expect(await kubectl.list('widgets.kylon-e2e.example.test', '-n', home)).toEqual([]);
    });

    it('gains no right by a restore', async () => {
      await kubectl.run(['create', 'rolebinding', 'too-much', '--clusterrole=cluster-admin', '--user=alice', '-n', one]);
      await kubectl.run(['create', '-f', '-'], backup(one, 'trap', { includedResources: ['rolebindings'] }));
      await complete(kubectl, backups, { namespace: one, name: 'trap' });
      await kubectl.run(['delete', 'rolebinding', 'too-much', '-n', one]);
      await alice.run(['create', '-f', '-'], restore(one, 'trap', 'trap'));
      const done = await ended(kubectl, restores, { namespace: one, name: 'trap' });
      expect(done.status?.['phase']).toBe('PartiallyFailed');
      const results = await alice.run(['get', '--raw', path(one, 'restores/trap/results')]);
      expect(results).toMatch(/"name":"too-much"[^}]*"outcome":"failed"[^}]*forbidden/);
      await gone(kubectl, 'rolebinding', 'too-much', '-n', one);
    });

    it('cannot say that somebody else made it', async () => {
      const forged = {
        ...backup(one, 'forged', { includedResources: ['none.example.test'] }),
        status: { createdBy: { username: 'admin' }, phase: 'Completed' },
      };
      await alice.run(['create', '-f', '-'], forged);
      const { status } = await kubectl.get(backups, 'forged', '-n', one);
      expect(JSON.stringify(status)).toContain('alice');
      expect(JSON.stringify(status)).not.toContain('"admin"');
    });

    it('sees no content with view alone', async () => {
      await kubectl.run(['create', 'rolebinding', 'bob', '--clusterrole=view', '--user=bob', '-n', one]);
      const bob = kubectl.as('bob');
      await eventually(async () => (await bob.try(['get', backups, 'hers', '-n', one])).code === 0);
      await bob.run(['get', '--raw', path(one, 'backups/hers/log')]);
      for (const rest of ['items', `items/core/configmaps/${one}/settings-1`, 'download'])
        expect(await bob.fails(['get', '--raw', path(one, `backups/hers/${rest}`)])).toMatch(
          /User "bob" cannot get resource "backups\/(items|download)"/,
        );
      expect(await bob.fails(['create', '--raw', path(one, 'backups/hers/restore'), '-f', '-'], '{}')).toMatch(
        /cannot create resource "backups\/restore"/,
      );
    });
  });

  it('needs nothing of it to delete a namespace once it is gone', async () => {
    await kylon.stop();
    expect(await kubectl.run(['get', 'apiservice', apiServiceName, '--ignore-not-found'])).toBe('');
    await kubectl.run(['create', '-f', '-'], configMap(home, 'last'));
    await kubectl.run(['delete', 'namespace', home, '--timeout=60s']);
  });
});
