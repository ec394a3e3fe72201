/** What a client demands of the object that it changes or deletes: that it is the one, and the state, that the client has seen. */
import { conflict } from '../errors.ts';
import { groupResource } from '../keys.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceDefinition } from '../resource.ts';

export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

/** Throws ApiError 409. Empty demands nothing, and so does resourceVersion 0. */
export function requireMatch(definition: ResourceDefinition, object: KubeObject, { uid, resourceVersion }: Preconditions): void {
  if (uid && uid !== object.metadata.uid) throw failed(definition, object, 'UID', uid, object.metadata.uid);
  if (resourceVersion && resourceVersion !== '0' && resourceVersion !== object.metadata.resourceVersion)
    throw conflict(groupResource(definition), object.metadata.name);
}

/** As requireMatch, for a deletion: what it names must be so, even if that is nothing. */
export function requireMatchToDelete(definition: ResourceDefinition, object: KubeObject, { uid, resourceVersion }: Preconditions): void {
  const actual = object.metadata;
  if (uid !== undefined && uid !== actual.uid) throw failed(definition, object, 'UID', uid, actual.uid);
  if (resourceVersion !== undefined && resourceVersion !== actual.resourceVersion)
    throw failed(definition, object, 'ResourceVersion', resourceVersion, actual.resourceVersion);
}

function failed(definition: ResourceDefinition, object: KubeObject, what: string, wanted: string, actual = ''): Error {
  const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${actual}`;
  return conflict(groupResource(definition), object.metadata.name, why);
}
