/** Two small namespaces, with a custom resource, for tests of whole runs. */
import { ClusterError } from '../../src/cluster/cluster.ts';
import { MemoryCluster } from './memory-cluster.ts';
import type { Request } from './memory-cluster.ts';

export const widgets = 'widgets.example.com';
export const definitions = 'customresourcedefinitions.apiextensions.k8s.io';

export function sampleCluster(): MemoryCluster {
  const cluster = new MemoryCluster();
  for (const name of ['shop', 'other']) {
    cluster.seed('namespaces', { metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } });
    cluster.seed('configmaps', { metadata: { name: 'settings', namespace: name, labels: { app: 'web' } }, data: { in: name } });
    cluster.seed('configmaps', { metadata: { name: 'kube-root-ca.crt', namespace: name }, data: { ca: 'x' } });
    cluster.seed('secrets', { metadata: { name: 'password', namespace: name, labels: { app: 'db' } }, data: { password: 'eA==' } });
  }
  cluster.seed(definitions, {
    metadata: { name: widgets },
    spec: { group: 'example.com', names: { plural: 'widgets', kind: 'Widget' } },
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  });
  cluster.seed(widgets, { metadata: { name: 'gear', namespace: 'shop' }, spec: { teeth: 12 } });
  return cluster;
}

/** Refuses some requests as RBAC does. */
export function refuse(cluster: MemoryCluster, isRefused: (request: Request) => boolean): void {
  cluster.check = (request) => {
    if (isRefused(request))
      throw new ClusterError(
        403,
        'Forbidden',
        `${request.resource} is forbidden: User "${request.user}" cannot ${request.verb} ${request.resource}`,
      );
  };
}

/** Makes some requests fail for a reason that is nobody's fault. */
export function fail(cluster: MemoryCluster, code: number, isFailing: (request: Request) => boolean): void {
  cluster.check = (request) => {
    if (isFailing(request)) throw new ClusterError(code, code === 404 ? 'NotFound' : 'InternalError', `${request.resource}: no answer`);
  };
}
