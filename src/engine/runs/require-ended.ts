/** What is asked of an object before its data is read. */
import { ApiError, conflict, notFound } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import { isDeleted, statusOf } from './run-status.ts';

/** Throws ApiError where the object has no data, or not yet, or not any more, and says why. */
export function requireEnded(definition: ResourceDefinition, object: KubeObject): void {
  const { name } = object.metadata;
  const { phase = 'New', failureReason = '' } = statusOf(object);
  if (isDeleted(object) || phase === 'Deleting')
    throw new ApiError(410, 'Gone', `the data of ${definition.plural} "${name}" is being deleted`);
  const what = { group: definition.group, resource: definition.plural };
  if (phase === 'New' || phase === 'InProgress') throw conflict(what, name, `it is ${phase}; its data can be read when it has ended`);
  if (phase === 'Failed') throw notFoundBecause(definition, name, `it has no data, because it failed: ${failureReason}`);
}

/** Throws ApiError 409 where another replica carries the object out: of its results none are in the store before its end. */
export function requireNotElsewhere({ group, plural }: ResourceDefinition, object: KubeObject): void {
  const { phase, run } = statusOf(object);
  if (phase !== 'InProgress' || isDeleted(object) || !run) return;
  const why = `it is InProgress; the replica ${run.replica} carries it out and has its results until it ends`;
  throw conflict({ group, resource: plural }, object.metadata.name, why);
}

function notFoundBecause({ group, plural }: ResourceDefinition, name: string, why: string): ApiError {
  const { message, details } = notFound({ group, resource: plural }, name);
  return new ApiError(404, 'NotFound', `${message}: ${why}`, details);
}
