/**
 * Registers this process with a cluster on the same machine: a Service of type ExternalName `localhost`, and the APIService that
 * names its port. kube-apiserver then connects to localhost, and checks the certificate for NAME.NAMESPACE.svc.
 */
import { apiServiceName, apiServices, isSameService, readApiService } from './api-service.ts';
import { heldByDefinition, troubleOf } from './availability.ts';
import type { Circumstances } from './availability.ts';
import type { Clock } from './base/clock.ts';
import { ClusterError } from './cluster/cluster.ts';
import type { ApiResource, Cluster, ClusterObject } from './cluster/cluster.ts';
import type { Options } from './options.ts';

const services: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'services',
  kind: 'Service',
  singular: 'service',
  shortNames: [],
  namespaced: true,
  verbs: ['create', 'delete', 'get', 'update'],
};
export interface Registration {
  readonly service: Options['service'];
  readonly port: number;
  /** PEM of the authority that signed the serving certificate. */
  readonly ca: string;
}

/** Creates or replaces both; an APIService last, so that it never points to nothing. Refuses to take the API from another server. */
export async function register(cluster: Cluster, { service, port, ca }: Registration, signal: AbortSignal): Promise<void> {
  await refuseIfServed(cluster, service, signal);
  const labels = { 'app.kubernetes.io/name': 'kylon', 'app.kubernetes.io/managed-by': 'kylon' };
  await put(
    cluster,
    services,
    service.namespace,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: service.name, namespace: service.namespace, labels },
      spec: { type: 'ExternalName', externalName: 'localhost' },
    },
    signal,
  );
  await put(
    cluster,
    apiServices,
    '',
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: apiServiceName, labels },
      spec: {
        group: 'backup.kylon.io',
        version: 'v1alpha1',
        groupPriorityMinimum: 1000,
        versionPriority: 15,
        caBundle: Buffer.from(ca).toString('base64'),
        service: { ...service, port },
      },
    },
    signal,
  );
}

/** Resolves once kube-apiserver reports the APIService as Available; rejects with the cause after `ms` milliseconds. */
export async function waitUntilAvailable(
  cluster: Cluster,
  circumstances: Circumstances,
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const end = clock.monotonic() + ms;
  for (;;) {
    const trouble = troubleOf(await readApiService(cluster, signal), circumstances);
    if (!trouble) return;
    if (clock.monotonic() >= end) throw new Error(`${trouble.what}${trouble.says && ` (${trouble.says})`}`);
    await clock.sleep(200, signal);
  }
}

/**
 * Undoes `register`: the APIService first, since one without a backend stops every deletion of a namespace. What meanwhile
 * points to another process is that one's to undo.
 */
export async function unregister(cluster: Cluster, { service, port }: Registration, signal: AbortSignal): Promise<void> {
  const state = await readApiService(cluster, signal);
  if (state && !(state.service && isSameService(state.service, service) && state.service.port === port)) return;
  await remove(cluster, apiServices, '', apiServiceName, signal);
  await remove(cluster, services, service.namespace, service.name, signal);
}

async function refuseIfServed(cluster: Cluster, service: Options['service'], signal: AbortSignal): Promise<void> {
  const state = await readApiService(cluster, signal);
  if (!state) return;
  if (!state.service) throw new Error(heldByDefinition);
  const { namespace, name } = state.service;
  if (isSameService(state.service, service)) return;
  throw new Error(
    `this cluster has Kylon already: APIService ${apiServiceName} is served by Service ${namespace}/${name}; remove that APIService first`,
  );
}

async function put(cluster: Cluster, resource: ApiResource, namespace: string, object: ClusterObject, signal: AbortSignal): Promise<void> {
  const old = await cluster.get(resource, namespace, object.metadata.name, signal);
  if (!old) {
    await cluster.create(resource, namespace, object, {}, signal);
    return;
  }
  const { resourceVersion } = old.metadata;
  await cluster.update(
    resource,
    namespace,
    { ...object, metadata: { ...object.metadata, ...(resourceVersion && { resourceVersion }) } },
    {},
    signal,
  );
}

async function remove(cluster: Cluster, resource: ApiResource, namespace: string, name: string, signal: AbortSignal): Promise<void> {
  try {
    await cluster.delete(resource, namespace, name, {}, signal);
  } catch (error) {
    if (!(error instanceof ClusterError && error.code === 404)) throw error;
  }
}
