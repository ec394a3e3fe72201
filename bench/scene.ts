/** Namespaces full of objects, and the Backups and Restores of them: what all benchmarks of work do with a cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeObject } from '../src/machinery/object.ts';
import { each } from './load.ts';
import type { Client } from './load.ts';

/** Where the Backups and Restores lie. */
const home = 'kylon-bench-work';
export const api = `/apis/backup.kylon.io/v1alpha1/namespaces/${home}`;
/** What all namespaces of a benchmark begin with: by that, those that an earlier run left are found. */
const prefix = 'kylon-bench-';

export type MakeNamespaces = (names: readonly string[]) => Promise<void>;

/** Runs `work` in a cluster without leftovers; what it makes in the namespaces that it asks for is removed after it. */
export async function inNamespaces<T>(cluster: Client, work: (make: MakeNamespaces) => Promise<T>): Promise<T> {
  const made: string[] = [];
  const make = async (names: readonly string[]) => {
    made.push(...names);
    await each(8, names, (name) => cluster.ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  };
  const left = (await allNamespaces(cluster)).filter((name) => name.startsWith(prefix));
  await removeAll(cluster, left);
  try {
    await make([home]);
    return await work(make);
  } finally {
    const { items } = await cluster.json<{ items: { metadata: { name: string } }[] }>('GET', `${api}/backups`);
    await each(8, items, ({ metadata }) => cluster.send('DELETE', `${api}/backups/${metadata.name}`));
    await removeAll(cluster, made);
  }
}

/** `name`, numbered. */
export const namesOf = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}${name}-${n}`);

/** Resolves to the status, once it is Completed. */
export function backUp(
  cluster: Client,
  name: string,
  includedNamespaces: readonly string[],
  includedResources: readonly string[] = ['configmaps'],
): Promise<Status> {
  return run(cluster, 'Backup', name, { includedNamespaces, includedResources, includeClusterResources: false });
}

export async function restore(
  cluster: Client,
  name: string,
  backupName: string,
  namespaceMapping: Readonly<Record<string, string>> = {},
): Promise<void> {
  await run(cluster, 'Restore', name, { backupName, namespaceMapping });
}

interface Status {
  readonly phase?: string;
  readonly items?: number;
  readonly archive?: { readonly key: string; readonly bytes: number };
}

/** Makes an object and watches it, as `kubectl wait` does: to ask for it again and again would be work for the server that is measured. Resolves to the status, once it is Completed. */
async function run(cluster: Client, kind: 'Backup' | 'Restore', name: string, spec: object): Promise<Status> {
  const all = `${api}/${kind.toLowerCase()}s`;
  const { metadata } = await cluster.json<KubeObject>('POST', all, {
    apiVersion: 'backup.kylon.io/v1alpha1',
    kind,
    metadata: { name },
    spec,
  });
  const watch = `watch=true&fieldSelector=metadata.name%3D${name}&resourceVersion=${metadata.resourceVersion}`;
  for await (const line of cluster.lines(`${all}?${watch}`)) {
    const { status } = (JSON.parse(line) as { readonly object: { readonly status?: Status } }).object;
    if (status?.phase === 'Completed') return status;
    if (status?.phase === 'Failed' || status?.phase === 'PartiallyFailed') throw new Error(`${kind} ${name}: ${JSON.stringify(status)}`);
  }
  throw new Error(`the watch of ${kind} ${name} ended before it was done`);
}

/** Every page of these lists, by one stream. */
export async function listAll(cluster: Client, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    let token = '';
    do {
      const { metadata } = await cluster.json<{ metadata: { continue?: string } }>(
        'GET',
        `${path}?limit=500&continue=${encodeURIComponent(token)}`,
      );
      token = metadata.continue ?? '';
    } while (token);
  }
}

export const configMapsOf = (namespaces: readonly string[]) => namespaces.map((namespace) => `/api/v1/namespaces/${namespace}/configmaps`);

export interface ConfigMap {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels?: Readonly<Record<string, string>> };
  readonly [field: string]: unknown;
}

/** `count` ConfigMaps, in turns in each namespace: 1 KB each, that does not compress to nothing. */
export function configMaps(namespaces: readonly string[], count: number): ConfigMap[] {
  return Array.from({ length: count }, (_, n) => configMap(`settings-${n}`, namespaces[n % namespaces.length] ?? '', n));
}

export function configMap(name: string, namespace: string, seed: number): ConfigMap {
  const value = Array.from({ length: 64 }, (_, word) => Math.imul(seed * 64 + word + 1, 2654435761) >>> 0);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, labels: { app: 'bench' } },
    data: {
      value: value
        .map((one) => one.toString(36))
        .join(' ')
        .padEnd(1024, '.')
        .slice(0, 1024),
    },
  };
}

export const createOne = (cluster: Client, object: ConfigMap) =>
  cluster.ask('POST', `/api/v1/namespaces/${object.metadata.namespace}/configmaps`, object);

async function allNamespaces(cluster: Client): Promise<string[]> {
  const { items } = await cluster.json<{ items: { metadata: { name: string } }[] }>('GET', '/api/v1/namespaces');
  return items.map(({ metadata }) => metadata.name);
}

/** Waits until they are gone: what is still being deleted would slow what is measured next. */
async function removeAll(cluster: Client, names: readonly string[]): Promise<void> {
  // A large one takes longer than kube-apiserver answers; the namespace takes the rest with it.
  await each(16, names, (name) => cluster.send('DELETE', `/api/v1/namespaces/${name}/configmaps`).catch(() => {}));
  await each(16, names, (name) => cluster.send('DELETE', `/api/v1/namespaces/${name}`));
  const left = new Set(names);
  for (const end = Date.now() + 600_000; left.size > 0 && Date.now() < end; await sleep(500)) {
    const now = new Set(await allNamespaces(cluster));
    for (const name of left) if (!now.has(name)) left.delete(name);
  }
}
