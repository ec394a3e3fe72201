/** Kylon for a real cluster: beside it on the same machine, where it registers itself, or as a pod in it, where manifests do. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { apiPath, apiServiceName } from './api-service.ts';
import { followAvailability } from './availability.ts';
import type { Circumstances } from './availability.ts';
import { createAuthenticator } from './auth/authenticate.ts';
import { createAuthorizer } from './auth/authorize.ts';
import { createTokenAuthenticator } from './auth/token.ts';
import { followTrust } from './auth/follow-trust.ts';
import { messageOf, together } from './base/lifetime.ts';
import { causeOf, codeOf } from './base/system-errors.ts';
import { connectCluster } from './cluster/kubernetes.ts';
import type { KubernetesCluster } from './cluster/kubernetes.ts';
import type { Cluster } from './cluster/cluster.ts';
import { ClusterError } from './cluster/cluster.ts';
import { compose } from './compose.ts';
import type { Kylon, Parts, Say } from './compose.ts';
import { prepareDataFolder } from './data-folder.ts';
import { kylonVersion } from './machinery/description/version.ts';
import type { Options } from './options.ts';
import { tellReadOnly, unlessReadOnly } from './read-only.ts';
import { register, unregister, waitUntilAvailable } from './registration.ts';
import type { Registration } from './registration.ts';
import { kylonResources } from './resources/resources.ts';
import type { Certificate } from './server/https.ts';
import type { Refusal } from './server/refusal.ts';
import { followCertificateFiles, readCertificateFiles } from './server/certificate-files.ts';
import { ensureCertificates } from './server/certificates.ts';

/** Milliseconds. */
const availableWithin = 30_000;
const unregisterWithin = 10_000;

/** Runs until the signal aborts, then ends in good order. Rejects when it cannot start. */
export async function runForCluster(options: Options, parts: Parts, say: Say, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  try {
    await run(options, parts, say, AbortSignal.any([signal, over.signal]));
  } finally {
    over.abort(new Error('Kylon has ended'));
  }
}

/** Leaves behind what follows the cluster, until the signal aborts. */
async function run(options: Options, parts: Parts, say: Say, signal: AbortSignal): Promise<void> {
  await prepareDataFolder(options.data, parts.ids);
  const cluster = await connectCluster(options.kubeconfig === undefined ? 'in-cluster' : { kubeconfig: options.kubeconfig }, parts);
  const uid = await uidOf(cluster, options, signal);
  const trust = followTrust(await cluster.watchTrust(signal), parts);
  const { ca, serving } = await certificatesFor(options, parts, signal);
  const refusals = new Refusals();
  const kylon = await compose(
    {
      options,
      domain: uid,
      definitions: kylonResources,
      version: kylonVersion,
      certificate: serving,
      ca,
      authenticate: createAuthenticator({ trust, tokens: createTokenAuthenticator(cluster, parts.clock), ...parts }),
      authorizer: createAuthorizer(cluster, parts.clock),
      namespaces: () => cluster.namespaces,
      connect: () => Promise.resolve(cluster),
      onRefused: (refusal) => refusals.see(refusal),
    },
    parts,
    signal,
  );
  tellReadOnly(kylon.readOnly, parts, say);
  const { service } = options;
  const registration = { service, port: kylon.server.port, ca };
  const circumstances = { service, refusal: () => refusals.last };
  try {
    await together(signal, [
      unlessReadOnly(kylon.readOnly, (running) => kylon.engine.run(running)),
      (running) => renew(kylon, options, serving, parts, running),
      (running) => announce(cluster, registration, circumstances, options, parts, say, running),
      (running) => followAvailability(cluster, circumstances, parts, running),
    ]);
  } finally {
    if (options.mode === 'beside') await leave(cluster, registration, parts);
    await kylon.close();
  }
}

/** The first question to the cluster: whoever misread its address learns it here. */
async function uidOf(cluster: KubernetesCluster, { kubeconfig }: Options, signal: AbortSignal): Promise<string> {
  try {
    return (await cluster.identity(signal)).uid;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    const why = codeOf(error.cause) === undefined ? error.message : causeOf(error.cause);
    const place = kubeconfig === undefined ? cluster.server : `${cluster.server}, the server of ${kubeconfig},`;
    throw new Error(`the cluster at ${place} cannot be used: ${why}`, { cause: error });
  }
}

async function renew({ server }: Kylon, { tls }: Options, serving: Certificate, parts: Parts, signal: AbortSignal): Promise<void> {
  if (tls) await followCertificateFiles(tls, serving, (certificate) => server.setCertificate(certificate), parts, signal);
}

/** In a cluster, manifests have registered the API; beside one, nobody has. */
async function announce(
  cluster: Cluster,
  registration: Registration,
  circumstances: Circumstances,
  { mode, data }: Options,
  { clock }: Parts,
  say: Say,
  signal: AbortSignal,
): Promise<void> {
  if (mode === 'in-cluster') return say(`Kylon serves on port ${registration.port}`);
  await register(cluster, registration, signal);
  await waitUntilAvailable(cluster, circumstances, clock, availableWithin, signal);
  return say(`APIService ${apiServiceName} is available\nData lies in ${data}. Ctrl-C ends Kylon and takes the APIService away again.`);
}

async function leave(cluster: Cluster, registration: Registration, { log }: Parts): Promise<void> {
  try {
    await unregister(cluster, registration, AbortSignal.timeout(unregisterWithin));
  } catch (error) {
    log.error('cannot undo the registration', { error: messageOf(error) });
  }
}

/** What was answered no when kube-apiserver looked whether we are there. */
class Refusals {
  last: Refusal | undefined;

  see(refusal: Refusal): void {
    if (refusal.path === apiPath) this.last = refusal;
  }
}

/** Given ones, or a pair of our own whose authority the APIService names. */
async function certificatesFor(options: Options, { clock, ids }: Parts, signal: AbortSignal) {
  const { tls, tlsCa, data, mover } = options;
  const { namespace, name } = options.service;
  if (tls)
    return { ca: await readFile(tlsCa ?? tls.certFile, { encoding: 'utf8', signal }), serving: await readCertificateFiles(tls, signal) };
  const service = `${name}.${namespace}`;
  const hosts = hostOf(mover?.address);
  return ensureCertificates(
    join(data, 'pki'),
    {
      dnsNames: [`${service}.svc`, service, `${service}.svc.cluster.local`, 'localhost', ...hosts.names],
      ips: ['127.0.0.1', ...hosts.ips],
    },
    clock,
    ids,
    signal,
  );
}

/** Of a URL: as a certificate names it. */
function hostOf(address: string | undefined): { readonly names: readonly string[]; readonly ips: readonly string[] } {
  if (address === undefined) return { names: [], ips: [] };
  const host = new URL(address).hostname.replaceAll(/[[\]]/g, '');
  return isIP(host) ? { names: [], ips: [host] } : { names: [host], ips: [] };
}
