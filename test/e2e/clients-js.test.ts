/** A42: the JavaScript client for Kubernetes finds in Kylon's kinds what it finds in any other. */
import { ApiException, CustomObjectsApi, KubeConfig, makeInformer, PatchStrategy, setHeaderOptions, Watch } from '@kubernetes/client-node';
import type { KubernetesListObject } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { harmBed, small } from './harm.ts';
import type { KubeObject } from './kubectl.ts';
import { backup, backups, gone, path } from './objects.ts';
import { eventually } from './process.ts';

const cluster = findCluster();
const clients = suite('@kubernetes/client-node', cluster);
type Backups = KubernetesListObject<KubeObject>;

describe(clients.title, clients.options, () => {
  const ns = 'kylon-e2e-js';
  const quiet = 'kylon-e2e-js-quiet';
  const { kubectl, create } = harmBed(kubeconfigOf(cluster), [ns, quiet]);
  const config = new KubeConfig();
  const informers: { stop(): Promise<void> }[] = [];
  let api: CustomObjectsApi;
  let patient: ReturnType<typeof inform>;

  beforeAll(() => {
    config.loadFromFile(kubeconfigOf(cluster));
    api = config.makeApiClient(CustomObjectsApi);
    patient = inform(quiet);
  });
  afterAll(() => Promise.all(informers.map((informer) => informer.stop())));

  const place = { group: 'backup.kylon.io', version: 'v1alpha1', namespace: ns, plural: 'backups' };
  const listOf = async (namespace: string) => (await api.listNamespacedCustomObject({ ...place, namespace })) as Backups;

  /** An informer of a namespace, and all that it has told. */
  function inform(namespace: string, list = () => listOf(namespace)) {
    const informer = makeInformer<KubeObject>(config, path(namespace, 'backups'), list);
    const told: string[] = [];
    for (const event of ['add', 'update', 'delete'] as const) informer.on(event, ({ metadata }) => told.push(`${event} ${metadata.name}`));
    informer.on('connect', () => told.push('connect'));
    informer.on('error', (error: unknown) => told.push(`error ${String(error)}`));
    informers.push(informer);
    return { informer, told, begun: informer.start() };
  }

  it('A42 creates, gets, lists, patches, replaces and deletes', async () => {
    const named = { ...place, name: 'js' };
    expect(await api.createNamespacedCustomObject({ ...place, body: backup(ns, 'js', small, { stage: 'one' }) })).toMatchObject({
      kind: 'Backup',
      metadata: { name: 'js' },
    });
    expect(await api.getNamespacedCustomObject(named)).toMatchObject({ metadata: { labels: { stage: 'one' } } });
    const body = [{ op: 'replace', path: '/metadata/labels/stage', value: 'two' }];
    expect(await api.patchNamespacedCustomObject({ ...named, body })).toMatchObject({ metadata: { labels: { stage: 'two' } } });
    const merged = await api.patchNamespacedCustomObject(
      { ...named, body: { metadata: { labels: { stage: 'three' } } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    expect(merged).toMatchObject({ metadata: { labels: { stage: 'three' } } });
    const selected = (await api.listNamespacedCustomObject({ ...place, labelSelector: 'stage=three' })) as Backups;
    expect(selected.items.map(({ metadata }) => metadata.name)).toEqual(['js']);
    expect(await eventually(replaced)).toMatchObject({ spec: { ttl: '2h' } });
    await api.deleteNamespacedCustomObject(named);
    await gone(kubectl, backups, 'js', '-n', ns);
  });

  /** Kylon writes the status meanwhile: whoever replaces tries again with what is there now. */
  async function replaced(): Promise<unknown> {
    const now = (await api.getNamespacedCustomObject({ ...place, name: 'js' })) as KubeObject;
    return api.replaceNamespacedCustomObject({ ...place, name: 'js', body: { ...now, spec: { ...now.spec, ttl: '2h' } } });
  }

  it('A42 understands refusals', async () => {
    const refusal = (call: Promise<unknown>) =>
      call.then(
        () => undefined,
        (error: unknown) =>
          error instanceof ApiException ? [error.code, (JSON.parse(String(error.body)) as { reason: string }).reason] : error,
      );
    expect(await refusal(api.getNamespacedCustomObject({ ...place, name: 'nothing' }))).toEqual([404, 'NotFound']);
    expect(await refusal(api.createNamespacedCustomObject({ ...place, body: backup(ns, 'wrong', { ttl: 'soon' }) }))).toEqual([
      422,
      'Invalid',
    ]);
  });

  it('A42 watches from a list on until the server ends it', async () => {
    const { metadata } = await listOf(ns);
    const seen: string[] = [];
    const done = new Promise<unknown>((resolve) => {
      const query = { resourceVersion: metadata?.resourceVersion, timeoutSeconds: 5 };
      void new Watch(config).watch(path(ns, 'backups'), query, (type: string) => seen.push(type), resolve);
    });
    await create(backup(ns, 'watched', small));
    await kubectl.run(['delete', backups, 'watched', '-n', ns]);
    expect(await done).toBeNull();
    expect([seen[0], seen.at(-1)]).toEqual(['ADDED', 'DELETED']);
    expect(seen.slice(1, -1).every((type) => type === 'MODIFIED')).toBe(true);
  });

  it('A42 is told of a number that has expired, and an informer lists again', async () => {
    const told: unknown[] = [];
    await new Promise((resolve) => {
      const see = (type: string, object: { code: number }) => told.push([type, object.code]);
      void new Watch(config).watch(path(ns, 'backups'), { resourceVersion: never }, see, resolve);
    });
    expect(told).toEqual([['ERROR', 410]]);

    let lists = 0;
    const list = async () => {
      const found = await listOf(ns);
      lists += 1;
      return lists === 1 ? { ...found, metadata: { resourceVersion: never } } : found;
    };
    const { informer, told: heard } = inform(ns, list);
    await eventually(async () => lists === 2);
    await create(backup(ns, 'after', small));
    await eventually(async () => heard.includes('add after'));
    expect(informer.get('after', ns)?.metadata.name).toBe('after');
    expect(heard.filter((event) => event.startsWith('error'))).toEqual([]);
  });

  it('A42 an informer that aborts after 30 quiet seconds comes back and has missed nothing', async () => {
    const { informer, told, begun } = patient;
    await begun;
    await eventually(async () => told.filter((event) => event === 'connect').length === 2, 60_000);
    await create(backup(quiet, 'late', small));
    await eventually(async () => told.includes('add late'));
    await kubectl.run(['delete', backups, 'late', '-n', quiet]);
    await eventually(async () => told.includes('delete late'));
    expect(informer.list()).toEqual([]);
    expect(told.filter((event) => event.startsWith('error'))).toEqual([]);
  });
});

/** A number that was never given out is answered as one that is forgotten. */
const never = '999999999';
