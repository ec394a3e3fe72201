/** A body names the object of the path, or leaves its namespace out. */
import { badRequest } from '../errors.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceCall } from '../resource.ts';

/** Throws ApiError 400. */
export function requireSamePlace({ metadata }: KubeObject, { definition, resource }: ResourceCall): void {
  const wanted = resource.name ?? '';
  if (!metadata.name) throw badRequest(`the name of the object (${wanted} based on URL) was undeterminable: name must be provided`);
  if (metadata.name !== wanted)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${wanted})`);
  const namespace = definition.namespaced ? (resource.namespace ?? '') : '';
  if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
