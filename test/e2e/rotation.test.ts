/**
 * What is replaced while it is in use: the processes themselves, one after the other, and every certificate. Kylon runs as its pods do;
 * a balancer on this machine stands for the Service. The numbers are those of the acceptance list.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCertificates } from '../../src/auth/trust.ts';
import { authority, issue } from '../auth/pki.ts';
import type { Pair } from '../auth/pki.ts';
import { Balancer } from './between.ts';
import { findCluster, kubeconfigOf, suite } from './cluster.ts';
import { temporaryFolder } from './folder.ts';
import { direct } from './https.ts';
import { Kubectl } from './kubectl.ts';
import { apiServiceName } from './kylon.ts';
import { Load } from './load.ts';
import { namespace, path } from './objects.ts';
import { CertificateFiles, podPlace, registerPort, removePodPlace, Replica, systemNamespace } from './pod.ts';
import { eventually } from './process.ts';
import { Proxy } from './proxy.ts';
import { seededStore } from './seed.ts';

const cluster = findCluster();
const asRoot = process.getuid?.() === 0;
if (!asRoot && process.env['CI'] === 'true') throw new Error('the suite of rotation needs root, to run Kylon as in a pod');
const rotation = suite(asRoot ? 'rotation' : 'rotation (skipped: needs root)', cluster);
const ns = 'kylon-e2e-rotation';
const serverName = `kylon.${systemNamespace}.svc`;

describe(rotation.title, { skip: rotation.options.skip || !asRoot }, () => {
  const kubectl = new Kubectl(kubeconfigOf(cluster));
  const ca = authority('serving-ca-1');
  const servingBy = (issuer: Pair) => issue(issuer, { cn: 'kylon', usage: 'server', dnsNames: [serverName] });
  const files = new CertificateFiles(servingBy(ca));
  const pki = join(dirname(kubeconfigOf(cluster)), 'pki');
  let replicas: readonly Replica[];
  let balancer: Balancer;
  let proxy: Proxy;

  beforeAll(async () => {
    await removePodPlace(kubectl);
    await kubectl.run(['delete', 'namespace', ns, '--ignore-not-found']);
    await kubectl.run(['create', '-f', '-'], namespace(ns));
    proxy = await Proxy.start(kubectl);
    const store = await seededStore(kubectl, { namespace: ns, count: 8, padding: 0 });
    const place = await podPlace(kubectl, kubeconfigOf(cluster));
    replicas = ['a', 'b'].map((name) => new Replica(place, name, [`--store=${store}`, '--shutdown-delay=2', ...files.flags]));
    await Promise.all(replicas.map((replica) => replica.start()));
    balancer = await Balancer.start(replicas.map(({ port }) => port));
    await registerPort(kubectl, balancer.port, ca.cert);
  });
  afterAll(async () => {
    await kubectl.run(['delete', 'apiservice', apiServiceName, '--ignore-not-found']);
    for (const { kylon } of replicas ?? []) await kylon.stop();
    await proxy?.stop();
    await removePodPlace(kubectl);
    await kubectl.run(['delete', 'namespace', ns, '--ignore-not-found']);
  });

  it('A53 a rolling restart fails no request, and watches resume', async () => {
    const load = await Load.start(proxy, path(ns, 'backups'));
    await sleep(1000);
    for (const replica of replicas) {
      const stopped = replica.kylon.stop();
      await eventually(async () => (await direct({ port: replica.port, path: '/readyz' })).status === 500);
      balancer.targets = balancer.targets.filter((port) => port !== replica.port);
      await stopped;
      await replica.start();
      balancer.targets = [...balancer.targets, replica.port];
      await sleep(1000);
    }
    const { requests, retried, failed, increments, sum, watchFaults, watchEnds, events } = await load.stop();
    console.log(
      `A53: ${requests} requests, ${retried} retried, ${increments} increments, ${events} events, watches resumed ${watchEnds} times`,
    );
    expect(failed).toEqual([]);
    expect(sum).toBe(increments);
    expect(watchFaults).toEqual([]);
    expect(watchEnds).toBeGreaterThanOrEqual(2);
    expect(increments).toBeGreaterThan(50);
    expect(events).toBe(increments * load.watches);
  });

  it('A54 the serving certificate and its authority are replaced without a restart', async () => {
    const next = authority('serving-ca-2');
    const renewed = servingBy(next);
    const load = await Load.start(proxy, path(ns, 'backups'));
    await registerPort(kubectl, balancer.port, ca.cert + next.cert);
    files.write(renewed);
    await Promise.all(replicas.map(({ port }) => eventually(async () => (await servedBy(port)) === fingerprintOf(renewed.cert))));
    await registerPort(kubectl, balancer.port, next.cert);
    await sleep(1000);
    expectNothingFailed(await load.stop());
  });

  it('A54 the authority of clients is replaced without a restart', async () => {
    const next = authority('client-ca-2');
    const dora = issue(next, { cn: 'dora' });
    const status = async () => {
      const replies = await Promise.all(replicas.map(({ port }) => direct({ port, path: path(ns, 'backups'), ...dora })));
      return replies.map((reply) => (reply.text.includes('User \\"dora\\" cannot list') ? 'known' : String(reply.status)));
    };
    const load = await Load.start(proxy, path(ns, 'backups'));
    expect(await status()).toEqual(['401', '401']);
    const old = (await trust())['client-ca-file'] ?? '';
    await publish({ 'client-ca-file': `${old}${next.cert}` });
    await eventually(async () => expect(await status()).toEqual(['known', 'known']) ?? true);
    await publish({ 'client-ca-file': old });
    await eventually(async () => expect(await status()).toEqual(['401', '401']) ?? true);
    expectNothingFailed(await load.stop());
  });

  it('A54 the front proxy\u2019s certificate and its authority are replaced without a restart, of Kylon or of kube-apiserver', async ({
    skip,
  }) => {
    if (!existsSync(join(pki, 'front-proxy-ca.key'))) skip('the files of the front proxy are not at hand');
    const kept = new Kept(pki, ['front-proxy-ca.crt', 'front-proxy.crt', 'front-proxy.key']);
    const oldCA = kept.text('front-proxy-ca.crt');
    const next = authority('front-proxy-ca-2');
    const nextProxy = issue(next, { cn: 'front-proxy-client' });
    const speaks = async () => {
      const headers = { 'X-Remote-User': 'dora', 'X-Remote-Group': 'system:masters' };
      const replies = await Promise.all(replicas.map(({ port }) => direct({ port, path: path(ns, 'backups'), headers, ...nextProxy })));
      return replies.every((reply) => reply.status === 200);
    };
    const load = await Load.start(proxy, path(ns, 'backups'));
    try {
      expect(await speaks()).toBe(false);
      kept.replace({ 'front-proxy-ca.crt': oldCA + next.cert });
      await eventually(async () => (await proxyTrust()).has(fingerprintOf(next.cert)), 75_000);
      await eventually(speaks);
      kept.replace({ 'front-proxy.crt': nextProxy.cert, 'front-proxy.key': nextProxy.key });
      await sleep(2000);
      await kubectl.run(['annotate', 'apiservice', apiServiceName, 'kylon-e2e.example.test/look=again', '--overwrite']);
      await sleep(2000);
      kept.replace({ 'front-proxy-ca.crt': next.cert });
      await eventually(async () => {
        await publish({ 'requestheader-client-ca-file': next.cert });
        await sleep(500);
        return !(await proxyTrust()).has(fingerprintOf(oldCA));
      }, 75_000);
      await sleep(2000);
      expectNothingFailed(await load.stop());
    } finally {
      await load.stop();
      kept.putBack();
      await eventually(async () => (await proxyTrust()).has(fingerprintOf(oldCA)), 75_000);
      await publish({ 'requestheader-client-ca-file': oldCA });
      await kubectl.run(['annotate', 'apiservice', apiServiceName, 'kylon-e2e.example.test/look=once-more', '--overwrite']);
    }
  });

  it('says why it cannot be reached, by the rights that a pod has', async () => {
    const bundle = JSON.stringify({ spec: { caBundle: btoa(authority('nobody').cert) } });
    await kubectl.run(['patch', 'apiservice', apiServiceName, '--type=merge', '-p', bundle]);
    await Promise.all(
      replicas.map(({ kylon }) =>
        eventually(async () => /"msg":"APIService .* is not signed by an authority of spec\.caBundle/.test(kylon.process.stderr)),
      ),
    );
  });

  function expectNothingFailed({ requests, failed, sum, increments, watchFaults, events }: Awaited<ReturnType<Load['stop']>>): void {
    console.log(`A54: ${requests} requests, ${increments} increments, ${events} events`);
    expect({ failed, sum, watchFaults }).toEqual({ failed: [], sum: increments, watchFaults: [] });
    expect(requests).toBeGreaterThan(20);
  }

  const configuration = ['configmap', 'extension-apiserver-authentication', '-n', 'kube-system'];
  const trust = async () => (await kubectl.get(...configuration))['data'] as Record<string, string>;
  /** By fingerprint: whoever publishes an authority writes it in its own form. */
  const proxyTrust = async () =>
    new Set(parseCertificates((await trust())['requestheader-client-ca-file'] ?? '').map(({ fingerprint256 }) => fingerprint256));
  const publish = (data: Record<string, string>) =>
    kubectl.run(['patch', ...configuration, '--type=merge', '-p', JSON.stringify({ data })]);
});

async function servedBy(port: number): Promise<string> {
  const socket = connect({ host: 'localhost', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256;

/** Files that are replaced whole, and put back in the end. */
class Kept {
  readonly #folder: string;
  readonly #texts: Readonly<Record<string, string>>;

  constructor(folder: string, names: readonly string[]) {
    this.#folder = folder;
    this.#texts = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  }

  text(name: string): string {
    return this.#texts[name] ?? '';
  }

  replace(texts: Readonly<Record<string, string>>): void {
    const aside = temporaryFolder();
    for (const [name, text] of Object.entries(texts)) {
      writeFileSync(join(aside, name), text, { mode: 0o600 });
      renameSync(join(aside, name), join(this.#folder, name));
    }
  }

  putBack(): void {
    this.replace(this.#texts);
  }
}
