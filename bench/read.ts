/** LIST and GET of Backups against those of a CustomResourceDefinition with the same schema and the same objects. */
import { createMetrics } from '../src/base/metrics.ts';
import { levelFolder } from '../src/catalog/local-index/level-kv.ts';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { openCatalog } from '../src/catalog/catalog.ts';
import { encode } from '../src/machinery/encode.ts';
import type { KubeObject } from '../src/machinery/object.ts';
import { openStore } from '../src/objectstore/open.ts';
import { finishedBackup, namespace } from './backups.ts';
import { structural } from './structural.ts';
import type { Schema } from './structural.ts';
import { alternate, figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { each, rate, timed } from './load.ts';
import type { Client } from './load.ts';
import type { Folder, Rig } from './rig.ts';

export const readNames = ['list', 'list-plain', 'list-direct', 'get', 'get-direct'] as const;

const group = 'crd.example.test';
const ours = `/apis/backup.kylon.io/v1alpha1/namespaces/${namespace}/backups`;
const theirs = `/apis/${group}/v1alpha1/namespaces/${namespace}/backups`;
const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/backups.${group}`;
const connections = 32;

/** Puts finished Backups into the catalog, as if they had been made over the last weeks. */
export async function seedBackups({ data, store: url }: Folder, cluster: Client, count: number): Promise<void> {
  const parts = { clock: systemClock, ids: randomIds, log: createLog('warn') };
  const { signal } = new AbortController();
  const { metadata } = await cluster.json<KubeObject>('GET', '/api/v1/namespaces/kube-system');
  const { store } = await openStore(url, { ...parts, env: process.env, metrics: createMetrics() }, signal);
  const domain = metadata.uid ?? '';
  const catalog = await openCatalog({ store, domain, index: levelFolder(`${data}/seed-index`), replica: 'bench', signal, ...parts });
  await each(
    256,
    Array.from({ length: count }, (_, n) => finishedBackup(n)),
    (backup) => {
      const key = { resource: 'backups.backup.kylon.io', namespace, name: backup.metadata.name };
      return catalog.write({ op: 'create', key, json: encode(backup) }, signal);
    },
  );
  await catalog.close();
  await store.close();
}

/** Each of the figures asked for; makes the CustomResourceDefinition and its objects, and removes them. */
export async function benchReads(rig: Rig, only: ReadonlySet<string>, quick: boolean): Promise<Figure[]> {
  try {
    const objects = await copyToCustomResource(rig.cluster);
    return await measure(rig, only, objects, quick);
  } finally {
    await rig.cluster.send('DELETE', definition);
    await rig.cluster.send('DELETE', `/api/v1/namespaces/${namespace}`);
  }
}

async function measure({ cluster, kylon }: Rig, only: ReadonlySet<string>, names: readonly string[], quick: boolean): Promise<Figure[]> {
  const [rounds, seconds] = quick ? [3, 1] : [5, 3];
  const against = 'CRD of the same schema';
  /** kubectl and client-go ask for gzip; whoever asks for nothing gets it all the same between kube-apiserver and Kylon. */
  const list = (client: Client, path: string, encoding: 'gzip' | 'identity') => async () =>
    names.length / (await timed(() => client.ask('GET', path, undefined, { 'accept-encoding': encoding })));
  const get = (client: Client, path: string) => () =>
    rate(seconds, connections, (n) => client.ask('GET', `${path}/${names[(n * 7919) % names.length]}`));
  const plans = [
    { name: 'list', unit: 'objects/s', one: list(cluster, ours, 'gzip'), other: list(cluster, theirs, 'gzip'), goal: 3 },
    { name: 'list-plain', unit: 'objects/s', one: list(cluster, ours, 'identity'), other: list(cluster, theirs, 'identity'), goal: 3 },
    { name: 'list-direct', unit: 'objects/s', one: list(kylon, ours, 'identity'), other: list(cluster, theirs, 'identity'), goal: 3 },
    { name: 'get', unit: 'requests/s', one: get(cluster, ours), other: get(cluster, theirs), goal: null },
    { name: 'get-direct', unit: 'requests/s', one: get(kylon, ours), other: get(cluster, theirs), goal: null },
  ].filter(({ name }) => only.has(name));
  const figures: Figure[] = [];
  for (const { name, unit, one, other, goal } of plans) {
    await Promise.all([one(), other()]); // both warm
    const [value, againstValue] = await alternate(rounds, one, other);
    figures.push(figure({ name, value, unit, against, againstValue, goal }));
  }
  return figures;
}

/** Answers the names. managedFields are taken away again: Kylon's Backups have none, and both lists are to be equally long. */
async function copyToCustomResource(cluster: Client): Promise<string[]> {
  const openapi = await cluster.json<{ components: { schemas: Record<string, Schema> } }>(
    'GET',
    '/openapi/v3/apis/backup.kylon.io/v1alpha1',
  );
  await cluster.send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await removeOld(cluster);
  await cluster.ask(
    'POST',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    customResourceDefinition(openapi.components.schemas),
  );
  await until(async () => (await cluster.send('GET', theirs)).status === 200);
  const { items } = await cluster.json<{ items: KubeObject[] }>('GET', ours);
  await each(connections, items, async ({ spec, status, metadata }) => {
    const { name, labels } = metadata;
    await cluster.ask('POST', theirs, { apiVersion: `${group}/v1alpha1`, kind: 'Backup', metadata: { name, labels }, spec, status });
    await cluster.ask(
      'PATCH',
      `${theirs}/${name}`,
      { metadata: { managedFields: [{}] } },
      { 'content-type': 'application/merge-patch+json' },
    );
  });
  return items.map(({ metadata }) => metadata.name);
}

async function removeOld(cluster: Client): Promise<void> {
  await cluster.send('DELETE', definition);
  await until(async () => (await cluster.send('GET', definition)).status === 404);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 120_000; !(await holds());) {
    if (Date.now() > end) throw new Error(`not within 120 s: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function customResourceDefinition(schemas: Record<string, Schema>): object {
  const schema = structural('io.kylon.backup.v1alpha1.Backup', schemas);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `backups.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'backups', singular: 'backup', kind: 'Backup' },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
}
