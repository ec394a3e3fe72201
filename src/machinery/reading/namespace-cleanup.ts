/**
 * Objects that outlive their namespace. When a namespace is deleted, the namespace controller deletes all that is in it and
 * waits until its lists are empty. It is not shown these objects and its deletecollection does not find them, so that the
 * namespace goes and they stay: whoever makes the namespace again has them back.
 */
import type { KubeObject } from '../object.ts';
import type { ResourceCall } from '../resource.ts';

/** By its own account, or by that of the whole kube-controller-manager where accounts are not used. */
const controllers: ReadonlySet<string> = new Set([
  'system:serviceaccount:kube-system:namespace-controller',
  'system:kube-controller-manager',
]);

/** What is kept from this caller; undefined where everybody sees everything. */
export function hiddenFrom({ definition, resource, user }: ResourceCall): ((object: KubeObject) => boolean) | undefined {
  return resource.namespace !== undefined && controllers.has(user.name) ? definition.rules.outlivesNamespace : undefined;
}
