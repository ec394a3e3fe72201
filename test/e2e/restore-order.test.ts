/** What turns away other objects comes back after them: a webhook that nobody answers, and an aggregated API that nobody serves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName, Kylon } from './kylon.ts';
import { complete, configMap, namespace, path, restore, restores } from './objects.ts';
import { widgetDefinition } from './population.ts';
import { eventually } from './process.ts';
import { backUp, bringBack } from './restoring.ts';

const cluster = findCluster();
const beside = suite('the order of a restore, on a real cluster', cluster);

describe(beside.title, beside.options, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const [home, place] = ['kylon-order-home', 'kylon-order'] as const;
  const widgets = widgetDefinition.metadata.name;
  const [webhook, api] = ['webhook.kylon-order.example.test', 'v1.kylon-order.example.test'] as const;
  const many = 20;
  let kylon: Kylon;

  beforeAll(async () => {
    await tidy();
    await kubectl.run(['create', '-f', '-'], [namespace(home), namespace(place), widgetDefinition]);
    await kubectl.run(['wait', '--for=condition=Established', `crd/${widgets}`]);
    kylon = await Kylon.beside(kubeconfigOf(cluster));
    await kubectl.run(['create', '-f', '-'], [...numbered(widget), ...numbered(labelledConfigMap), webhookConfiguration(), apiService()]);
  });
  afterAll(async () => {
    await kylon?.discard();
    await tidy();
  });

  /** No namespace goes while a group cannot be discovered. */
  async function tidy(): Promise<void> {
    await kubectl.try(['delete', 'apiservice', apiServiceName, api, '--ignore-not-found']);
    await kubectl.try(['delete', 'validatingwebhookconfiguration', webhook, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', home, place, '--ignore-not-found']);
    await kubectl.try(['delete', 'crd', widgets, '--ignore-not-found']);
  }

  const numbered = (make: (name: string) => KubeObject) => Array.from({ length: many }, (_, n) => make(`many-${n}`));

  const labelledConfigMap = (name: string): KubeObject => ({
    ...configMap(place, name),
    metadata: { name, namespace: place, labels: { many: 'yes' } },
  });

  /** Its kind comes behind webhook configurations and APIServices by name: only a rule can have them written after it. */
  const widget = (name: string): KubeObject => ({
    apiVersion: 'kylon-e2e.example.test/v1',
    kind: 'Widget',
    metadata: { name, namespace: place },
    spec: { size: 1 },
  });

  const service = { namespace: place, name: 'nobody' };

  const webhookConfiguration = (): KubeObject => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: webhook },
    webhooks: [
      {
        name: webhook,
        clientConfig: { service },
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE'], resources: ['configmaps', 'widgets'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': place } },
      },
    ],
  });

  const apiService = (): KubeObject => ({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: api },
    spec: {
      group: 'kylon-order.example.test',
      version: 'v1',
      service,
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  });

  const isTurnedAway = async () =>
    /failed calling webhook/.test((await kubectl.try(['create', '--dry-run=server', '-f', '-'], configMap(place, 'one-more'))).stderr);

  it('brings back webhooks and APIServices when everything else is there', async () => {
    await eventually(isTurnedAway);
    await backUp(kubectl, home, 'all', {
      includedNamespaces: [place],
      includeClusterResources: true,
      includedResources: ['apiservices', 'configmaps', 'validatingwebhookconfigurations', 'widgets'],
      filters: [{ resources: ['apiservices', 'validatingwebhookconfigurations'], includedNames: [api, webhook] }],
    });
    await kubectl.run(['delete', `apiservice/${api}`, `validatingwebhookconfiguration/${webhook}`]);
    await kubectl.run(['delete', '--raw', `/api/v1/namespaces/${place}/configmaps?labelSelector=many`]);
    await kubectl.run(['delete', '--raw', `/apis/kylon-e2e.example.test/v1/namespaces/${place}/widgets`]);
    await eventually(async () => !(await isTurnedAway()));
    const { object, results } = await bringBack(kubectl, home, 'all', 'all', {});
    expect(object.status).toMatchObject({ phase: 'Completed', counts: { created: many * 2 + 2, failed: 0 } });
    expect(results.slice(-2)).toMatchObject([
      { resource: 'apiservices', name: api, outcome: 'created', message: `the Service ${place}/nobody is not there` },
      {
        resource: 'validatingwebhookconfigurations',
        name: webhook,
        outcome: 'created',
        message: `the Service ${place}/nobody is not there`,
      },
    ]);
    await eventually(isTurnedAway);
    expect(await kubectl.list('configmaps', '-l', 'many', '-n', place)).toHaveLength(many);
    expect(await kubectl.list(widgets, '-n', place)).toHaveLength(many);
    await kubectl.get('apiservice', api);
  });

  it('holds back webhooks and APIServices until a Pod behind them is ready', async () => {
    const endpoints = (ready: boolean) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'nobody-1', namespace: place, labels: { 'kubernetes.io/service-name': service.name } },
      addressType: 'IPv4',
      ports: [{ port: 443 }],
      endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready } }],
    });
    const spec = { ports: [{ port: 443 }] };
    await kubectl.run(['create', '-f', '-'], [{ apiVersion: 'v1', kind: 'Service', metadata: { ...service }, spec }, endpoints(false)]);
    await kubectl.run(['delete', `apiservice/${api}`, `validatingwebhookconfiguration/${webhook}`]);
    await kubectl.run(['create', '-f', '-'], restore(home, 'held', 'all'));
    const log = () => kubectl.run(['get', '--raw', path(home, 'restores/held/log')]);
    await eventually(async () => (await log()).includes(`waits for a ready Pod of the Service ${place}/nobody`), 20_000);
    expect((await kubectl.try(['get', 'apiservice', api])).stderr).toMatch(/NotFound/);
    expect((await kubectl.get(restores, 'held', '-n', home)).status).toMatchObject({ phase: 'InProgress' });
    await kubectl.run(['apply', '--server-side', '--force-conflicts', '-f', '-'], endpoints(true));
    const { status } = await complete(kubectl, restores, { namespace: home, name: 'held' });
    expect(status).toMatchObject({ phase: 'Completed', counts: { created: 2, failed: 0 } });
    await kubectl.get('apiservice', api);
    await kubectl.get('validatingwebhookconfiguration', webhook);
  });
});
