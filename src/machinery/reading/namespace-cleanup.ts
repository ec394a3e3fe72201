/**
 * Objects that outlive their namespace. When a namespace is deleted, the namespace controller deletes all that is in it and
 * waits until its lists are empty. For these kinds it is shown an empty namespace and its deletecollection finds nothing, so
 * that the namespace goes and the objects stay: whoever makes the namespace again has them back.
 */
import type { ResourceCall } from '../resource.ts';

/** By its own account, or by that of the whole kube-controller-manager where accounts are not used. */
const controllers: ReadonlySet<string> = new Set([
  'system:serviceaccount:kube-system:namespace-controller',
  'system:kube-controller-manager',
]);

export function isNamespaceCleanup({ definition, resource, user }: ResourceCall): boolean {
  return definition.rules.outlivesNamespace === true && resource.namespace !== undefined && controllers.has(user.name);
}
