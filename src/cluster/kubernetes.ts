/** A real cluster, over HTTPS with keep-alive: what the other files of this folder do, put together. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { createClient } from './client.ts';
import type { ApiClient } from './client.ts';
import { ClusterError } from './cluster.ts';
import type { Cluster, ClusterIdentity } from './cluster.ts';
import { loadCredentials } from './credentials.ts';
import type { CredentialSource } from './credentials.ts';
import { discover } from './discovery.ts';
import { execute } from './exec.ts';
import { follow } from './follow.ts';
import { impersonationHeaders } from './impersonate.ts';
import { listPages } from './list.ts';
import { namespacesOf } from './namespaces.ts';
import type { NamespacePhases } from './namespaces.ts';
import { objectsOf } from './objects.ts';
import { readLog } from './pod-log.ts';
import { reviewsOf } from './review-requests.ts';
import type { Reviews } from './reviews.ts';
import { watchTrust } from './trust-watch.ts';
import type { TrustWatch } from './trust-watch.ts';

export interface KubernetesCluster extends Cluster, Reviews {
  /** Of the API server, for messages. */
  readonly server: string;
  readonly namespaces: NamespacePhases;
  /** See trust-watch.ts. Ends when the signal aborts. */
  watchTrust(signal: AbortSignal): Promise<TrustWatch>;
}

/** Reads the configuration; asks the server nothing yet. Rejects with ClusterError where the configuration is not usable. */
export async function connectCluster(source: CredentialSource, parts: { clock: Clock; log: Log }): Promise<KubernetesCluster> {
  const credentials = await loadCredentials(source, parts.clock);
  const client = createClient({ credentials, ...parts, headers: {} });
  return {
    ...clusterOf(client, parts.clock, async () => credentials.close()),
    ...reviewsOf(client),
    server: credentials.server.origin,
    namespaces: namespacesOf(client, parts.clock),
    watchTrust: (signal) => watchTrust(client, parts, signal),
  };
}

function clusterOf(client: ApiClient, clock: Clock, close: () => Promise<void>): Cluster {
  return {
    identity: (signal) => identify(client, signal),
    discover: (signal) => discover(client, signal),
    list: (resource, options, signal) => listPages(client, resource, options, signal),
    follow: (resource, signal) => follow(client, resource, clock, signal),
    ...objectsOf(client),
    log: (namespace, pod, lines, signal) => readLog(client, namespace, pod, lines, signal),
    exec: (target, streams, signal) => execute(client, clock, target, streams, signal),
    as: (user) => clusterOf(client.withHeaders(impersonationHeaders(user)), clock, async () => {}),
    close,
  };
}

async function identify(client: ApiClient, signal: AbortSignal): Promise<ClusterIdentity> {
  const [namespace, { gitVersion }] = await Promise.all([
    client.json<{ readonly metadata?: { readonly uid?: string } }>({ path: '/api/v1/namespaces/kube-system' }, signal),
    client.json<{ readonly gitVersion: string }>({ path: '/version' }, signal),
  ]);
  const uid = namespace.metadata?.uid;
  if (!uid) throw new ClusterError(0, '', 'the namespace kube-system has no uid');
  return { uid, version: gitVersion };
}
