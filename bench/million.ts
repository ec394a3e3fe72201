/** A million Backups: how soon they can be read, how fast, and in how much memory; and that it hardly matters how many they are. */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../src/base/clock.ts';
import { randomIds } from '../src/base/ids.ts';
import { createLog } from '../src/base/log.ts';
import { createMetrics } from '../src/base/metrics.ts';
import { openStore } from '../src/objectstore/open.ts';
import { figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { fillStore } from './million-store.ts';
import { inOwnProcess } from './own-process.ts';
import type { Found } from './own-process.ts';

const parts = { clock: systemClock, ids: randomIds, log: createLog('warn'), env: {}, metrics: createMetrics() };
const few = 10_000;

/** Each against its target; `quick` with a tenth of the objects, for which the targets are not meant. */
export async function benchMillion(quick: boolean): Promise<Figure[]> {
  const many = quick ? 100_000 : 1_000_000;
  const folder = await mkdtemp(join(tmpdir(), 'kylon-bench-'));
  try {
    const [small, large] = [join(folder, 'small'), join(folder, 'large')];
    for (const [place, count] of [
      [small, few],
      [large, many],
    ] as const)
      await prepare(place, count);
    const cold = await median3(() => measure('start', large, `cold-${randomIds.hex(4)}`, many), 'seconds');
    await measure('start', large, 'kept', many);
    await measure('start', small, 'kept', few);
    const restart = await median3(() => measure('start', large, 'kept', many), 'seconds');
    const [reads, fewReads] = await inTurns(
      () => measure('read', large, 'kept', many),
      () => measure('read', small, 'kept', few),
    );
    const anonymous = Math.max(cold['anonymous'] ?? NaN, restart['anonymous'] ?? NaN, reads['anonymous'] ?? NaN);
    console.log(report(many, { cold, restart, reads, fewReads }));
    return [
      target('million-cold', cold['seconds'], 's', 10),
      target('million-restart', restart['seconds'], 's', 0.5),
      target('million-memory', anonymous, 'MiB anonymous', 300),
      target('million-page', reads['first'], 'ms, p99', 20),
      target('million-get', reads['getOwn'], 'ms, p99, in the process', 2),
      target('million-namespace', reads['namespace'], `ms, ${reads['namespaceSize']} objects`, 150),
      flat('million-get-flat', reads, fewReads, 'getMiddle'),
      flat('million-page-flat', reads, fewReads, 'firstMiddle'),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function prepare(place: string, count: number): Promise<void> {
  const { store } = await openStore(pathToFileURL(join(place, 'store')).href, parts, AbortSignal.any([]));
  const bytes = await fillStore(store, count);
  await store.close();
  const made = await measure('checkpoint', place, 'first', count);
  await rm(join(place, 'first'), { recursive: true });
  const mebibytes = ((made['bytes'] ?? NaN) / 2 ** 20).toFixed(0);
  console.log(
    `${count} objects of ${bytes.toFixed(0)} bytes: replayed in ${seconds(made, 'replayed')}, checkpoint of ${mebibytes} MiB in ${seconds(made, 'made')}, meanwhile the loop lags ${ms(made, 'delay')} at the 99th percentile`,
  );
}

/** What no target was set for, and what explains the rest. */
function report(
  many: number,
  { cold, restart, reads, fewReads }: Readonly<Record<'cold' | 'restart' | 'reads' | 'fewReads', Found>>,
): string {
  return [
    `${many} objects, load of the machine ${loadavg()[0]?.toFixed(1)}:`,
    `  a cold start takes ${seconds(cold, 'processor')} of processors: two thirds hash each object, a third inflates; the blocks are then copied as they came`,
    `  of a restart ${seconds(restart, 'loaded')} are Node.js and the loading of modules`,
    `  a get takes ${ms(reads, 'getMiddle')}, of which ${ms(reads, 'getOwnMiddle')} are not the store's, of ${few} objects ${ms(fewReads, 'getMiddle')}; at the 99th percentile ${ms(reads, 'get')} and ${ms(reads, 'getOwn')}`,
    `  while a kept index is proved in the background, a get takes ${ms(reads, 'restless')} at the 99th percentile`,
    `  a peek takes ${us(reads, 'peek')}, of ${few} objects ${us(fewReads, 'peek')}: a block of the checkpoint is read and inflated for it`,
    `  the first page of 500 after a start takes ${ms(reads, 'cold')}, of ${few} objects ${ms(fewReads, 'cold')}: it is read from the disk, the next ones from memory`,
    `  a page of 500 from anywhere takes ${ms(reads, 'later')}, of ${few} objects ${ms(fewReads, 'later')}`,
  ].join('\n');
}

function measure(what: string, place: string, index: string, count: number): Promise<Found> {
  return inOwnProcess(import.meta.resolve('./million-child.ts'), [what, place, index, String(count)]);
}

/** Three runs of each, in turns, so that what the machine does besides falls on both alike; of each figure the median. */
async function inTurns(one: () => Promise<Found>, other: () => Promise<Found>): Promise<readonly [Found, Found]> {
  const runs: (readonly [Found, Found])[] = [];
  for (let round = 0; round < 3; round++) runs.push([await one(), await other()]);
  return [medians(runs.map(([found]) => found)), medians(runs.map(([, found]) => found))];
}

function medians(runs: readonly Found[]): Found {
  return Object.fromEntries(Object.keys(runs[0] ?? {}).map((name) => [name, median(runs.map((found) => found[name] ?? NaN))]));
}

/** The run in the middle of three. */
async function median3(work: () => Promise<Found>, by: string): Promise<Found> {
  const runs = [await work(), await work(), await work()];
  return runs.toSorted((a, b) => (a[by] ?? NaN) - (b[by] ?? NaN))[1] ?? {};
}

function target(name: string, value = NaN, unit: string, againstValue: number): Figure {
  return figure({ name, value, unit, against: 'the target', againstValue, goal: 1, better: 'lower' });
}

function flat(name: string, many: Found, fewer: Found, what: string): Figure {
  const [value = NaN, againstValue = NaN] = [many[what], fewer[what]];
  return figure({ name, value, unit: 'ms, median', against: `${few} objects`, againstValue, goal: 1.5, better: 'lower' });
}

const seconds = (found: Found, name: string) => `${(found[name] ?? NaN).toPrecision(2)} s`;
const ms = (found: Found, name: string) => `${(found[name] ?? NaN).toFixed(2)} ms`;
const us = (found: Found, name: string) => `${((found[name] ?? NaN) * 1000).toFixed(1)} µs`;
