/** Backups and Restores whose replicas are killed again and again, at moments that nobody has chosen: each ends as if nothing had been, and nothing is left over. */
import { createHash, randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, issue } from '../auth/pki.ts';
import { Balancer } from './between.ts';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName } from './kylon.ts';
import { backup, backups, configMap, ended, namespace, path, restore } from './objects.ts';
import { CertificateFiles, podPlace, registerPort, removePodPlace, Replica, systemNamespace } from './pod.ts';
import { createAll } from './population.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { resultsOf } from './restoring.ts';

const cluster = findCluster();
const asRoot = process.getuid?.() === 0;
const killed = suite(asRoot ? 'work that is killed' : 'work that is killed (skipped: needs root)', cluster);
/** Each kills either replica once, for Backups and for Restores; KYLON_TEST_KILL_ROUNDS says more. */
const rounds = Number(process.env['KYLON_TEST_KILL_ROUNDS'] ?? 3);
/** Milliseconds within which a replica is killed, after it has got work: most of it takes less. */
const within = 700;
/** One alone is over too soon to be met. */
const backupsAtOnce = 12;

describe(killed.title, { skip: killed.options.skip || !asRoot }, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const place = 'kylon-killed';
  /** Two for each round. */
  const targets = Array.from({ length: 2 * rounds }, (_, n) => `${place}-${n}`);
  const maps = Array.from({ length: 400 }, (_, n) => `map-${String(n).padStart(3, '0')}`);
  const ca = authority('serving-ca');
  const store = join(temporaryFolder(), 'store');
  let replicas: readonly Replica[] = [];
  let balancer: Balancer;
  let proxy: Proxy;

  beforeAll(async () => {
    await tidy();
    proxy = await Proxy.start(kubectl);
    await kubectl.run(['create', '-f', '-'], namespace(place));
    await createAll(
      proxy,
      maps.map((name) => configMap(place, name, { text: name.repeat(500) })),
    );
    const pod = await podPlace(kubectl, kubeconfigOf(cluster));
    const files = new CertificateFiles(issue(ca, { cn: 'kylon', usage: 'server', dnsNames: [`kylon.${systemNamespace}.svc`] }));
    replicas = ['a', 'b'].map((name) => new Replica(pod, name, [`--store=${pathToFileURL(store).href}`, ...files.flags]));
    for (const replica of replicas) await replica.start();
    balancer = await Balancer.start(replicas.map(({ port }) => port));
    await registerPort(kubectl, balancer.port, ca.cert);
  }, 120_000);
  afterAll(async () => {
    for (const { kylon } of replicas) await kylon.discard();
    await proxy?.stop();
    await tidy();
  });

  async function tidy(): Promise<void> {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await removePodPlace(kubectl);
    await kubectl.run(['delete', 'namespace', place, ...targets, '--ignore-not-found']);
  }

  /** How many runs were begun anew: an Event counts the beginnings of each. */
  const begunAnew = async (kind: string, objects: readonly KubeObject[]) => {
    const selector = `reason=Started,involvedObject.kind=${kind}`;
    const told = await kubectl.list('events', '-n', place, '--field-selector', selector);
    return told.reduce((sum, { count }) => sum + Number(count), 0) - objects.length;
  };

  /** Gives each round's work to both, and kills the one and then the other in the middle. */
  async function whileKilled(workOf: (round: number) => readonly KubeObject[]): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await createAll(proxy, workOf(round));
      for (const replica of replicas) {
        await sleep(randomInt(within));
        balancer.targets = replicas.filter((other) => other !== replica).map(({ port }) => port);
        await replica.kylon.discard();
        await replica.start();
        balancer.targets = replicas.map(({ port }) => port);
      }
    }
  }

  const filesOf = (word: string) => {
    const [domain = ''] = readdirSync(join(store, 'd'));
    const entries = readdirSync(join(store, 'd', domain, word), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).split(`/${word}/`)[1] ?? '');
  };
  const runOf = (status: KubeObject['status']) => String((status?.['run'] as { id?: string } | undefined)?.id);
  /** Every file belongs to the run that its object names, and none is missing. */
  const expectNoOrphans = (word: string, objects: readonly KubeObject[], names: readonly string[]) => {
    const own = objects.flatMap(({ metadata, status }) => names.map((name) => `${metadata.uid}/${runOf(status)}/${name}`));
    expect(filesOf(word).toSorted()).toEqual(own.toSorted());
  };

  it('is backed up to its end, once', async () => {
    const calm = backup(place, 'calm');
    await createAll(proxy, [calm]);
    const { items, progress } = (await ended(kubectl, backups, { namespace: place, name: 'calm' })).status as {
      items: number;
      progress: object;
    };
    expect(items).toBeGreaterThan(maps.length);
    await whileKilled((round) => Array.from({ length: backupsAtOnce }, (_, n) => backup(place, `b${n}-${round}`)));
    const names = (await kubectl.list(backups, '-n', place)).map(({ metadata }) => metadata.name);
    expect(names).toHaveLength(backupsAtOnce * rounds + 1);
    const done = await Promise.all(names.map((name) => ended(kubectl, backups, { namespace: place, name })));
    for (const { metadata, status } of done) {
      expect(status, metadata.name).toMatchObject({ phase: 'Completed', items, progress, errors: 0 });
      const { status: code, bytes } = await proxy.send('GET', path(place, `backups/${metadata.name}/download`));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect([code, status?.['archive']]).toEqual([200, expect.objectContaining({ sha256 })]);
    }
    console.log(`Backups begun anew: ${await begunAnew('Backup', done)}`);
    expect(await begunAnew('Backup', done)).toBeGreaterThan(0);
    await eventually(async () => (expectNoOrphans('backups', done, ['archive.tar.gz', 'items', 'log', 'manifest.json']), true), 30_000);
  }, 400_000);

  it('is restored to its end, each object once', async () => {
    const intoTarget = (target: string) => restore(place, `into-${target}`, 'calm', { namespaceMapping: { [place]: target } });
    await whileKilled((round) => targets.slice(2 * round, 2 * round + 2).map(intoTarget));
    const done: KubeObject[] = [];
    for (const target of targets) {
      const { object, results } = await resultsOf(kubectl, place, `into-${target}`);
      done.push(object);
      const { progress, counts } = object.status as { progress: { totalItems: number }; counts: Record<string, number> };
      expect(object.status).toMatchObject({ phase: 'Completed', errors: 0, progress: { itemsRestored: progress.totalItems } });
      expect([counts['failed'], counts['recreated'], results.length]).toEqual([0, 0, progress.totalItems]);
      expect(new Set(results.map(({ resource, name }) => `${resource}/${name}`)).size).toBe(results.length);
      const live = await kubectl.list('configmaps', '-n', target);
      expect(live.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('map-'))).toEqual(maps);
      for (const { metadata, data } of live)
        if (metadata.name.startsWith('map-')) expect(data).toEqual({ text: metadata.name.repeat(500) });
    }
    await eventually(async () => (expectNoOrphans('restores', done, ['log', 'results']), true), 30_000);
    console.log(`Restores begun anew: ${await begunAnew('Restore', done)}`);
    expect(await begunAnew('Restore', done)).toBeGreaterThan(0);
  }, 400_000);
});
