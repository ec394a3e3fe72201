/**
 * In which order resources are restored: what others need comes first. After Velero's default order, but namespaces before
 * all, and what may turn away other objects (webhooks, admission policies, aggregated APIs) after all.
 */
import { byBytes } from '../selection/selection.ts';

/** By `plural.group`. */
export const first: readonly string[] = [
  'namespaces',
  'customresourcedefinitions.apiextensions.k8s.io',
  'priorityclasses.scheduling.k8s.io',
  'runtimeclasses.node.k8s.io',
  'ingressclasses.networking.k8s.io',
  'storageclasses.storage.k8s.io',
  'csidrivers.storage.k8s.io',
  'volumesnapshotclasses.snapshot.storage.k8s.io',
  'volumesnapshotcontents.snapshot.storage.k8s.io',
  'volumesnapshots.snapshot.storage.k8s.io',
  'persistentvolumes',
  'persistentvolumeclaims',
  'clusterroles.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'serviceaccounts',
  'clusterrolebindings.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'secrets',
  'configmaps',
  'limitranges',
  'endpoints',
  'services',
  'poddisruptionbudgets.policy',
  'networkpolicies.networking.k8s.io',
  'pods',
  'replicasets.apps',
];

/** A quota refuses objects until its controller has counted what there is. */
export const last: readonly string[] = [
  'resourcequotas',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'apiservices.apiregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
];

/** What stands in neither list comes between them, by name. */
export function inRestoreOrder(resources: Iterable<string>): string[] {
  return [...resources].sort((a, b) => placeOf(a) - placeOf(b) || byBytes(a, b));
}

/** Whether it may turn away other objects. */
export const comesLast = (resource: string) => last.includes(resource);

function placeOf(resource: string): number {
  const early = first.indexOf(resource);
  return early >= 0 ? early : first.length + 1 + last.indexOf(resource);
}
