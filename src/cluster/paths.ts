/** Paths of the API, by the rules of https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris */
import type { ApiResource } from './cluster.ts';

/** `/api/v1`, `/apis/apps/v1`. */
export function groupVersionPath({ group, version }: { readonly group: string; readonly version: string }): string {
  return group ? `/apis/${encodeURIComponent(group)}/${encodeURIComponent(version)}` : `/api/${encodeURIComponent(version)}`;
}

/** Of a resource, or of a namespace of it where one is given. */
export function collectionPath(resource: ApiResource, namespace: string | undefined): string {
  const place = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${groupVersionPath(resource)}${place}/${encodeURIComponent(resource.resource)}`;
}

export function objectPath(resource: ApiResource, namespace: string, name: string, subresource?: string): string {
  const below = subresource ? `/${encodeURIComponent(subresource)}` : '';
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}${below}`;
}
