/** LIST and GET of Backups against those of a CustomResourceDefinition with the same schema and the same objects. */
import { gunzipSync } from 'node:zlib';
import { createMetrics } from '../src/base/metrics.ts';
import { indexHome } from '../src/catalog/local-index/index-home.ts';
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

export const readNames = [
  'list',
  'list-plain',
  'list-direct',
  'list-paged',
  'list-paged-plain',
  'list-selected',
  'list-selected-plain',
  'table',
  'table-plain',
  'table-paged',
  'table-paged-plain',
  'get',
  'get-direct',
  'memory-share',
] as const;

const group = 'crd.example.test';
export const ours = `/apis/backup.kylon.io/v1alpha1/namespaces/${namespace}/backups`;
export const theirs = `/apis/${group}/v1alpha1/namespaces/${namespace}/backups`;
const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/backups.${group}`;
export const connections = 32;

/** Puts finished Backups into the catalog, as if they had been made over the last weeks. */
export async function seedBackups({ data, store: url }: Folder, cluster: Client, count: number): Promise<void> {
  const parts = { clock: systemClock, ids: randomIds, log: createLog('warn') };
  const { signal } = new AbortController();
  const { metadata } = await cluster.json<KubeObject>('GET', '/api/v1/namespaces/kube-system');
  const { store } = await openStore(url, { ...parts, env: process.env, metrics: createMetrics() }, signal);
  const domain = metadata.uid ?? '';
  const catalog = await openCatalog({ store, domain, index: indexHome(`${data}/seed-index`), replica: 'bench', signal, ...parts });
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

/** Makes the CustomResourceDefinition, with the objects that Kylon has, for `work`, and removes them. */
export async function besideCustomResource<T>(rig: Rig, work: (names: readonly string[]) => Promise<T>): Promise<T> {
  try {
    return await work(await copyToCustomResource(rig.cluster));
  } finally {
    await rig.cluster.send('DELETE', definition);
    await rig.cluster.send('DELETE', `/api/v1/namespaces/${namespace}`);
  }
}

export async function benchReads(rig: Rig, only: ReadonlySet<string>, names: readonly string[], quick: boolean): Promise<Figure[]> {
  const { cluster, kylon } = rig;
  const [rounds, seconds] = quick ? [3, 1] : [5, 3];
  const against = 'CRD of the same schema';
  const fast = (count: number, work: Work, client: Client, path: string) => async () => count / (await timed(() => work(client, path)));
  const get = (client: Client, path: string) => () => gets(client, names, seconds)(path);
  const both = (work: Work, unit = 'objects/s', count = names.length) => ({
    unit,
    one: fast(count, work, cluster, ours),
    other: fast(count, work, cluster, theirs),
  });
  const plans = [
    { name: 'list', ...both(whole('gzip')), goal: 8 },
    { name: 'list-plain', ...both(whole('identity')), goal: 8 },
    { name: 'list-direct', ...both(whole('identity')), one: fast(names.length, whole('identity'), kylon, ours), goal: null },
    { name: 'list-paged', ...both(paged('gzip')), goal: 5 },
    { name: 'list-paged-plain', ...both(paged('identity')), goal: 5 },
    { name: 'list-selected', ...both(selected('gzip'), 'lists/s', selections), goal: 5 },
    { name: 'list-selected-plain', ...both(selected('identity'), 'lists/s', selections), goal: 5 },
    { name: 'table', ...both(whole('gzip', asTable)), goal: 6 },
    { name: 'table-plain', ...both(whole('identity', asTable)), goal: 6 },
    { name: 'table-paged', ...both(paged('gzip', asTable)), goal: 4 },
    { name: 'table-paged-plain', ...both(paged('identity', asTable)), goal: 4 },
    { name: 'get', unit: 'requests/s', one: get(cluster, ours), other: get(cluster, theirs), goal: 2 },
    { name: 'get-direct', unit: 'requests/s', one: get(kylon, ours), other: get(cluster, theirs), goal: null },
  ].filter(({ name }) => only.has(name));
  const figures: Figure[] = [];
  for (const { name, unit, one, other, goal } of plans) {
    await Promise.all([one(), other()]); // both warm
    const [value, againstValue] = await alternate(rounds, one, other);
    figures.push(figure({ name, value, unit, against, againstValue, goal }));
  }
  if (only.has('memory-share')) figures.push(await memoryShare(rig));
  return figures;
}

/** How many a second. */
export const gets = (client: Client, names: readonly string[], seconds: number) => (path: string) =>
  rate(seconds, connections, (n) => client.ask('GET', `${path}/${names[(n * 7919) % names.length]}`));

export type Work = (client: Client, path: string) => Promise<void>;

export const json = 'application/json';
/** As kubectl asks. */
export const asTable = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** kubectl and client-go ask for gzip; whoever asks for nothing gets it all the same between kube-apiserver and Kylon. */
export type Encoding = 'gzip' | 'identity';

const asking = (encoding: Encoding, accept: string) => ({ accept, 'accept-encoding': encoding });

function whole(encoding: Encoding, accept = json): Work {
  return async (client: Client, path: string) => void (await client.ask('GET', path, undefined, asking(encoding, accept)));
}

export function paged(encoding: Encoding, accept = json): Work {
  return (client: Client, path: string) => eachPage(client, path, encoding, accept, () => {});
}

/** `took` is told of every page, as it was sent, and of what was asked for behind the path. */
export async function eachPage(
  client: Client,
  path: string,
  encoding: Encoding,
  accept: string,
  took: (query: string, page: Buffer) => void,
): Promise<void> {
  let token = '';
  do {
    const query = `?limit=500&continue=${encodeURIComponent(token)}`;
    const page = await client.ask('GET', `${path}${query}`, undefined, asking(encoding, accept));
    took(query, page);
    token = continueOf(encoding === 'gzip' ? inflated(page) : page);
  } while (token !== '');
}

/** A native server packs no page of less than 128 KiB, whatever is asked for. */
const inflated = (page: Buffer) => (page[0] === 0x1f ? gunzipSync(page) : page);

/** Without parsing the page, which would be most of what is measured: the token stands at one of its ends. */
function continueOf(page: Buffer): string {
  const ends = page.subarray(0, 1000).toString() + page.subarray(-1000).toString();
  const [, token = ''] = /"continue":"([^"]+)"/.exec(ends) ?? [];
  return token;
}

const selections = 5;

/** Of each a twentieth of all. */
function selected(encoding: Encoding): Work {
  return async (client: Client, path: string) => {
    for (let app = 0; app < selections; app++)
      await client.ask('GET', `${path}?labelSelector=app%3Dapp-${app}`, undefined, asking(encoding, json));
  };
}

/** All of Kylon at its peak against all of kube-apiserver, which holds the same objects after the same reads. */
async function memoryShare({ cluster, memory }: Rig): Promise<Figure> {
  const metrics = (await cluster.ask('GET', '/metrics', undefined, { accept: '*/*' })).toString();
  const [, resident = 'NaN'] = /^process_resident_memory_bytes (\S+)$/m.exec(metrics) ?? [];
  const [value, againstValue] = [memory.peak / 2 ** 20, Number(resident) / 2 ** 20];
  return figure({
    name: 'memory-share',
    value,
    unit: 'MiB',
    against: 'kube-apiserver, without etcd',
    againstValue,
    goal: 0.25,
    better: 'lower',
  });
}

/** Answers the names. managedFields are taken away again: Kylon's Backups have none, and both lists are to be equally long. */
async function copyToCustomResource(cluster: Client): Promise<string[]> {
  const document = '/openapi/v3/apis/backup.kylon.io/v1alpha1';
  // kube-apiserver fetches it in its own time.
  await until(async () => (await cluster.send('GET', document)).status === 200);
  const openapi = await cluster.json<{ components: { schemas: Record<string, Schema> } }>('GET', document);
  await removeOld(cluster);
  await cluster.ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await cluster.ask(
    'POST',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    customResourceDefinition(openapi.components.schemas),
  );
  await until(async () => (await cluster.send('GET', theirs)).status === 200);
  const { items } = await cluster.json<{ items: KubeObject[] }>('GET', ours);
  await each(connections, items, async ({ spec, status, metadata }) => {
    const { name, labels } = metadata;
    await cluster.ask('POST', theirs, { apiVersion: `${group}/v1alpha1`, kind: 'Backup', metadata: { name, labels }, spec });
    const merge = { 'content-type': 'application/merge-patch+json' };
    await cluster.ask('PATCH', `${theirs}/${name}/status`, { status }, merge);
    await cluster.ask('PATCH', `${theirs}/${name}`, { metadata: { managedFields: [{}] } }, merge);
  });
  return items.map(({ metadata }) => metadata.name);
}

/** What an earlier run has left, or is about to leave. */
async function removeOld(cluster: Client): Promise<void> {
  for (const path of [definition, `/api/v1/namespaces/${namespace}`]) {
    await cluster.send('DELETE', path);
    await until(async () => (await cluster.send('GET', path)).status === 404);
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 120_000; !(await holds());) {
    if (Date.now() > end) throw new Error(`not within 120 s: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** As many as Kylon's Backups have. */
const columns = [
  { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
  { name: 'Items', type: 'integer', jsonPath: '.status.items' },
  { name: 'Size', type: 'integer', jsonPath: '.status.sizeBytes' },
  { name: 'Expires', type: 'string', jsonPath: '.status.expiration' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Started', type: 'date', jsonPath: '.status.startTimestamp', priority: 1 },
  { name: 'Completed', type: 'date', jsonPath: '.status.completionTimestamp', priority: 1 },
  { name: 'Errors', type: 'integer', jsonPath: '.status.errors', priority: 1 },
  { name: 'Warnings', type: 'integer', jsonPath: '.status.warnings', priority: 1 },
  { name: 'Created By', type: 'string', jsonPath: '.status.createdBy.username', priority: 1 },
];

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
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: { status: {} },
          additionalPrinterColumns: columns,
        },
      ],
    },
  };
}
