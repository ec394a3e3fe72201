/** Bad input and bad luck on a real cluster: each object has its result, and everything else is done. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { configMap, isGone, namespace, restore } from './objects.ts';
import { createAll, widgetDefinition } from './population.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { backUp, bringBack, resultsOf } from './restoring.ts';

const cluster = findCluster();
const beside = suite('a restore under bad conditions', cluster);

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [home, place, copy] = ['kylon-harm-home', 'kylon-harm-place', 'kylon-harm-copy'] as const;
  const widgets = widgetDefinition.metadata.name;
  const longName = `${'n'.repeat(252)}z`;
  const many = 1_500;
  const selection = { includedNamespaces: [place], includedResources: ['configmaps', 'widgets', 'customresourcedefinitions'] };
  let kylon: Kylon;
  let proxy: Proxy;

  beforeAll(async () => {
    await tidy();
    proxy = await Proxy.start(kubectl);
    await kubectl.run(['create', '-f', '-'], [namespace(home), namespace(place), withOldVersion(widgetDefinition)]);
    await kubectl.run(['wait', '--for=condition=Established', `crd/${widgets}`]);
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    await createAll(proxy, [
      configMap(place, 'large', { text: 'x'.repeat(1_000_000) }),
      { ...widget('large'), spec: { text: 'é'.repeat(700_000) } },
      configMap(place, longName),
      widget('gear'),
    ]);
    await backUp(kubectl, home, 'odd', selection);
  });
  afterAll(async () => {
    await proxy?.stop();
    await kylon?.discard();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await kubectl.try(['patch', 'configmap', 'stubborn', '-n', place, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    await kubectl.run(['delete', 'namespace', home, place, copy, '--ignore-not-found']);
    await kubectl.try(['delete', 'crd', widgets, '--ignore-not-found']);
    await kubectl.try(['delete', 'clusterrole,clusterrolebinding', 'kylon-harm-carol', '--ignore-not-found']);
  }

  const widget = (name: string): KubeObject => ({
    apiVersion: 'kylon-e2e.example.test/v1',
    kind: 'Widget',
    metadata: { name, namespace: place },
    spec: { size: 1 },
  });

  /** The same, under another name, is served and not stored. */
  function withOldVersion(definition: KubeObject): KubeObject {
    const versions = versionsOf(definition);
    return { ...definition, spec: { ...definition.spec, versions: [...versions, { ...versions[0], name: 'v1beta1', storage: false }] } };
  }

  const versionsOf = ({ spec }: KubeObject) => (spec?.['versions'] ?? []) as { name: string }[];

  it('brings back an object of 1.4 MB, and one with a name of 253 characters', async () => {
    await kubectl.run(['delete', 'namespace', place]);
    const { object, of } = await bringBack(kubectl, home, 'odd', 'large', {});
    expect(object.status).toMatchObject({ phase: 'Completed', counts: { failed: 0 } });
    expect(of('widgets', 'large')).toEqual({ outcome: 'created' });
    expect(of('configmaps', longName)).toEqual({ outcome: 'created' });
    expect((await kubectl.get(widgets, 'large', '-n', place)).spec?.['text']).toHaveLength(700_000);
  });

  it('waits for a namespace that is being deleted, and makes it anew', async () => {
    await kubectl.run(['create', '-f', '-'], {
      ...configMap(place, 'stubborn'),
      metadata: { name: 'stubborn', namespace: place, finalizers: ['example.test/holds'] },
    });
    await kubectl.run(['delete', 'namespace', place, '--wait=false']);
    await kubectl.run(['create', '-f', '-'], restore(home, 'waits', 'odd'));
    await sleep(4_000);
    expect((await kubectl.get('restore', 'waits', '-n', home)).status?.['phase']).toBe('InProgress');
    await kubectl.run(['patch', 'configmap', 'stubborn', '-n', place, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    const { object, of } = await resultsOf(kubectl, home, 'waits');
    expect(object.status).toMatchObject({ phase: 'Completed' });
    expect(of('configmaps', longName)).toEqual({ outcome: 'created' });
  });

  it('fails what lies in a damaged part of the archive, by name, and brings back all else', async () => {
    const { status = {} } = await backUp(kubectl, home, 'damaged', selection);
    damage(join(kylon.data, 'store', (status['archive'] as { key: string }).key));
    const { object, results, of } = await bringBack(kubectl, home, 'damaged', 'damaged', { namespaceMapping: { [place]: copy } });
    expect(object.status).toMatchObject({ phase: 'PartiallyFailed', errors: 1, counts: { failed: 1 } });
    expect(results).toHaveLength(Number(status['items']));
    expect(of('configmaps', 'large')).toEqual({ outcome: 'failed', message: expect.stringMatching(/archive\.tar\.gz: member at 0: /) });
    for (const [resource, name] of [
      ['configmaps', longName],
      ['widgets', 'large'],
      ['widgets', 'gear'],
    ] as const) {
      expect(of(resource, name)).toEqual({ outcome: 'created' });
      await kubectl.get(resource, name, '-n', copy);
    }
    expect(await isGone(kubectl, 'configmap', 'large', '-n', copy)).toBe(true);
  });

  it('says why a Service has not the address that it had', async () => {
    const service = (name: string, clusterIP?: unknown): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: place },
      spec: { ports: [{ port: 80 }], ...(clusterIP !== undefined && { clusterIP }) },
    });
    const addressOf = async (name: string) => (await kubectl.get('service', name, '-n', place)).spec?.['clusterIP'];
    await kubectl.run(['create', '-f', '-'], service('web'));
    const address = await addressOf('web');
    await backUp(kubectl, home, 'services', { includedNamespaces: [place], includedResources: ['services'] });
    await kubectl.run(['delete', 'service', 'web', '-n', place]);
    await kubectl.run(['create', '-f', '-'], service('thief', address));
    const { object, of } = await bringBack(kubectl, home, 'services', 'services', {});
    expect(object.status).toMatchObject({ phase: 'Completed', counts: { created: 1, failed: 0 } });
    expect(of('services', 'web')).toEqual({
      outcome: 'created',
      message: expect.stringMatching(
        new RegExp(`^without what it was saved with: Service "web" is invalid: .*${String(address)}.*already allocated`),
      ),
    });
    expect(await addressOf('thief')).toBe(address);
    expect(await addressOf('web')).not.toBe(address);
  });

  it('fails the objects of a kind that is not served any more, and no others', async () => {
    await kubectl.run(['delete', 'crd', widgets]);
    await kubectl.run(['delete', 'configmap', longName, '-n', place]);
    const { object, of } = await bringBack(kubectl, home, 'odd', 'unserved', {
      includedResources: ['configmaps', 'widgets'],
      includeClusterResources: false,
    });
    expect(object.status).toMatchObject({ phase: 'PartiallyFailed', errors: 2, counts: { failed: 2, created: 1 } });
    expect(of('widgets', 'gear')).toEqual({ outcome: 'failed', message: 'the cluster serves no widgets.kylon-e2e.example.test' });
    expect(of('configmaps', longName)).toEqual({ outcome: 'created' });
  });

  it('says which version is served where the old one is not', async () => {
    const versions = versionsOf(widgetDefinition).map((version) => ({ ...version, name: 'v2' }));
    await kubectl.run(['create', '-f', '-'], { ...widgetDefinition, spec: { ...widgetDefinition.spec, versions } });
    await kubectl.run(['wait', '--for=condition=Established', `crd/${widgets}`]);
    await eventually(async () => (await kubectl.try(['get', widgets, '-n', place])).code === 0);
    const { of } = await bringBack(kubectl, home, 'odd', 'version', { includedResources: ['widgets'], includeClusterResources: false });
    expect(of('widgets', 'gear')).toEqual({
      outcome: 'failed',
      message: 'the cluster serves widgets.kylon-e2e.example.test in v2, not in v1, in which it was saved',
    });
  });

  it('goes on without the rights that its creator loses in the middle', async () => {
    const carol = kubectl.as('carol');
    const names = Array.from({ length: many }, (_, n) => `many-${String(n).padStart(4, '0')}`);
    await createAll(
      proxy,
      names.map((name) => ({ ...configMap(place, name), metadata: { name, namespace: place, labels: { many: 'yes' } } })),
    );
    await kubectl.run(['create', 'rolebinding', 'carol-admin', '--clusterrole=admin', '--user=carol', '-n', place]);
    await kubectl.run([
      'create',
      'clusterrole',
      'kylon-harm-carol',
      '--verb=*',
      '--resource=backups.backup.kylon.io,restores.backup.kylon.io,backups.backup.kylon.io/*,restores.backup.kylon.io/*',
    ]);
    await kubectl.run(['create', 'clusterrolebinding', 'kylon-harm-carol', '--clusterrole=kylon-harm-carol', '--user=carol']);
    await eventually(async () => (await carol.try(['auth', 'can-i', 'create', 'backups.backup.kylon.io', '-n', place])).code === 0);
    await backUp(carol, place, 'many', { includedResources: ['configmaps'] });
    expect((await proxy.send('DELETE', `/api/v1/namespaces/${place}/configmaps?labelSelector=many`)).status).toBe(200);
    await carol.run(['create', '-f', '-'], restore(place, 'middle', 'many'));
    await eventually(async () => (await kubectl.try(['get', 'configmap', names[100] ?? '', '-n', place])).code === 0, 30_000, 10);
    await kubectl.run(['delete', 'rolebinding', 'carol-admin', '-n', place]);
    const { object } = await resultsOf(kubectl, place, 'middle');
    const { counts, progress } = object.status as { counts: Record<string, number>; progress: Record<string, number> };
    const { created = 0, failed = 0 } = counts;
    expect(object.status).toMatchObject({ phase: 'PartiallyFailed', progress: { itemsRestored: progress['totalItems'] } });
    expect(created).toBeGreaterThan(100);
    expect(failed).toBeGreaterThan(0);
    const told = JSON.parse(
      await kubectl.run([
        'get',
        '--raw',
        `/apis/backup.kylon.io/v1alpha1/namespaces/${place}/restores/middle/results?outcome=failed&limit=1`,
      ]),
    ) as { items: { message: string }[] };
    expect(told.items[0]?.message).toMatch(
      /^configmaps is forbidden: User "carol" cannot create resource "configmaps" in API group "" in the namespace "kylon-harm-place"/,
    );
  });
});

/** Its first item is larger than a member of the archive, and so alone in the first one. */
function damage(archive: string): void {
  const bytes = readFileSync(archive);
  bytes[100]! ^= 1;
  writeFileSync(archive, bytes);
}
