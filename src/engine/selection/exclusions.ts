/**
 * What a backup leaves out by rule, with the reason: what is no state of its own (an answer, a report, a lock), what describes
 * machines that a restore cannot bring back, and what a controller makes again from what the backup does hold.
 */
import type { ApiResource } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';

/** Objects with this label, set to `true`, are left out. */
export const excludeLabel = 'backup.kylon.io/exclude';

/** Whole groups. */
export const groupRules: Readonly<Record<string, string>> = {
  'backup.kylon.io': 'backups do not hold backups: they lie in the store and outlive the cluster',
  'metrics.k8s.io': 'measurements of a moment',
  'custom.metrics.k8s.io': 'measurements of a moment',
  'external.metrics.k8s.io': 'measurements of a moment',
  'authentication.k8s.io': 'questions to the server, not objects',
  'authorization.k8s.io': 'questions to the server, not objects',
  'internal.apiserver.k8s.io': 'kept by the API servers of this cluster',
};

/** By `plural.group`. */
export const resourceRules: Readonly<Record<string, string>> = {
  events: 'a report that expires within the hour',
  'events.events.k8s.io': 'a report that expires within the hour',
  'leases.coordination.k8s.io': 'a lock or a heartbeat of a running process',
  'leasecandidates.coordination.k8s.io': 'a lock asked for by a running process',
  nodes: 'describes a machine, which registers itself',
  'csinodes.storage.k8s.io': 'describes a machine, made by its kubelet',
  'csistoragecapacities.storage.k8s.io': 'a measurement of the storage driver',
  'volumeattachments.storage.k8s.io': 'describes a mount on a machine, made by a controller',
  'resourceslices.resource.k8s.io': 'describes devices of a machine, made by their driver',
  'ipaddresses.networking.k8s.io': 'made by the API server for the addresses of Services',
  'certificatesigningrequests.certificates.k8s.io': 'a request that expires within the hour',
  componentstatuses: 'a report of the API server',
  bindings: 'an order to the scheduler, not an object',
};

/** Why no backup holds objects of this resource, or undefined. */
export function resourceExclusion(resource: ApiResource): string | undefined {
  const rule = groupRules[resource.group] ?? resourceRules[qualified(resource)];
  if (rule !== undefined) return rule;
  if (!resource.verbs.includes('list')) return 'it cannot be listed';
  return resource.verbs.includes('create') ? undefined : 'it cannot be created, so no restore could bring it back';
}

/** True for a group that holds nothing which a backup would take: it costs nothing when it does not answer. */
export function groupIsExcluded(groupVersion: string): boolean {
  return groupVersion.includes('/') && groupVersion.slice(0, groupVersion.indexOf('/')) in groupRules;
}

/** The part of an object that decides whether it is kept. */
export interface Marks {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Some objects of a resource. */
interface ObjectRule {
  /** Their `plural.group`. */
  readonly resource: string;
  /** Which ones, for the documents. */
  readonly which: string;
  readonly reason: string;
  readonly isOut: (marks: Marks) => boolean;
}

export const objectRules: readonly ObjectRule[] = [
  {
    resource: 'endpoints',
    which: 'labelled endpoints.kubernetes.io/managed-by=endpoint-controller, or annotated endpoints.kubernetes.io/last-change-trigger-time',
    reason: 'kept by the endpoints controller',
    isOut: ({ labels, annotations }) =>
      labels?.['endpoints.kubernetes.io/managed-by'] === 'endpoint-controller' ||
      annotations?.['endpoints.kubernetes.io/last-change-trigger-time'] !== undefined,
  },
  {
    resource: 'endpointslices.discovery.k8s.io',
    which: 'labelled endpointslice.kubernetes.io/managed-by=….k8s.io',
    reason: 'kept by the endpoint slice controller',
    isOut: ({ labels }) => labels?.['endpointslice.kubernetes.io/managed-by']?.endsWith('.k8s.io') === true,
  },
  {
    resource: 'apiservices.apiregistration.k8s.io',
    which: 'labelled kube-aggregator.kubernetes.io/automanaged',
    reason: 'kept by the API server',
    isOut: ({ labels }) => labels?.['kube-aggregator.kubernetes.io/automanaged'] !== undefined,
  },
  {
    resource: 'apiservices.apiregistration.k8s.io',
    which: 'of the group backup.kylon.io',
    reason: 'Kylon registers itself, with the certificate that it has then',
    isOut: ({ name }) => name.endsWith('.backup.kylon.io'),
  },
  {
    resource: 'configmaps',
    which: 'named kube-root-ca.crt',
    reason: 'kept by the root CA publisher',
    isOut: ({ name }) => name === 'kube-root-ca.crt',
  },
  {
    resource: 'pods',
    which: 'annotated kubernetes.io/config.mirror',
    reason: 'it mirrors a file on a node',
    isOut: ({ annotations }) => annotations?.['kubernetes.io/config.mirror'] !== undefined,
  },
];

const rulesOf = Map.groupBy(objectRules, ({ resource }) => resource);

/** Why this object is left out, or undefined. `resource` is its `plural.group`. */
export function objectExclusion(resource: string, marks: Marks): string | undefined {
  if (marks.labels?.[excludeLabel] === 'true') return `it has the label ${excludeLabel}=true`;
  return rulesOf.get(resource)?.find(({ isOut }) => isOut(marks))?.reason;
}
