/** One measurement of a large catalog, in a process of its own: `million-child.ts WHAT FOLDER INDEX COUNT`. Prints JSON. */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import type { Metrics } from '../src/base/metrics.ts';
import { createMetrics } from '../src/base/metrics.ts';
import type { Catalog, CatalogOptions } from '../src/catalog/catalog.ts';
import { openCatalog } from '../src/catalog/catalog.ts';
import { indexHome } from '../src/catalog/local-index/index-home.ts';
import { checkpointPrefix } from '../src/catalog/paths.ts';
import type { ListQuery } from '../src/machinery/storage.ts';
import { openStore } from '../src/objectstore/open.ts';
import { domain, keyOf, namespaces, resource } from './million-store.ts';

const [what = '', folder = '', index = '', countText = '0'] = process.argv.slice(2);
const count = Number(countText);
const signal = AbortSignal.any([]);
const parts = { clock: systemClock, ids: randomIds, log: createLog('warn') };
/** Milliseconds for which the object store was waited for. */
let waited = 0;
const metrics: Metrics = { ...createMetrics(), histogram: () => (_, seconds) => void (waited += seconds * 1000) };

/** Seconds from the start of the process until all modules were loaded. */
const loaded = performance.now() / 1000;
const measurements: Readonly<Record<string, () => Promise<object>>> = { start, checkpoint, read };
const found = await measurements[what]?.();
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ...found, processor: (user + system) / 1e6 }));

async function open(options: Partial<CatalogOptions> = {}) {
  const { store } = await openStore(pathToFileURL(join(folder, 'store')).href, { ...parts, env: {}, metrics }, signal);
  const catalog = await openCatalog({ store, domain, index: indexHome(join(folder, index)), replica: 'bench', ...parts, ...options });
  return { store, catalog, close: () => catalog.close().then(() => store.close()) };
}

/** From the start of the process to the first answer. */
async function start(): Promise<object> {
  const { catalog, close } = await open();
  const answer = await catalog.get(keyOf(count - 1), signal);
  const seconds = performance.now() / 1000;
  if (answer === undefined) throw new Error('an object is missing');
  await close();
  return { seconds, loaded };
}

/** Follows the log from its beginning, and makes a checkpoint of it. */
async function checkpoint(): Promise<object> {
  const never = { segments: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, interval: 3600_000 };
  const replayed = await timed(async () => (await open({ checkpoints: never })).close());
  const { store, close } = await open({ checkpoints: { segments: 1, bytes: 1, interval: 1 } });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let bytes = 0;
  const made = await timed(async () => {
    while (bytes === 0) {
      await systemClock.sleep(20, signal);
      for await (const { size } of store.list(checkpointPrefix(domain), signal)) bytes = size;
    }
  });
  await close();
  return { replayed, made, bytes, delay: delay.percentile(99) / 1e6 };
}

async function read(): Promise<object> {
  const { catalog, close } = await open();
  const any = () => keyOf(Math.floor(Math.random() * count));
  // All that the process does only once has been done.
  for (let i = 0; i < 2000; i++) catalog.peek(any());
  const restless = await series(3000, async () => void (await catalog.get(any(), signal)));
  await systemClock.sleep(Math.max(500, count / 60), signal);
  const peek = await series(20_000, async () => void catalog.peek(any()));
  const own: number[] = [];
  const get = await series(5000, async () => {
    const before = { now: performance.now(), waited };
    await catalog.get(any(), signal);
    own.push(performance.now() - before.now - (waited - before.waited));
  });
  own.sort((a, b) => a - b);
  const pageOne = () => page(catalog, { resource, at: 'latest', limit: 500 });
  const [cold = NaN] = await series(1, pageOne);
  // Whoever lists for the first time has the beginning loaded into memory.
  await systemClock.sleep(2000, signal);
  const first = await series(1000, pageOne);
  const later = await series(100, () => page(catalog, { resource, at: 'latest', limit: 500, after: any() }));
  const namespace = await series(20, () => page(catalog, { resource, at: 'latest', namespace: any().namespace }));
  await close();
  return {
    getOwn: at(own, 0.99),
    getOwnMiddle: at(own, 0.5),
    get: at(get, 0.99),
    restless: at(restless, 0.99),
    peek: at(peek, 0.5),
    peekLate: at(peek, 0.99),
    getMiddle: at(get, 0.5),
    cold,
    first: at(first, 0.99),
    firstMiddle: at(first, 0.5),
    later: at(later, 0.5),
    namespace: at(namespace, 0.95),
    namespaceSize: count / namespaces,
  };
}

async function page(catalog: Catalog, query: ListQuery): Promise<void> {
  const found = await catalog.list(query, signal);
  let items = 0;
  for await (const piece of found.items) items += piece.length;
  await found.remaining();
  if (items !== (query.limit ?? count / namespaces) && query.after === undefined) throw new Error(`a page of ${items}`);
}

/** Milliseconds of each, in order of length. */
async function series(rounds: number, work: () => Promise<void>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push((await timed(work)) * 1000);
  return times.toSorted((a, b) => a - b);
}

function at(times: readonly number[], part: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? NaN;
}

/** Seconds. */
async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
