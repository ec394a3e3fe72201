/**
 * Registers this process with a cluster on the same machine: a Service of type ExternalName `localhost`, and the APIService that
 * names its port. kube-apiserver then connects to localhost, and checks the certificate for NAME.NAMESPACE.svc.
 */
import type { Clock } from './base/clock.ts';
import { ClusterError } from './cluster/cluster.ts';
import type { ApiResource, Cluster, ClusterObject } from './cluster/cluster.ts';
import type { Options } from './options.ts';

export const apiServiceName = 'v1alpha1.backup.kylon.io';

const verbs = ['create', 'delete', 'get', 'update'];
const services: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'services',
  kind: 'Service',
  singular: 'service',
  shortNames: [],
  namespaced: true,
  verbs,
};
const apiServices: ApiResource = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resource: 'apiservices',
  kind: 'APIService',
  singular: 'apiservice',
  shortNames: [],
  namespaced: false,
  verbs,
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

/** Resolves once kube-apiserver reports the APIService as Available; rejects with its last reason after `ms` milliseconds. */
export async function waitUntilAvailable(cluster: Cluster, clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const end = clock.monotonic() + ms;
  let last = 'no condition yet';
  while (clock.monotonic() < end) {
    const condition = availability(await cluster.get(apiServices, '', apiServiceName, signal));
    if (condition?.status === 'True') return;
    if (condition) last = `${condition.reason}: ${condition.message}`;
    await clock.sleep(200, signal);
  }
  throw new Error(`APIService ${apiServiceName} did not become available within ${ms / 1000} s: ${last}`);
}

/** Undoes `register`: the APIService first, since one without a backend stops every deletion of a namespace. */
export async function unregister(cluster: Cluster, { namespace, name }: Options['service'], signal: AbortSignal): Promise<void> {
  await remove(cluster, apiServices, '', apiServiceName, signal);
  await remove(cluster, services, namespace, name, signal);
}

async function refuseIfServed(cluster: Cluster, service: Options['service'], signal: AbortSignal): Promise<void> {
  const spec = (await cluster.get(apiServices, '', apiServiceName, signal))?.['spec'] as { service?: Options['service'] } | undefined;
  const other = spec?.service;
  if (!other || (other.namespace === service.namespace && other.name === service.name)) return;
  throw new Error(
    `this cluster has Kylon already: APIService ${apiServiceName} is served by Service ${other.namespace}/${other.name}; remove that APIService first`,
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

function availability(apiService: ClusterObject | undefined) {
  const status = apiService?.['status'] as
    | { conditions?: readonly { type: string; status: string; reason: string; message: string }[] }
    | undefined;
  return status?.conditions?.find(({ type }) => type === 'Available');
}
