/** How commands name objects of a kind, to the API and to people. */
import { groupVersionPath } from '../../cluster/paths.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';

export type Kind = Pick<ResourceDefinition, 'group' | 'version' | 'kind' | 'plural' | 'singular'>;

/** One whose objects are work that goes on for a while. */
export interface WorkKind extends Kind {
  /** Whether its objects have the subresource `log`. */
  readonly hasLog: boolean;
  /** The command that tells how the work goes on, and the one that tells why it ended as it did. */
  readonly tells: { readonly onTheWay: string; readonly atTheEnd: string };
}

/** Of all namespaces where none is given. */
export function collectionOf(kind: Kind, namespace: string | undefined): string {
  return `${groupVersionPath(kind)}${namespace ? `/namespaces/${encodeURIComponent(namespace)}` : ''}/${kind.plural}`;
}

/** What lies below an object is named part by part. */
export function pathOf(kind: Kind, namespace: string, name: string, ...below: readonly string[]): string {
  return [collectionOf(kind, namespace), ...[name, ...below].map(encodeURIComponent)].join('/');
}

/** `backup.backup.kylon.io/before-release` */
export function fullName({ singular, group }: Kind, name: string): string {
  return `${singular}.${group}/${name}`;
}

/** As kubectl get prints it: without what only managers of fields need. */
export function withoutManagers<T extends Pick<KubeObject, 'metadata'>>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** What kubectl makes of several objects. */
export const listOf = (items: readonly unknown[]) => ({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items });
