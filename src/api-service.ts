/** The APIService by which a cluster passes our API on to us, and what it says of itself. */
import type { ApiResource, Cluster, ClusterObject } from './cluster/cluster.ts';
import type { Options } from './options.ts';

export const apiServiceName = 'v1alpha1.backup.kylon.io';

/** The path that kube-apiserver asks to see whether the API is there. */
export const apiPath = '/apis/backup.kylon.io/v1alpha1';

export const apiServices: ApiResource = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resource: 'apiservices',
  kind: 'APIService',
  singular: 'apiservice',
  shortNames: [],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'update'],
};

/** As far as we read it. */
export interface ApiServiceState {
  /** Undefined: kube-apiserver serves the API itself, for a CustomResourceDefinition. */
  readonly service: (Options['service'] & { readonly port?: number }) | undefined;
  readonly available: { readonly status: string; readonly reason: string; readonly message: string } | undefined;
}

/** Undefined where there is none. */
export async function readApiService(cluster: Pick<Cluster, 'get'>, signal: AbortSignal): Promise<ApiServiceState | undefined> {
  const found = await cluster.get(apiServices, '', apiServiceName, signal);
  return found && stateOf(found);
}

export const isSameService = (one: Options['service'], other: Options['service']) =>
  one.namespace === other.namespace && one.name === other.name;

function stateOf(apiService: ClusterObject): ApiServiceState {
  const { service } = apiService['spec'] as Pick<ApiServiceState, 'service'>;
  const { conditions = [] } = (apiService['status'] ?? {}) as { conditions?: readonly Condition[] };
  return { service, available: conditions.find(({ type }) => type === 'Available') };
}

type Condition = NonNullable<ApiServiceState['available']> & { readonly type: string };
