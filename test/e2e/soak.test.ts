/**
 * A59: two processes on one store, 5 000 objects, 50 watches, 10 writers, and again and again one of the two is killed. For an hour with
 * KYLON_TEST_SOAK_SECONDS=3600, then with five minutes between two kills.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { changeIn, path } from '../soak/collection.ts';
import type { Change } from '../soak/collection.ts';
import { Flatness } from '../soak/flatness.ts';
import { inspected } from '../soak/live-memory.ts';
import { contradictions } from '../soak/truth.ts';
import { Watcher } from '../soak/watcher.ts';
import { Writer } from '../soak/writer.ts';
import { temporaryFolder } from './folder.ts';
import { MiB } from './memory.ts';
import { eventually } from './process.ts';
import { Replica } from './replica.ts';

const second = 1000;
const seconds = Number(process.env['KYLON_TEST_SOAK_SECONDS'] ?? 300);
const isLong = seconds >= 1800;
const objects = 5000;
const watches = 50;
const writers = 10;
const killEvery = (isLong ? 300 : 90) * second;

/**
 * What a process may hold, and by how much the trend of what it can reach may rise behind the warm-up. A hundred changes of 2 KB a
 * second go to 25 watches of each process. Were each watch to keep what it sends, that were 300 MiB a minute; were every change kept
 * once, 12 MiB a minute, which the long form sees in the eight minutes between warm-up and kill.
 */
const mostMemory = 600 * MiB;
const mostRise = 24 * MiB;
const warmUp = 120 * second;
const leastSpan = (isLong ? 300 : 30) * second;

describe('soak', () => {
  it(
    `A59 loses nothing and shows each change once and in order, for ${seconds} s of kills, and memory stays flat`,
    { timeout: (seconds + 300) * second },
    async () => {
      const store = `file://${temporaryFolder()}`;
      const replicas = [await Replica.start('a', store, inspected), await Replica.start('b', store, inspected)] as const;
      const writing = Array.from({ length: writers }, (_, id) => new Writer(id, objects / writers));
      await Promise.all(writing.map((writer) => writer.fill(replicas[0])));
      const before = await listOf(replicas[0]);
      expect(before.items).toHaveLength(objects);

      const watching = Array.from({ length: watches }, (_, n) => new Watcher(before.rv, n === 0));
      const end = new AbortController();
      const watched = watching.map((watcher, n) => watcher.run(replicas[n % 2 ? 1 : 0], end.signal));
      const flatness = await soak(replicas, writing);

      const after = await listOf(replicas[0]);
      await eventually(async () => watching.every(({ last }) => last >= after.newest), 60 * second).catch(() => {});
      end.abort();
      await Promise.all(watched);
      check(writing, watching, after.items, before.rv);
      checkMemory(flatness);
      await Promise.all(replicas.map((replica) => replica.stop()));
    },
  );
});

/** Writers write while every so often one process is killed, in turns. */
async function soak(replicas: readonly [Replica, Replica], writing: readonly Writer[]): Promise<Flatness> {
  const flatness = new Flatness(warmUp);
  const stop = new AbortController();
  const written = writing.map((writer) => writer.run(replicas, stop.signal));
  const over = performance.now() + seconds * second;
  let nextKill = performance.now() + killEvery;
  for (let kills = 0; performance.now() < over; await sleep(second)) {
    for (const replica of replicas) await flatness.look(replica.process);
    if (performance.now() < nextKill) continue;
    nextKill += killEvery;
    await replicas[kills++ % 2 ? 1 : 0].restart();
  }
  stop.abort();
  await Promise.all(written);
  return flatness;
}

function check(writing: readonly Writer[], watching: readonly Watcher[], kept: readonly Change[], since: number): void {
  const writes = writing.flatMap((writer) => writer.writes).filter(({ rv }) => rv === 0 || rv > since);
  const [first] = watching;
  for (const watcher of watching) {
    expect(watcher.faults).toEqual([]);
    expect(watcher.summary).toBe(first?.summary);
  }
  expect(contradictions(writes, first?.changes ?? [], kept).slice(0, 20)).toEqual([]);
  // Else it would prove little.
  const acknowledged = writes.filter(({ status }) => status >= 200 && status < 300);
  expect(acknowledged.length).toBeGreaterThan(seconds * 10);
  expect(writes.some(({ status }) => status === 0)).toBe(true);
  const resumes = watching.map((watcher) => watcher.resumes);
  expect(Math.max(...resumes)).toBeGreaterThanOrEqual(1);
  const numbers = `${writes.length} writes, ${acknowledged.length} acknowledged; each watch: ${first?.summary}; watches gone on with: ${resumes.reduce((sum, one) => sum + one, 0)}`;
  process.stdout.write(`soak: ${numbers}\n`);
}

function checkMemory(flatness: Flatness): void {
  const trends = flatness.trends(leastSpan);
  process.stdout.write(`soak: holds at most ${Math.round(flatness.highest / MiB)} MiB\n`);
  expect(flatness.highest).toBeLessThan(mostMemory);
  expect(trends.length).toBeGreaterThan(0);
  for (const { rise, span } of trends) {
    process.stdout.write(`soak: what is reached rises by ${(rise / MiB).toFixed(1)} MiB in ${Math.round(span / second)} s\n`);
    expect(rise).toBeLessThan(mostRise);
  }
}

async function listOf(replica: Replica): Promise<{ readonly rv: number; readonly newest: number; readonly items: readonly Change[] }> {
  const { status, text } = await replica.send('GET', path);
  expect(status, text.slice(0, 1000)).toBe(200);
  const { metadata, items } = JSON.parse(text) as { metadata: { resourceVersion: string }; items: object[] };
  const changes = items.map((item) => changeIn(JSON.stringify(item)));
  return { rv: Number(metadata.resourceVersion), newest: Math.max(...changes.map(({ rv }) => rv)), items: changes };
}
