/** Watches: how many events reach 100 watchers through kube-apiserver and how late, and what 2000 cost one process. */
import { connect } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { figure, median } from './figures.ts';
import type { Figure } from './figures.ts';
import { rate } from './load.ts';
import type { Client, Target } from './load.ts';
import { connections, ours, theirs } from './read.ts';
import type { Rig } from './rig.ts';

export const watchNames = ['watch-events', 'watch-late', 'watch-many', 'watch-memory'] as const;

const watchers = 100;
const crowd = 2000;
const merge = { 'content-type': 'application/merge-patch+json' };
/** Stands in each change: when it was sent. */
const sent = /"sent":"(\d+\.?\d*)"/g;

/** What came to all watchers of a round. */
interface Heard {
  events: number;
  /** Milliseconds between a change and an event of it. */
  readonly late: number[];
  readonly close: () => void;
}

export async function benchWatches(rig: Rig, only: ReadonlySet<string>, names: readonly string[], quick: boolean): Promise<Figure[]> {
  const { cluster, kylon, memory } = rig;
  const rounds = quick ? 1 : 5;
  const against = 'CRD of the same schema';
  const figures: Figure[] = [];
  if (only.has('watch-events')) {
    const [value, againstValue] = await inTurns(rounds, (path) => eventsPerSecond(cluster, path, names, quick ? 1 : 3));
    figures.push(figure({ name: 'watch-events', value, unit: 'events/s', against, againstValue, goal: 2 }));
  }
  if (only.has('watch-late')) {
    const [value, againstValue] = await inTurns(rounds, (path) => latestOfFew(cluster, path, names));
    figures.push(figure({ name: 'watch-late', value, unit: 'ms, p99', against, againstValue, goal: 0.5, better: 'lower' }));
  }
  if (only.has('watch-many') || only.has('watch-memory')) {
    const before = memory.now();
    const many = { path: ours, watchers: quick ? 200 : crowd, perSecond: 5 };
    let during = before;
    const late = await latest(kylon, cluster, { ...many, open: together }, names, () => (during = memory.now()));
    const each = (during - before) / many.watchers / 1024;
    figures.push(
      figure({
        name: 'watch-many',
        value: late,
        unit: `ms, p99 of ${many.watchers}`,
        against: 'the target',
        againstValue: 250,
        goal: 1,
        better: 'lower',
      }),
    );
    figures.push(
      figure({ name: 'watch-memory', value: each, unit: 'KiB a watch', against: 'the target', againstValue: 20, goal: 1, better: 'lower' }),
    );
  }
  return figures.filter(({ name }) => only.has(name));
}

async function inTurns(rounds: number, one: (path: string) => Promise<number>): Promise<[number, number]> {
  const found: Record<string, number[]> = { [ours]: [], [theirs]: [] };
  for (let round = 0; round < rounds; round++) for (const path of [theirs, ours]) found[path]?.push(await one(path));
  return [median(found[ours] ?? []), median(found[theirs] ?? [])];
}

/** As many writers as there are connections, as fast as they can; counted until the last event is there. */
export async function eventsPerSecond(client: Client, path: string, names: readonly string[], seconds: number): Promise<number> {
  const heard = await listen(client, path, watchers, apart);
  const start = performance.now();
  const writes = { done: 0 };
  await rate(seconds, connections, async (n) => {
    await change(client, path, names[n % names.length] ?? '');
    writes.done++;
  });
  for (const end = performance.now() + 60_000; heard.events < writes.done * watchers && performance.now() < end;) await sleep(10);
  heard.close();
  return heard.events / ((performance.now() - start) / 1000);
}

/** The 99th percentile, in milliseconds, of how late 100 watchers hear of a change. */
export const latestOfFew = (cluster: Client, path: string, names: readonly string[]) =>
  latest(cluster, cluster, { path, watchers, perSecond: 50, open: apart }, names);

interface Paced {
  readonly path: string;
  readonly watchers: number;
  readonly perSecond: number;
  readonly open: Open;
}

/** The 99th percentile of how late events are while little happens. */
async function latest(
  from: Client,
  writer: Client,
  { path, watchers: many, perSecond, open }: Paced,
  names: readonly string[],
  midway = () => {},
): Promise<number> {
  const heard = await listen(from, path, many, open);
  const count = perSecond * 5;
  const start = performance.now();
  for (let n = 0; n < count; n++) {
    await sleep(Math.max(0, start + (n * 1000) / perSecond - performance.now()));
    await change(writer, path, names[n % names.length] ?? '');
    if (n === count >> 1) midway();
  }
  for (const end = performance.now() + 30_000; heard.events < count * many && performance.now() < end;) await sleep(10);
  heard.close();
  if (heard.events < count * many) throw new Error(`${path}: of ${count * many} events ${heard.events} came`);
  return heard.late.toSorted((a, b) => a - b)[Math.floor(heard.late.length * 0.99)] ?? NaN;
}

function change(client: Client, path: string, name: string): Promise<Buffer> {
  return client.ask('PATCH', `${path}/${name}`, { metadata: { annotations: { sent: String(performance.now()) } } }, merge);
}

/** Opens so many watches of what stands at `path`, and resolves to what closes them when all stand. */
type Open = (target: Target, path: string, many: number, hear: (chunk: string) => void) => Promise<() => void>;

async function listen(client: Client, path: string, many: number, open: Open): Promise<Heard> {
  const { metadata } = await client.json<{ metadata: { resourceVersion: string } }>('GET', `${path}?limit=1`);
  const heard = { events: 0, late: [] as number[] };
  const query = `watch=1&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=600`;
  const close = await open(client.target, `${path}?${query}`, many, (chunk) => hear(chunk, heard));
  return Object.assign(heard, { close });
}

/** By a connection each, as many clients come to kube-apiserver. */
async function apart({ url, tls, headers }: Target, path: string, many: number, hear: (chunk: string) => void): Promise<() => void> {
  const options = { ...tls, agent: false, headers: { accept: 'application/json', ...headers } };
  const requests = Array.from({ length: many }, () => request(`${url}${path}`, options));
  await Promise.all(
    requests.map((one) => {
      const status = new Promise<number | undefined>((resolve, reject) => {
        one.on('error', reject).on('response', (response) => {
          response.on('error', () => {});
          response.setEncoding('latin1').on('data', hear);
          resolve(response.statusCode);
        });
      });
      one.end();
      return standing(status);
    }),
  );
  return () => requests.forEach((one) => one.destroy());
}

/** By one connection, as kube-apiserver comes to us with all that its clients ask. */
async function together({ url, tls, headers }: Target, path: string, many: number, hear: (chunk: string) => void): Promise<() => void> {
  const session = connect(url, { ...tls, settings: { initialWindowSize: 1 << 20 } });
  session.on('connect', () => session.setLocalWindowSize(1 << 30));
  await Promise.all(
    Array.from({ length: many }, () => {
      const stream = session.request({ ':path': path, accept: 'application/json', ...headers });
      stream.on('error', () => {});
      stream.setEncoding('latin1').on('data', hear);
      return standing(
        new Promise((resolve, reject) => {
          stream.on('response', (answer: IncomingHttpHeaders & { readonly ':status'?: number }) => resolve(answer[':status']));
          stream.on('close', () => reject(new Error('a watch was not answered')));
        }),
      );
    }),
  );
  return () => session.destroy();
}

async function standing(answered: Promise<number | undefined>): Promise<void> {
  const status = await answered;
  if (status !== 200) throw new Error(`a watch was answered with ${status}`);
}

/** An event whose time stands across two chunks is counted, and its time is left out. */
function hear(chunk: string, heard: { events: number; late: number[] }): void {
  const now = performance.now();
  for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) heard.events++;
  for (const [, at = ''] of chunk.matchAll(sent)) heard.late.push(now - Number(at));
}
