/**
 * How far the figures beside a CustomResourceDefinition can go on this machine: the same load on the least server that can stand behind
 * kube-apiserver (least-server.ts). A goal above its ratio cannot be reached here, by whatever means.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../src/machinery/object.ts';
import { creates, patches } from './change.ts';
import { alternate, figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { besideChild } from './least-child.ts';
import { leastGroup, leastPath, readyIndex } from './least-names.ts';
import type { ReadyAnswer } from './least-names.ts';
import { each, timed } from './load.ts';
import type { Client } from './load.ts';
import { asTable, connections, eachPage, gets, json, ours, paged, theirs } from './read.ts';
import type { Encoding, Work } from './read.ts';
import type { Rig } from './rig.ts';
import { eventsPerSecond, latestOfFew } from './watch.ts';

export const leastNames = [
  'least-list-paged',
  'least-list-paged-plain',
  'least-table-paged',
  'least-table-paged-plain',
  'least-get',
  'least-create',
  'least-patch-status',
  'least-watch-events',
  'least-watch-late',
] as const;

const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';
const services = '/api/v1/namespaces/default/services';
const service = 'kylon-bench-least';

export async function benchLeast({ cluster }: Rig, only: ReadonlySet<string>, names: readonly string[], quick: boolean): Promise<Figure[]> {
  if (!leastNames.some((name) => only.has(name))) return [];
  const [rounds, seconds] = quick ? [3, 1] : [5, 3];
  const folder = mkdtempSync(join(tmpdir(), 'kylon-bench-ready-'));
  try {
    await keepLists(cluster, only, folder);
    return await besideLeast(cluster, folder, () => measure(cluster, only, names, rounds, seconds));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function keepLists(cluster: Client, only: ReadonlySet<string>, folder: string): Promise<void> {
  const lists = longLists.filter(({ name }) => only.has(name));
  const index = await Promise.all(lists.map((list) => keepAnswers(cluster, list, folder)));
  writeFileSync(join(folder, readyIndex), JSON.stringify(index.flat()));
}

async function measure(
  cluster: Client,
  only: ReadonlySet<string>,
  names: readonly string[],
  rounds: number,
  seconds: number,
): Promise<Figure[]> {
  const { items } = await cluster.json<{ items: KubeObject[] }>('GET', ours);
  await each(connections, items, (object) => cluster.ask('POST', leastPath, object));
  const objects = (work: Work) => async (path: string) => names.length / (await timed(() => work(cluster, path)));
  const plans = [
    ...longLists.map(({ name, encoding, accept }) => ({ name, unit: 'objects/s', one: objects(paged(encoding, accept)) })),
    { name: 'least-get', unit: 'requests/s', one: gets(cluster, names, seconds) },
    { name: 'least-create', unit: 'writes/s', one: creates(cluster, seconds) },
    { name: 'least-patch-status', unit: 'writes/s', one: patches(cluster, names, seconds) },
    { name: 'least-watch-events', unit: 'events/s', one: (path: string) => eventsPerSecond(cluster, path, names, seconds) },
    { name: 'least-watch-late', unit: 'ms, p99', one: (path: string) => latestOfFew(cluster, path, names), better: 'lower' as const },
  ].filter(({ name }) => only.has(name));
  const figures: Figure[] = [];
  for (const { name, unit, one, better = 'higher' } of plans) {
    const [value, againstValue] = await alternate(
      rounds,
      () => one(leastPath),
      () => one(theirs),
    );
    figures.push(figure({ name, value, unit, against: 'CRD of the same schema', againstValue, goal: null, better }));
  }
  return figures;
}

interface LongList {
  readonly name: (typeof leastNames)[number];
  readonly encoding: Encoding;
  readonly accept: string;
}

const longLists: readonly LongList[] = [
  { name: 'least-list-paged', encoding: 'gzip', accept: json },
  { name: 'least-list-paged-plain', encoding: 'identity', accept: json },
  { name: 'least-table-paged', encoding: 'gzip', accept: asTable },
  { name: 'least-table-paged-plain', encoding: 'identity', accept: asTable },
];

/** What Kylon answers, page by page: into files of the folder. */
async function keepAnswers(cluster: Client, { name, encoding, accept }: LongList, folder: string): Promise<ReadyAnswer[]> {
  const answers: ReadyAnswer[] = [];
  await eachPage(cluster, ours, encoding, accept, (query, page) => {
    const file = `${name}-${answers.length}`;
    writeFileSync(join(folder, file), page);
    answers.push({ query, accept, encoding, file });
  });
  return answers;
}

/** `folder`: of what it answers to long lists. */
async function besideLeast<T>(cluster: Client, folder: string, work: () => Promise<T>): Promise<T> {
  return besideChild(import.meta.resolve('./least-server.ts'), [folder], [`${service}.default.svc`], async ({ port, ca }) => {
    try {
      await register(cluster, port, ca);
      return await work();
    } finally {
      await cluster.send('DELETE', `${apiServices}/v1alpha1.${leastGroup}`);
      await cluster.send('DELETE', `${services}/${service}`);
    }
  });
}

async function register(cluster: Client, port: number, ca: string): Promise<void> {
  await cluster.send('POST', services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: service },
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
  });
  await cluster.ask('POST', apiServices, {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `v1alpha1.${leastGroup}` },
    spec: {
      group: leastGroup,
      version: 'v1alpha1',
      groupPriorityMinimum: 1000,
      versionPriority: 15,
      caBundle: Buffer.from(ca).toString('base64'),
      service: { namespace: 'default', name: service, port },
    },
  });
  for (let tries = 0; (await cluster.send('GET', leastPath)).status !== 200; tries++) {
    if (tries === 100) throw new Error(`kube-apiserver does not reach ${leastGroup}`);
    await sleep(200);
  }
}
