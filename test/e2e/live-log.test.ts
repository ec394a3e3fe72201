/** The log of work that goes on, asked of each of two replicas: both show it while it grows, and nothing of what one tells the other is left. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authority, issue } from '../auth/pki.ts';
import { Balancer } from './between.ts';
import { clientCertificate } from './certificates.ts';
import type { ClientCertificate } from './certificates.ts';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { direct, opened } from './https.ts';
import { Kubectl } from './kubectl.ts';
import type { KubeObject } from './kubectl.ts';
import { apiServiceName } from './kylon.ts';
import { backup, backups, configMap, ended, namespace, path, restore, restores } from './objects.ts';
import { CertificateFiles, podPlace, registerPort, removePodPlace, Replica, systemNamespace } from './pod.ts';
import { createAll } from './population.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { SlowProxy } from './slow-proxy.ts';

const cluster = findCluster();
const asRoot = process.getuid?.() === 0;
const live = suite(asRoot ? 'the log of work that goes on' : 'the log of work that goes on (skipped: needs root)', cluster);

describe(live.title, { skip: live.options.skip || !asRoot }, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const place = 'kylon-live-log';
  const target = `${place}-target`;
  const reader = 'kylon-live-log-reader';
  const maps = Array.from({ length: 1_000 }, (_, n) => configMap(place, `map-${String(n).padStart(4, '0')}`));
  const ca = authority('serving-ca');
  const store = join(temporaryFolder(), 'store');
  let replicas: readonly Replica[] = [];
  let proxy: Proxy;
  let slow: SlowProxy;
  let user: ClientCertificate;

  /** What Kylon asks of the cluster takes its time. */
  beforeAll(async () => {
    await tidy();
    await kubectl.run(['create', '-f', '-'], namespace(place));
    await kubectl.run(['create', 'clusterrolebinding', reader, '--clusterrole=cluster-admin', `--user=${reader}`]);
    user = await clientCertificate(kubectl, reader);
    proxy = await Proxy.start(kubectl);
    await createAll(proxy, maps);
    const pod = await podPlace(kubectl, kubeconfigOf(cluster));
    slow = await SlowProxy.start(Number(pod.env['KUBERNETES_SERVICE_PORT']), 1_000);
    const env = { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: String(slow.port) };
    const files = new CertificateFiles(issue(ca, { cn: 'kylon', usage: 'server', dnsNames: [`kylon.${systemNamespace}.svc`] }));
    replicas = ['a', 'b'].map((name) => new Replica({ ...pod, env }, name, [`--store=${pathToFileURL(store).href}`, ...files.flags]));
    for (const replica of replicas) await replica.start();
    const balancer = await Balancer.start(replicas.map(({ port }) => port));
    await registerPort(kubectl, balancer.port, ca.cert);
  }, 180_000);
  afterAll(async () => {
    for (const { kylon } of replicas) await kylon.discard();
    await slow?.stop();
    await proxy?.stop();
    await tidy();
  }, 120_000);

  async function tidy(): Promise<void> {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    await removePodPlace(kubectl);
    await kubectl.run(['delete', 'clusterrolebinding', reader, '--ignore-not-found']);
    await kubectl.run(['delete', 'namespace', place, target, '--ignore-not-found']);
  }

  /** What a replica has told so far to who follows there, and whether that was all. */
  function followAt({ port }: Replica, rest: string) {
    const following = { text: '', isOver: false };
    const read = async () => {
      const response = await opened({ port, path: path(place, `${rest}/log?follow=true&timestamps=true`), ...user });
      expect(response.statusCode).toBe(200);
      for await (const chunk of response) following.text += String(chunk);
      following.isOver = true;
    };
    return { following, done: read() };
  }

  const leftOver = () => readdirSync(store, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('live-log'));
  const linesIn = (text: string) => text.split('\n').length - 1;

  /** Follows at both replicas from its beginning; both must know as much as `enough` lines before its end. */
  async function followEverywhere(resource: string, rest: string, enough: number): Promise<KubeObject> {
    const followers = replicas.map((replica) => followAt(replica, rest));
    const texts = () => followers.map(({ following }) => following.text);
    await eventually(async () => texts().every((text) => linesIn(text) >= enough), 60_000);
    const before = texts();
    expect(followers.map(({ following }) => following.isOver)).toEqual([false, false]);
    const [shorter = '', longer = ''] = before.toSorted((a, b) => a.length - b.length);
    expect(longer.startsWith(shorter)).toBe(true);
    await Promise.all(followers.map(({ done }) => done));
    const name = rest.split('/')[1] ?? '';
    const object = await ended(kubectl, resource, { namespace: place, name });
    const { text } = await direct({ port: replicas[0]?.port ?? 0, path: path(place, `${rest}/log?timestamps=true`), ...user });
    expect(texts()).toEqual([text, text]);
    await eventually(async () => leftOver().length === 0);
    return object;
  }

  it('of a Backup is shown by both replicas, line by line the same, before its end', async () => {
    await createAll(proxy, [backup(place, 'slow')]);
    const { status } = await followEverywhere(backups, 'backups/slow', 2);
    expect(status).toMatchObject({ phase: 'Completed', errors: 0 });
    expect(Number(status?.['items'])).toBeGreaterThan(maps.length);
  }, 240_000);

  it('of a Restore too; its results only by the one that carries it out, which the other names', async () => {
    await createAll(proxy, [restore(place, 'back', 'slow', { namespaceMapping: { [place]: target } })]);
    const following = followEverywhere(restores, 'restores/back', 100);
    const { replica } = await eventually(async () => {
      const { status } = await kubectl.get(restores, 'back', '-n', place);
      return status?.['phase'] === 'InProgress' ? (status['run'] as { replica: string }) : undefined;
    }, 60_000);
    const results = replicas.map(({ port }) => direct({ port, path: path(place, 'restores/back/results'), ...user }));
    const [own, other] = replica === 'a' ? await Promise.all(results) : (await Promise.all(results)).toReversed();
    expect([own?.status, other?.status]).toEqual([200, 409]);
    expect(other?.text).toContain(`the replica ${replica} carries it out and has its results until it ends`);
    expect((await following).status).toMatchObject({ phase: 'Completed', errors: 0 });
  }, 240_000);
});
