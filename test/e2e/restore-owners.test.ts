/** A tree of owners, custom resources among them, comes back on a real cluster, whose garbage collector takes whatever has a wrong owner. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { configMap, gone, namespace } from './objects.ts';
import { eventually } from './process.ts';
import { backUp, bringBack } from './restoring.ts';

const cluster = findCluster();
const beside = suite('owners, on a real cluster', cluster);
const group = 'kylon-owners.example.test';

function definition(kind: string, scope: string): KubeObject {
  const plural = `${kind.toLowerCase()}s`;
  const schema = {
    openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, singular: kind.toLowerCase(), kind },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}

const definitions = [definition('Garden', 'Cluster'), definition('Tree', 'Namespaced'), definition('Apple', 'Namespaced')];

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [home, place, copy] = ['kylon-owners-home', 'kylon-owners', 'kylon-owners-copy'] as const;
  const all = [home, place, copy];
  const trees = `trees.${group}`;
  const gardens = `gardens.${group}`;
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(['create', '-f', '-'], [namespace(home), namespace(place), ...definitions]);
    await kubectl.run(['wait', '--for=condition=Established', ...definitions.map(({ metadata }) => `crd/${metadata.name}`)]);
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    await plant();
    await backUp(kubectl, home, 'tree', {
      includedNamespaces: [place],
      includeClusterResources: true,
      includedResources: [
        `*.${group}`,
        'customresourcedefinitions',
        'configmaps',
        'secrets',
        'deployments',
        'replicasets',
        'pods',
        'namespaces',
      ],
    });
  });
  afterAll(async () => {
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', ...all, '--ignore-not-found']);
    await kubectl.try(['delete', 'crd', ...definitions.map(({ metadata }) => metadata.name), '--ignore-not-found']);
  }

  async function make(object: KubeObject, ...owners: readonly KubeObject[]): Promise<KubeObject> {
    const ownerReferences = owners.map(({ apiVersion, kind, metadata: { name, uid = '' } }, index) => ({
      apiVersion,
      kind,
      name,
      uid,
      ...(index === 0 && { controller: true }),
    }));
    const metadata = { ...object.metadata, ...(owners.length > 0 && { ownerReferences }) };
    return JSON.parse(await kubectl.run(['create', '-o', 'json', '-f', '-'], { ...object, metadata })) as KubeObject;
  }

  const custom = (kind: string, name: string, where?: string): KubeObject => ({
    apiVersion: `${group}/v1`,
    kind,
    metadata: { name, ...(where !== undefined && { namespace: where }) },
    spec: { of: name },
  });

  /** A Garden owns a Tree, which owns a ConfigMap (before it in order), which owns an Apple; the Tree has a Deployment, whose Pods are its own. */
  async function plant(): Promise<void> {
    const garden = await make(custom('Garden', 'eden'));
    const tree = await make(custom('Tree', 'oak', place), garden);
    const notes = await make(configMap(place, 'notes'), tree);
    await make(custom('Apple', 'red', place), notes, tree);
    const selector = { matchLabels: { app: 'gardener' } };
    const template = { metadata: { labels: selector.matchLabels }, spec: { containers: [{ name: 'main', image: 'example.test/none:1' }] } };
    await make(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'gardener', namespace: place },
        spec: { replicas: 1, selector, template },
      },
      tree,
    );
    await eventually(async () => (await kubectl.list('pods', '-n', place)).length === 1);
  }

  /** After the garbage collector has had its time. */
  async function expectTree(where: string): Promise<void> {
    await sleep(3_000);
    const get = (resource: string, name: string) => kubectl.get(resource, name, '-n', where);
    const ownersOf = ({ metadata }: KubeObject) =>
      (metadata['ownerReferences'] as { kind: string; uid: string; controller?: boolean }[]).map(({ kind, uid, controller = false }) => ({
        kind,
        uid,
        controller,
      }));
    const [garden, tree, notes] = [await kubectl.get(gardens, 'eden'), await get(trees, 'oak'), await get('configmap', 'notes')];
    const to = ({ kind, metadata: { uid } }: KubeObject, controller = false) => ({ kind, uid, controller });
    expect(ownersOf(tree)).toEqual([to(garden, true)]);
    expect(ownersOf(notes)).toEqual([to(tree, true)]);
    expect(new Set(ownersOf(await get(`apples.${group}`, 'red')))).toEqual(new Set([to(notes, true), to(tree)]));
    expect(ownersOf(await get('deployment', 'gardener'))).toEqual([to(tree, true)]);
    expect(await kubectl.list('replicasets', '-n', where)).toHaveLength(1);
    expect(await kubectl.list('pods', '-n', where)).toHaveLength(1);
  }

  it('comes back with the uids of now', async () => {
    const before = await kubectl.get(trees, 'oak', '-n', place);
    await kubectl.run(['delete', 'namespace', place]);
    await kubectl.run(['delete', gardens, 'eden']);
    const { object, results, of } = await bringBack(kubectl, home, 'tree', 'whole', {});
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect(object.status).toMatchObject({ phase: 'Completed', warnings: 0 });
    const replicaSet = results.find(({ resource }) => resource === 'replicasets');
    expect(replicaSet).toMatchObject({
      outcome: 'skipped',
      message: 'its controller, Deployment gardener, is restored and makes it again',
    });
    expect(of('configmaps', 'notes')).toEqual({ outcome: 'created' });
    expect((await kubectl.get(trees, 'oak', '-n', place)).metadata.uid).not.toBe(before.metadata.uid);
    await expectTree(place);
  });

  it('is taken by the garbage collector with its root, as it was before', async () => {
    await kubectl.run(['delete', gardens, 'eden']);
    await gone(kubectl, `apples.${group}`, 'red', '-n', place);
    await gone(kubectl, 'deployment', 'gardener', '-n', place);
    await bringBack(kubectl, home, 'tree', 'again', {});
    await expectTree(place);
  });

  it('comes back in another namespace, beside the first', async () => {
    const { results } = await bringBack(kubectl, home, 'tree', 'copied', { namespaceMapping: { [place]: copy } });
    expect(results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    await expectTree(copy);
    await expectTree(place);
  });

  it('follows a custom resource that is made anew, and loses nothing by it', async () => {
    const [before, notes] = [await kubectl.get(trees, 'oak', '-n', place), await kubectl.get('configmap', 'notes', '-n', place)];
    await kubectl.run(['patch', trees, 'oak', '-n', place, '--type=merge', '-p', '{"spec":{"of":"another"}}']);
    const { of } = await bringBack(kubectl, home, 'tree', 'anew', { existingResourcePolicy: 'Recreate' });
    expect(of('trees', 'oak')).toEqual({ outcome: 'recreated' });
    expect((await kubectl.get(trees, 'oak', '-n', place)).metadata.uid).not.toBe(before.metadata.uid);
    expect((await kubectl.get('configmap', 'notes', '-n', place)).metadata.uid).toBe(notes.metadata.uid);
    await expectTree(place);
  });

  it('gives a single object the owner that is there', async () => {
    await kubectl.run(['delete', 'configmap', 'notes', '-n', place, '--cascade=orphan']);
    const items = [{ resource: 'configmaps', namespace: place, name: 'notes' }];
    const { results } = await bringBack(kubectl, home, 'tree', 'one', { items });
    expect(results).toMatchObject([{ resource: 'configmaps', namespace: place, name: 'notes', outcome: 'created', message: '' }]);
    const [tree, notes] = [await kubectl.get(trees, 'oak', '-n', place), await kubectl.get('configmap', 'notes', '-n', place)];
    expect(notes.metadata['ownerReferences']).toEqual([expect.objectContaining({ kind: 'Tree', uid: tree.metadata.uid })]);
  });

  it('says which owner is no more', async () => {
    await kubectl.run(['delete', gardens, 'eden', '--cascade=orphan']);
    await kubectl.run(['delete', trees, 'oak', '-n', place, '--cascade=orphan']);
    const items = [{ group, resource: 'trees', namespace: place, name: 'oak' }];
    const { of } = await bringBack(kubectl, home, 'tree', 'orphan', { items });
    expect(of('trees', 'oak')).toEqual({
      outcome: 'created',
      message: 'its owner, Garden eden, is neither restored nor there: the reference to it is left out',
    });
  });
});
