/** What it costs to read one item out of a backup of very many: requests to the store, and time beside them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { createMetrics } from '../src/base/metrics.ts';
import { openArchive } from '../src/engine/archive/reader.ts';
import { createArchiveWriter } from '../src/engine/archive/writer.ts';
import type { ObjectStore } from '../src/objectstore/objectstore.ts';
import { openStore } from '../src/objectstore/open.ts';
import { figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { timed } from './load.ts';

export const contentNames = ['item-requests', 'item-opened-requests', 'item-time'] as const;

const folder = 'd/bench/backups/million/run';
const signal = AbortSignal.any([]);
const samples = 50;

/** `quick` with a tenth of the objects. */
export async function benchContent(only: ReadonlySet<string>, quick: boolean): Promise<Figure[]> {
  if (!contentNames.some((name) => only.has(name))) return [];
  const count = quick ? 100_000 : 1_000_000;
  const place = await mkdtemp(join(tmpdir(), 'kylon-bench-'));
  const parts = { clock: systemClock, ids: randomIds, log: createLog('warn'), env: {}, metrics: createMetrics() };
  const { store } = await openStore(pathToFileURL(place).href, parts, signal);
  try {
    await fill(store, count);
    const found = await readSome(store, count);
    const target = (name: string, value: number, unit: string, goal: number) =>
      figure({ name, value, unit, against: 'the target', againstValue: goal, goal: 1, better: 'lower' });
    return [
      target('item-requests', found.first, 'of a backup not read lately', 3),
      target('item-opened-requests', found.later, 'of one that was', 3),
      target('item-time', found.milliseconds, 'ms beside the store, the first time', 50),
    ];
  } finally {
    await store.close();
    await rm(place, { recursive: true });
  }
}

const keyOf = (n: number) => ({ group: '', resource: 'configmaps', namespace: 'bench', name: `settings-${String(n).padStart(7, '0')}` });

async function fill(store: ObjectStore, count: number): Promise<void> {
  const archive = await createArchiveWriter(store, folder, randomIds, signal);
  for (let n = 0; n < count; n++) {
    const key = keyOf(n);
    const { name, namespace } = key;
    const manifest = Buffer.from(
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { n: String(n) } }),
    );
    await archive.add({ ...key, version: 'v1', kind: 'ConfigMap', uid: String(n), labels: { app: `app-${n % 20}` }, manifest: [manifest] });
  }
  await archive.finish('');
}

async function readSome(store: ObjectStore, count: number) {
  const counted = countedStore(store);
  const [first, later, milliseconds]: number[][] = [[], [], []];
  for (let sample = 0; sample < samples; sample++) {
    const item = () => keyOf(Math.floor(Math.random() * count));
    counted.reset();
    const seconds = await timed(async () => {
      const reader = await openArchive(counted.store, folder, signal);
      await reader.item(item(), signal);
      first?.push(counted.requests);
    });
    milliseconds?.push((seconds - counted.seconds) * 1000);
    const reader = await openArchive(counted.store, folder, signal);
    await reader.item(item(), signal);
    counted.reset();
    await reader.item(item(), signal);
    later?.push(counted.requests);
  }
  return { first: median(first ?? []), later: median(later ?? []), milliseconds: median(milliseconds ?? []) };
}

/** Reads are all that is asked of it here. */
function countedStore(store: ObjectStore) {
  const counted = {
    requests: 0,
    seconds: 0,
    reset: () => Object.assign(counted, { requests: 0, seconds: 0 }),
    store: Object.create(store, {
      read: {
        value: async (...args: Parameters<ObjectStore['read']>) => {
          counted.requests++;
          let bytes: Uint8Array = new Uint8Array();
          counted.seconds += await timed(async () => void (bytes = await store.read(...args)));
          return bytes;
        },
      },
    }) as ObjectStore,
  };
  return counted;
}
