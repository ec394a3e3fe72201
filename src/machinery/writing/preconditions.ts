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
  requireUid(definition, object, uid);
  if (resourceVersion && resourceVersion !== '0' && resourceVersion !== object.metadata.resourceVersion)
    throw conflict(groupResource(definition), object.metadata.name);
}

/** As requireMatch, in the words of a deletion. */
export function requireMatchToDelete(definition: ResourceDefinition, object: KubeObject, { uid, resourceVersion }: Preconditions): void {
  requireUid(definition, object, uid);
  const actual = object.metadata.resourceVersion ?? '';
  if (resourceVersion && resourceVersion !== actual) throw failed(definition, object, 'ResourceVersion', resourceVersion, actual);
}

function requireUid(definition: ResourceDefinition, object: KubeObject, uid: string | undefined): void {
  const actual = object.metadata.uid ?? '';
  if (uid && uid !== actual) throw failed(definition, object, 'UID', uid, actual);
}

function failed(definition: ResourceDefinition, object: KubeObject, what: string, wanted: string, actual: string): Error {
  const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${actual}`;
  return conflict(groupResource(definition), object.metadata.name, why);
}
