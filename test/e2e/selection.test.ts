/** What a Backup takes of a real cluster, read from its items: by namespace, kind and label, what belongs to that, and what is left out by rule. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { configMap, namespace, path } from './objects.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { backUp } from './restoring.ts';

interface Item {
  readonly group?: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}

interface Page {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly Item[];
}

const cluster = findCluster();
const beside = suite('the selection of a backup', cluster);

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [home, web, db, old] = ['kylon-select-home', 'kylon-select-web', 'kylon-select-db', 'kylon-select-old'] as const;
  const all = [home, web, db, old];
  const ending = 'kylon-ending';
  const volumes = ['kylon-select-taken', 'kylon-select-opted-out', 'kylon-select-unclaimed'] as const;
  const [taken, optedOut] = volumes;
  const unserved = 'v1.broken.example.test';
  const optOut = { 'backup.kylon.io/exclude': 'true' };
  const selector = { matchLabels: { app: 'web' } };
  const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  let kylon: Kylon;
  let proxy: Proxy;

  beforeAll(async () => {
    await tidy();
    proxy = await Proxy.start(kubectl);
    await kubectl.run(
      ['create', '-f', '-'],
      [...all, ending].map((name) => namespace(name)),
    );
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    await kubectl.run(['create', '-f', '-'], objects());
    await kubectl.run(['delete', 'namespace', ending, '--wait=false']);
    await eventually(async () => (await kubectl.try(['get', 'serviceaccount', 'default', '-n', web])).code === 0);
    await eventually(async () => (await kubectl.list('replicasets', '-n', web)).length > 0);
    for (const name of [taken, optedOut])
      await eventually(async () => (await kubectl.get('pvc', name, '-n', web)).status?.['phase'] === 'Bound');
    await backUp(kubectl, home, 'whole', { includedNamespaces: [web] });
  });
  afterAll(async () => {
    await proxy?.stop();
    await kylon?.discard();
    await tidy();
  });

  /** No namespace goes while a group cannot be discovered. */
  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, unserved, '--ignore-not-found']);
    await kubectl.try(['patch', 'configmap', 'stubborn', '-n', ending, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await kubectl.run(['delete', 'namespace', ...all, ending, '--ignore-not-found']);
    await kubectl.run(['delete', 'pv', ...volumes, '--ignore-not-found']);
  }

  const marked = (object: KubeObject, marks: object): KubeObject => ({ ...object, metadata: { ...object.metadata, ...marks } });

  const labelled = (object: KubeObject, labels: Record<string, string>) => marked(object, { labels });

  const inWeb = (apiVersion: string, kind: string, name: string, fields: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name, namespace: web },
    ...fields,
  });

  const storage = { accessModes: ['ReadWriteOnce'], storageClassName: 'none' };
  const claim = (name: string) =>
    inWeb('v1', 'PersistentVolumeClaim', name, { spec: { ...storage, volumeName: name, resources: { requests: { storage: '1Gi' } } } });
  const volume = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: { ...storage, capacity: { storage: '1Gi' }, hostPath: { path: '/none' }, claimRef: { namespace: web, name } },
  });

  function objects(): KubeObject[] {
    const template = { metadata: { labels: selector.matchLabels }, spec: { containers: [{ name: 'main', image: 'example.test/none:1' }] } };
    return [
      ...[home, web, db, old].map((place) => configMap(place, 'plain')),
      labelled(configMap(web, 'red'), { color: 'red' }),
      labelled(configMap(web, 'red-old'), { color: 'red', age: 'old' }),
      labelled(configMap(web, 'blue'), { color: 'blue' }),
      labelled(configMap(web, 'green'), { color: 'green' }),
      labelled(configMap(web, 'opted-out'), { ...optOut, color: 'red' }),
      labelled(configMap(web, 'opted-in'), { 'backup.kylon.io/exclude': 'false' }),
      inWeb('v1', 'Secret', 'key', {}),
      inWeb('v1', 'Service', 'web', { spec: { selector: { app: 'none' }, ports: [{ port: 443 }] } }),
      labelled(inWeb('apps/v1', 'Deployment', 'web', { spec: { replicas: 0, selector, template } }), { color: 'red' }),
      marked(configMap(ending, 'stubborn'), { finalizers: ['example.test/holds'] }),
      ...volumes.map(volume),
      claim(taken),
      labelled(claim(optedOut), optOut),
    ];
  }

  async function pageOf(backupName: string, query: Record<string, string> = {}): Promise<Page> {
    const parameters = new URLSearchParams(query).toString();
    return JSON.parse(await kubectl.run(['get', '--raw', `${path(home, `backups/${backupName}/items`)}?${parameters}`])) as Page;
  }

  const namesIn = async (backupName: string, query: Record<string, string>) =>
    (await pageOf(backupName, query)).items.map(({ name }) => name);

  const resourceOf = ({ group, resource }: Item) => (group ? `${resource}.${group}` : resource);
  const keyOf = (item: Item) => `${resourceOf(item)} ${item.namespace ? `${item.namespace}/` : ''}${item.name}`;
  const keysIn = async (backupName: string) => (await pageOf(backupName)).items.map(keyOf);

  const logOf = (backupName: string) => kubectl.run(['get', '--raw', path(home, `backups/${backupName}/log`)]);

  /** The namespaces that it holds, and those in which something lies that it holds. */
  async function placesIn(backupName: string) {
    const { items } = await pageOf(backupName);
    const places = items.flatMap(({ namespace = '' }) => (namespace ? [namespace] : []));
    return { namespaces: await namesIn(backupName, { resource: 'namespaces' }), places: [...new Set(places)] };
  }

  it('takes the namespaces that fit a pattern, but for those that are excluded', async () => {
    await backUp(kubectl, home, 'pattern', {
      includedNamespaces: ['kylon-select-*'],
      excludedNamespaces: ['kylon-*-o?d', home],
      includedResources: ['configmaps'],
    });
    expect(await placesIn('pattern')).toEqual({ namespaces: [db, web], places: [db, web] });
  });

  it('takes all namespaces by *, but for those that are excluded', async () => {
    await backUp(kubectl, home, 'star', { includedNamespaces: ['*'], excludedNamespaces: [old], includedResources: ['configmaps'] });
    const { namespaces, places } = await placesIn('star');
    expect(namespaces).toEqual(expect.arrayContaining(['default', home, web, db, 'kube-system']));
    expect(places).toEqual(expect.arrayContaining([home, web, db, 'kube-system']));
    expect([...namespaces, ...places]).not.toContain(old);
  });

  it.each([
    [['cm', 'deployments.apps', 'Secret'], [], ['configmaps', 'deployments.apps', 'namespaces', 'secrets']],
    [['*.apps', 'service'], ['rs'], ['deployments.apps', 'namespaces', 'services']],
  ])('takes the kinds %s, but for those that are excluded', async (includedResources, excludedResources, expected) => {
    const name = `kinds-${expected.length}`;
    await backUp(kubectl, home, name, { includedNamespaces: [web], includedResources, excludedResources });
    const { items } = await pageOf(name);
    expect([...new Set(items.map(resourceOf))].toSorted()).toEqual(expected);
  });

  it.each([
    [
      'labelSelector',
      { matchLabels: { color: 'red' }, matchExpressions: [{ key: 'age', operator: 'DoesNotExist' }] },
      [`configmaps ${web}/red`, `deployments.apps ${web}/web`],
    ],
    [
      'orLabelSelectors',
      [{ matchLabels: { age: 'old' } }, { matchExpressions: [{ key: 'color', operator: 'In', values: ['blue', 'green'] }] }],
      [`configmaps ${web}/blue`, `configmaps ${web}/green`, `configmaps ${web}/red-old`],
    ],
  ])('takes what fits %s, and the namespace of that', async (field, value, expected) => {
    const name = field.toLowerCase();
    await backUp(kubectl, home, name, { includedNamespaces: [web], [field]: value });
    expect((await keysIn(name)).toSorted()).toEqual([...expected, `namespaces ${web}`].toSorted());
  });

  it('leaves out what has the label for that, and says so', async () => {
    expect(await namesIn('whole', { resource: 'configmaps' })).toEqual(['blue', 'green', 'opted-in', 'plain', 'red', 'red-old']);
    expect(await logOf('whole')).toContain(`configmaps of ${web}: 1 left out: it has the label backup.kylon.io/exclude=true`);
  });

  it.each([
    ['by default those of the claims that are taken', 'whole', undefined, [taken]],
    ['none where includeClusterResources is false', 'no-volumes', false, []],
    ['all where includeClusterResources is true', 'all-volumes', true, volumes.toSorted()],
  ])('takes of PersistentVolumes %s', async (_, name, includeClusterResources, expected) => {
    if (includeClusterResources !== undefined)
      await backUp(kubectl, home, name, { includedNamespaces: [web], includedResources: ['pvc', 'pv'], includeClusterResources });
    expect(await namesIn(name, { resource: 'pvc' })).toEqual([taken]);
    expect((await namesIn(name, { resource: 'pv' })).filter((volume) => volume.startsWith('kylon-select-'))).toEqual(expected);
  });

  it('shows its items page by page, and by their labels', async () => {
    const { items: everything } = await pageOf('whole');
    const pages = [await pageOf('whole', { limit: '4' })];
    const next = () => pages.at(-1)?.metadata.continue;
    for (let token = next(); token && pages.length < everything.length; token = next())
      pages.push(await pageOf('whole', { limit: '4', continue: token }));
    expect(pages.slice(0, -1).every(({ items }) => items.length === 4)).toBe(true);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.flatMap(({ items }) => items)).toEqual(everything);
    const chosen = { labelSelector: 'color in (red,blue),!age' };
    expect((await pageOf('whole', chosen)).items.map(keyOf)).toEqual([
      `configmaps ${web}/blue`,
      `configmaps ${web}/red`,
      `deployments.apps ${web}/web`,
    ]);
    const { metadata, items } = await pageOf('whole', { ...chosen, limit: '2' });
    expect(items.map(keyOf)).toEqual([`configmaps ${web}/blue`, `configmaps ${web}/red`]);
    const rest = await pageOf('whole', { ...chosen, limit: '2', continue: metadata.continue ?? '' });
    expect(rest.items.map(keyOf)).toEqual([`deployments.apps ${web}/web`]);
  });

  it('takes of a namespace that is being deleted what is still there', async () => {
    await eventually(async () => {
      const left = await kubectl.list('configmaps,serviceaccounts', '-n', ending);
      return left.length === 1 && left[0]?.metadata['deletionTimestamp'];
    });
    const { status } = await backUp(kubectl, home, 'ending', { includedNamespaces: [ending] });
    expect(status).toMatchObject({ phase: 'Completed', errors: 0 });
    expect(await keysIn('ending')).toEqual([`configmaps ${ending}/stubborn`, `namespaces ${ending}`]);
    const manifest = await kubectl.run(['get', '--raw', path(home, `backups/ending/items/core/configmaps/${ending}/stubborn`)]);
    expect(JSON.parse(manifest)).toMatchObject({ data: { key: 'stubborn' } });
  });

  describe('where a group cannot be discovered', () => {
    beforeAll(async () => {
      await kubectl.run(['create', '-f', '-'], {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: unserved },
        spec: {
          group: 'broken.example.test',
          version: 'v1',
          service: { namespace: web, name: 'web' },
          insecureSkipTLSVerify: true,
          groupPriorityMinimum: 100,
          versionPriority: 100,
        },
      });
      await eventually(async () => (await proxy.send('GET', '/apis', { headers: { accept: aggregated } })).text.includes('"Stale"'));
    });

    it('is PartiallyFailed, names the group, and has everything else', async () => {
      const { status } = await backUp(kubectl, home, 'undiscovered', { includedNamespaces: [web] });
      expect(status).toMatchObject({ phase: 'PartiallyFailed', errors: 1 });
      expect(await logOf('undiscovered')).toContain('broken.example.test/v1 is left out, it was not discovered: ');
      expect(await keysIn('undiscovered')).toEqual(await keysIn('whole'));
    });

    it('takes APIServices, but for those that API servers and Kylon register themselves', async () => {
      await backUp(kubectl, home, 'apis', { includedNamespaces: [web], includedResources: ['apiservices'], includeClusterResources: true });
      const names = await namesIn('apis', { resource: 'apiservices' });
      expect(names).toContain(unserved);
      expect((await kubectl.list('apiservices')).map(({ metadata }) => metadata.name)).toContain('v1.apps');
      expect(names).not.toContain('v1.apps');
      expect(names).not.toContain(apiServiceName);
    });
  });
});
