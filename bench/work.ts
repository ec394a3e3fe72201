/**
 * The speed of a backup against the raw paged LIST of the same objects, of its restore against raw creates, of a comparison with
 * the cluster against the LIST that it takes, and of many small namespaces against one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { alternate, figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { each, timed } from './load.ts';
import type { Client } from './load.ts';
import type { Rig } from './rig.ts';

export const workNames = ['backup', 'backup-namespaces', 'restore', 'restore-existing', 'diff'] as const;

const home = 'kylon-bench-work';
const api = `/apis/backup.kylon.io/v1alpha1/namespaces/${home}`;
const sources = Array.from({ length: 8 }, (_, n) => `kylon-bench-source-${n}`);
/** What is restored, and compared: a part of the sources, for the sake of time. */
const restored = sources.slice(0, 3);
const many = Array.from({ length: 300 }, (_, n) => `kylon-bench-many-${n}`);
const one = ['kylon-bench-one'];

export interface Size {
  readonly objects: number;
  readonly rounds: number;
}

export async function benchWork({ cluster }: Rig, only: ReadonlySet<string>, size: Size): Promise<Figure[]> {
  const made: string[] = [];
  const namespaces = async (...names: string[]) => {
    made.push(...names);
    await each(8, names, (name) => cluster.ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  };
  try {
    await removeAll(
      cluster,
      (await allNamespaces(cluster)).filter((name) => name.startsWith('kylon-bench-')),
    );
    await namespaces(home, ...sources);
    await each(32, objectsIn(sources, size.objects), (object) => createOne(cluster, object));
    const figures: Figure[] = [];
    if (only.has('backup')) figures.push(await benchBackup(cluster, size));
    if (only.has('backup-namespaces')) figures.push(await benchNamespaces(cluster, size, namespaces));
    if (['restore', 'restore-existing', 'diff'].some((name) => only.has(name))) await backUp(cluster, 'to-restore', restored);
    if (only.has('diff')) figures.push(await benchDiff(cluster, size));
    if (only.has('restore') || only.has('restore-existing')) figures.push(...(await benchRestore(cluster, size, namespaces)));
    return figures;
  } finally {
    const { items } = await cluster.json<{ items: { metadata: { name: string } }[] }>('GET', `${api}/backups`);
    await each(8, items, ({ metadata }) => cluster.send('DELETE', `${api}/backups/${metadata.name}`));
    await removeAll(cluster, made);
  }
}

async function benchBackup(cluster: Client, { objects, rounds }: Size): Promise<Figure> {
  let count = 0;
  const [value, againstValue] = await alternate(
    rounds,
    async () => objects / (await timed(() => backUp(cluster, `round-${count++}`, sources))),
    async () => objects / (await timed(() => listAll(cluster, sources))),
  );
  return figure({ name: 'backup', value, unit: 'objects/s', against: 'paged LIST', againstValue, goal: 0.8 });
}

/** A hundred objects each, and as many in one namespace. */
async function benchNamespaces(cluster: Client, { objects, rounds }: Size, namespaces: Make): Promise<Figure> {
  const some = many.slice(0, Math.min(many.length, objects / 100));
  const count = some.length * 100;
  await namespaces(...some, ...one);
  for (const places of [some, one]) await each(32, objectsIn(places, count), (object) => createOne(cluster, object));
  let backups = 0;
  const rate = (places: readonly string[]) => async () => count / (await timed(() => backUp(cluster, `places-${backups++}`, places)));
  const [value, againstValue] = await alternate(rounds, rate(some), rate(one));
  return figure({ name: 'backup-namespaces', value, unit: 'objects/s', against: 'one namespace', againstValue, goal: 0.8 });
}

async function benchDiff(cluster: Client, { rounds }: Size): Promise<Figure> {
  const [value, againstValue] = await alternate(
    rounds,
    () => timed(() => compareAll(cluster, 'to-restore')),
    () => timed(() => listAll(cluster, restored)),
  );
  return figure({ name: 'diff', value, unit: 's', against: 'paged LIST', againstValue, goal: 1.5, better: 'lower' });
}

type Make = (...names: string[]) => Promise<void>;

async function benchRestore(cluster: Client, { objects, rounds }: Size, namespaces: Make): Promise<Figure[]> {
  const total = objectsIn(sources, objects).filter(({ metadata }) => restored.includes(metadata.namespace)).length;
  const fresh = async (name: string) => {
    const names = restored.map((_, n) => `kylon-bench-${name}-${n}`);
    await namespaces(...names);
    return names;
  };
  const create = async (name: string, objects: number, width: number) => {
    const work = objectsIn(await fresh(name), objects);
    return objects / (await each(width, work, (object) => createOne(cluster, object)));
  };
  const width = await bestWidth((width, n) => create(`probe-${width}-${n}`, Math.ceil(total / 10), width));
  const again: number[] = [];
  let [made, raw] = [0, 0];
  const [value, againstValue] = await alternate(
    rounds,
    async () => {
      const names = await fresh(`restored-${made}`);
      const namespaceMapping = Object.fromEntries(restored.map((source, n) => [source, names[n] ?? '']));
      const round = made++;
      const seconds = await timed(() => restore(cluster, `round-${round}`, namespaceMapping));
      again.push(total / (await timed(() => restore(cluster, `again-${round}`, namespaceMapping))));
      return total / seconds;
    },
    () => create(`raw-${raw++}`, total, width),
  );
  const common = { unit: 'objects/s', against: `creates, ${width} at a time`, againstValue };
  return [
    figure({ name: 'restore', value, ...common, goal: 0.7 }),
    figure({ name: 'restore-existing', value: median(again), ...common, goal: 1.4 }),
  ];
}

/** How many creates at a time are fastest here. */
async function bestWidth(create: (width: number, n: number) => Promise<number>): Promise<number> {
  const tried: { width: number; rate: number }[] = [];
  for (const width of [16, 32, 64]) {
    const rates = [await create(width, 0), await create(width, 1)];
    tried.push({ width, rate: median(rates) });
  }
  return tried.toSorted((a, b) => b.rate - a.rate)[0]?.width ?? 32;
}

async function backUp(cluster: Client, name: string, includedNamespaces: readonly string[]): Promise<void> {
  const spec = { includedNamespaces, includedResources: ['configmaps'], includeClusterResources: false };
  await cluster.ask('POST', `${api}/backups`, { apiVersion: 'backup.kylon.io/v1alpha1', kind: 'Backup', metadata: { name }, spec });
  await completed(cluster, `${api}/backups/${name}`);
}

async function restore(cluster: Client, name: string, namespaceMapping: Record<string, string>): Promise<void> {
  const spec = { backupName: 'to-restore', namespaceMapping };
  await cluster.ask('POST', `${api}/restores`, { apiVersion: 'backup.kylon.io/v1alpha1', kind: 'Restore', metadata: { name }, spec });
  await completed(cluster, `${api}/restores/${name}`);
}

async function completed(cluster: Client, path: string): Promise<void> {
  for (;;) {
    const { status } = await cluster.json<{ status?: { phase?: string } }>('GET', path);
    if (status?.phase === 'Completed') return;
    if (status?.phase === 'Failed' || status?.phase === 'PartiallyFailed') throw new Error(`${path}: ${JSON.stringify(status)}`);
    await sleep(50);
  }
}

/** All pages of what has changed since a backup, which is nothing. */
async function compareAll(cluster: Client, name: string): Promise<void> {
  let token = '';
  do {
    const path = `${api}/backups/${name}/diff?limit=500&continue=${encodeURIComponent(token)}`;
    const { metadata, items } = await cluster.json<{ metadata: { continue?: string }; items: readonly unknown[] }>('GET', path);
    if (items.length > 0) throw new Error(`${path}: ${JSON.stringify(items[0])}`);
    token = metadata.continue ?? '';
  } while (token);
}

async function listAll(cluster: Client, namespaces: readonly string[]): Promise<void> {
  for (const namespace of namespaces) {
    let token = '';
    do {
      const { metadata } = await cluster.json<{ metadata: { continue?: string } }>(
        'GET',
        `/api/v1/namespaces/${namespace}/configmaps?limit=500&continue=${encodeURIComponent(token)}`,
      );
      token = metadata.continue ?? '';
    } while (token);
  }
}

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly [field: string]: unknown;
}

/** 1 KB each, that does not compress to nothing. */
function objectsIn(namespaces: readonly string[], count: number): ConfigMap[] {
  return Array.from({ length: count }, (_, n) => {
    const metadata = { name: `settings-${n}`, namespace: namespaces[n % namespaces.length] ?? '', labels: { app: 'bench' } };
    const value = Array.from({ length: 64 }, (_, word) => Math.imul(n * 64 + word + 1, 2654435761) >>> 0);
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: {
        value: value
          .map((one) => one.toString(36))
          .join(' ')
          .padEnd(1024, '.')
          .slice(0, 1024),
      },
    };
  });
}

const createOne = (cluster: Client, object: ConfigMap) =>
  cluster.ask('POST', `/api/v1/namespaces/${object.metadata.namespace}/configmaps`, object);

async function allNamespaces(cluster: Client): Promise<string[]> {
  const { items } = await cluster.json<{ items: { metadata: { name: string } }[] }>('GET', '/api/v1/namespaces');
  return items.map(({ metadata }) => metadata.name);
}

/** Waits until they are gone: what is still being deleted would slow what is measured next. */
async function removeAll(cluster: Client, names: readonly string[]): Promise<void> {
  await each(16, names, (name) => cluster.send('DELETE', `/api/v1/namespaces/${name}/configmaps`));
  await each(16, names, (name) => cluster.send('DELETE', `/api/v1/namespaces/${name}`));
  const left = new Set(names);
  for (const end = Date.now() + 600_000; left.size > 0 && Date.now() < end; await sleep(500)) {
    const now = new Set(await allNamespaces(cluster));
    for (const name of left) if (!now.has(name)) left.delete(name);
  }
}
