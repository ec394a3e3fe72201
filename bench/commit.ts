/** What a write costs: alone beside a raw put of as many bytes, in a crowd on a slow store, and in requests and dollars. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { createMetrics } from '../src/base/metrics.ts';
import type { Catalog } from '../src/catalog/catalog.ts';
import { openCatalog } from '../src/catalog/catalog.ts';
import { indexHome } from '../src/catalog/local-index/index-home.ts';
import { encode } from '../src/machinery/encode.ts';
import type { Change } from '../src/machinery/storage.ts';
import { memoryStore } from '../src/objectstore/memory.ts';
import type { ObjectStore } from '../src/objectstore/objectstore.ts';
import { openStore } from '../src/objectstore/open.ts';
import { finishedBackup } from './backups.ts';
import { figure } from './figures.ts';
import type { Figure } from './figures.ts';

export const commitNames = ['write', 'write-s3', 'crowd', 'crowd-p99', 'idle'] as const;

const signal = AbortSignal.any([]);
const parts = { clock: systemClock, ids: randomIds, log: createLog('warn') };
const domain = 'bench';
const resource = 'backups.backup.kylon.io';

/** S3 list prices in US dollars for a million requests, 2026: https://aws.amazon.com/s3/pricing/ */
const dollarsPerMillion = { put: 5, list: 5, get: 0.4 };
const secondsPerMonth = (365.25 * 24 * 3600) / 12;
/** Milliseconds that a put takes where the issue says so. */
const slowPut = 60;

export async function benchCommits(only: ReadonlySet<string>, quick: boolean): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kylon-bench-'));
  const url = pathToFileURL(join(folder, 'store')).href;
  const figures: Figure[] = [];
  try {
    if (only.has('write')) figures.push(await benchAlone('write', url, folder, quick));
    if (only.has('write-s3')) figures.push(...(await benchOnS3(folder, quick)));
    if (only.has('crowd') || only.has('crowd-p99')) figures.push(...(await benchCrowd(folder, quick)));
    if (only.has('idle')) await printCost(folder, quick);
    return figures;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** On the store of KYLON_BENCH_S3, a URL as of --store; left out where that is not set. */
async function benchOnS3(folder: string, quick: boolean): Promise<Figure[]> {
  const { KYLON_BENCH_S3: url } = process.env;
  if (url === undefined) {
    console.log('write-s3 is left out: KYLON_BENCH_S3 names no store');
    return [];
  }
  return [await benchAlone('write-s3', url, folder, quick)];
}

/** Writes and raw puts of the same bytes in turns, one at a time; the medians of all. */
async function benchAlone(name: string, url: string, folder: string, quick: boolean): Promise<Figure> {
  const { store } = await openStore(url, { ...parts, env: process.env, metrics: createMetrics() }, signal);
  const run = randomIds.hex(4);
  const catalog = await open(store, join(folder, `index-${name}`), `bench-${run}`);
  const ours: number[] = [];
  const raw: number[] = [];
  for (let n = 0; n < (quick ? 200 : 2000); n++) {
    const change = creationOf(n);
    await timedInto(ours, () => catalog.write(change, signal));
    const bytes = await store.read(`d/bench-${run}/log/${String(n + 1).padStart(20, '0')}.seg`, signal);
    await timedInto(raw, () => store.putIfAbsent(`bench-raw/${run}/${n}`, bytes, signal));
  }
  await catalog.close();
  await store.close();
  const [value, againstValue] = [percentile(ours, 50), percentile(raw, 50)];
  return figure({ name, value, unit: 'ms p50', against: 'raw put-if-absent', againstValue, goal: 1.3, better: 'lower' });
}

/** 64 writers, each with one write at a time. */
async function benchCrowd(folder: string, quick: boolean): Promise<Figure[]> {
  const catalog = await open(slow(memoryStore()), join(folder, 'index-crowd'), domain);
  const until = performance.now() + (quick ? 3000 : 15_000);
  const started = performance.now();
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (performance.now() < until) await timedInto(times, () => create(catalog, next++));
    }),
  );
  const rate = times.length / ((performance.now() - started) / 1000);
  await catalog.close();
  return [
    figure({ name: 'crowd', value: rate, unit: 'writes/s', against: 'one put at a time', againstValue: 1000 / slowPut, goal: 30 }),
    figure({
      name: 'crowd-p99',
      value: percentile(times, 99),
      unit: 'ms',
      against: 'one put',
      againstValue: slowPut,
      goal: 4,
      better: 'lower',
    }),
  ];
}

/** Requests that a replica makes, and what they cost on S3 in a month. */
async function printCost(folder: string, quick: boolean): Promise<void> {
  const seconds = quick ? 20 : 240;
  for (const perSecond of [0, 1, 10]) {
    const counted = counting(memoryStore());
    const catalog = await open(counted.store, join(folder, `index-cost-${perSecond}`), domain);
    // The first minute after its start a replica looks more often.
    if (perSecond === 0 && !quick) await sleep(180_000);
    const before = { ...counted.requests };
    await writeAt(catalog, perSecond, perSecond === 0 ? seconds : Math.min(seconds, 30));
    const span = perSecond === 0 ? seconds : Math.min(seconds, 30);
    await catalog.close();
    const perMonth = (kind: keyof typeof before) => ((counted.requests[kind] - before[kind]) / span) * secondsPerMonth;
    const kinds = ['put', 'list', 'get'] as const;
    const dollars = kinds.reduce((sum, kind) => sum + (perMonth(kind) / 1e6) * dollarsPerMillion[kind], 0);
    const perMinute = kinds.map((kind) => `${(((counted.requests[kind] - before[kind]) * 60) / span).toFixed(1)} ${kind}`).join(', ');
    console.log(`${perSecond === 0 ? 'idle' : `${perSecond} commits/s`}: ${perMinute} a minute, $${dollars.toFixed(2)} a month on S3`);
  }
}

async function writeAt(catalog: Catalog, perSecond: number, seconds: number): Promise<void> {
  if (perSecond === 0) return sleep(seconds * 1000);
  const started = performance.now();
  for (let n = 0; n < perSecond * seconds; n++) {
    await sleep(Math.max(0, started + (n * 1000) / perSecond - performance.now()));
    await create(catalog, n);
  }
}

function open(store: ObjectStore, index: string, name: string): Promise<Catalog> {
  return openCatalog({ ...parts, store, domain: name, index: indexHome(index), replica: 'bench' });
}

function create(catalog: Catalog, n: number): Promise<number> {
  return catalog.write(creationOf(n), signal);
}

function creationOf(n: number): Change {
  const backup = finishedBackup(n);
  const key = { resource, namespace: backup.metadata.namespace ?? '', name: backup.metadata.name };
  return { op: 'create', key, json: encode(backup) };
}

function slow(store: ObjectStore): ObjectStore {
  return over(store, {
    putIfAbsent: async (key, body, until) => {
      await sleep(slowPut);
      return store.putIfAbsent(key, body, until);
    },
    read: async (key, until, range) => {
      await sleep(slowPut / 2);
      return store.read(key, until, range);
    },
  });
}

function counting(store: ObjectStore) {
  const requests = { put: 0, list: 0, get: 0 };
  const counted = over(store, {
    putIfAbsent: (...given) => (requests.put++, store.putIfAbsent(...given)),
    upload: (...given) => (requests.put++, store.upload(...given)),
    list: (...given) => (requests.list++, store.list(...given)),
    read: (...given) => (requests.get++, store.read(...given)),
    stream: (...given) => (requests.get++, store.stream(...given)),
    size: (...given) => (requests.get++, store.size(...given)),
  });
  return { store: counted, requests };
}

/** `store`, but for what `methods` do otherwise. */
function over(store: ObjectStore, methods: Partial<ObjectStore>): ObjectStore {
  return new Proxy(store, {
    get: (target, name: keyof ObjectStore) => {
      const method = methods[name] ?? target[name];
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
}

async function timedInto(times: number[], work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  times.push(performance.now() - started);
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
