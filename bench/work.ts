/**
 * The speed of a backup against the raw paged LIST of the same objects, of its restore against raw creates, of a comparison with
 * the cluster against the LIST that it takes, and of many small namespaces against one.
 */
import { alternate, figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { each, timed } from './load.ts';
import type { Client } from './load.ts';
import type { Rig } from './rig.ts';
import { api, backUp, configMaps, configMapsOf, createOne, inNamespaces, listAll, namesOf, restore } from './scene.ts';
import type { MakeNamespaces } from './scene.ts';

export const workNames = ['backup', 'backup-namespaces', 'restore', 'restore-existing', 'diff'] as const;

const sources = namesOf('source', 8);
/** What is restored, and compared: a part of the sources, for the sake of time. */
const restored = sources.slice(0, 3);
const many = namesOf('many', 300);
const one = namesOf('one', 1);

export interface Size {
  readonly objects: number;
  readonly rounds: number;
}

export async function benchWork({ cluster }: Rig, only: ReadonlySet<string>, size: Size): Promise<Figure[]> {
  if (!workNames.some((name) => only.has(name))) return [];
  return inNamespaces(cluster, async (make) => {
    await make(sources);
    await each(32, configMaps(sources, size.objects), (object) => createOne(cluster, object));
    const figures: Figure[] = [];
    if (only.has('backup')) figures.push(await benchBackup(cluster, size));
    if (only.has('backup-namespaces')) figures.push(await benchNamespaces(cluster, size, make));
    if (['restore', 'restore-existing', 'diff'].some((name) => only.has(name))) await backUp(cluster, 'to-restore', restored);
    if (only.has('diff')) figures.push(await benchDiff(cluster, size));
    if (only.has('restore') || only.has('restore-existing')) figures.push(...(await benchRestore(cluster, size, make)));
    return figures;
  });
}

async function benchBackup(cluster: Client, { objects, rounds }: Size): Promise<Figure> {
  let count = 0;
  const [value, againstValue] = await alternate(
    rounds,
    async () => objects / (await timed(() => backUp(cluster, `round-${count++}`, sources))),
    async () => objects / (await timed(() => listAll(cluster, configMapsOf(sources)))),
  );
  return figure({ name: 'backup', value, unit: 'objects/s', against: 'paged LIST', againstValue, goal: 0.8 });
}

/** A hundred objects each, and as many in one namespace. */
async function benchNamespaces(cluster: Client, { objects, rounds }: Size, make: MakeNamespaces): Promise<Figure> {
  const some = many.slice(0, Math.min(many.length, objects / 100));
  const count = some.length * 100;
  await make([...some, ...one]);
  for (const places of [some, one]) await each(32, configMaps(places, count), (object) => createOne(cluster, object));
  let backups = 0;
  const rate = (places: readonly string[]) => async () => count / (await timed(() => backUp(cluster, `places-${backups++}`, places)));
  const [value, againstValue] = await alternate(rounds, rate(some), rate(one));
  return figure({ name: 'backup-namespaces', value, unit: 'objects/s', against: 'one namespace', againstValue, goal: 0.8 });
}

async function benchDiff(cluster: Client, { rounds }: Size): Promise<Figure> {
  const [value, againstValue] = await alternate(
    rounds,
    () => timed(() => compareAll(cluster, 'to-restore')),
    () => timed(() => listAll(cluster, configMapsOf(restored))),
  );
  return figure({ name: 'diff', value, unit: 's', against: 'paged LIST', againstValue, goal: 1.5, better: 'lower' });
}

async function benchRestore(cluster: Client, { objects, rounds }: Size, make: MakeNamespaces): Promise<Figure[]> {
  const total = configMaps(sources, objects).filter(({ metadata }) => restored.includes(metadata.namespace)).length;
  const fresh = async (name: string) => {
    const names = namesOf(name, restored.length);
    await make(names);
    return names;
  };
  const create = async (name: string, objects: number, width: number) => {
    const work = configMaps(await fresh(name), objects);
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
      const seconds = await timed(() => restore(cluster, `round-${round}`, 'to-restore', namespaceMapping));
      again.push(total / (await timed(() => restore(cluster, `again-${round}`, 'to-restore', namespaceMapping))));
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
