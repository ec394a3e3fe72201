/** How an object is deleted: at once, or marked until its last finalizer is gone. */
import { isDeepStrictEqual } from 'node:util';
import { rfc3339 } from '../../base/clock.ts';
import type { Api } from '../api.ts';
import type { DeleteOptions, Propagation } from '../input/delete-options.ts';
import { decode } from '../encode.ts';
import { notFound } from '../errors.ts';
import { groupResource } from '../keys.ts';
import { admitDeletion } from './admission.ts';
import { metadataForDelete } from './metadata.ts';
import type { KubeObject } from '../object.ts';
import { requireMatchToDelete } from './preconditions.ts';
import type { Shown } from '../representation.ts';
import type { ResourceDefinition } from '../resource.ts';
import type { ObjectKey } from '../storage.ts';
import { inTurn, textOf } from './write.ts';
import type { Writer } from './write.ts';

/** What became of it; `pending` is the object as it is now, waiting for its finalizers. */
export type Removal = { readonly gone: KubeObject } | { readonly pending: Shown };

type How = Pick<DeleteOptions, 'propagation' | 'preconditions'>;

/** Rejects with ApiError 404, 409, and 403 for a reason of the kind. */
export function deleteObject(api: Api, definition: ResourceDefinition, key: ObjectKey, how: How, writer: Writer): Promise<Removal> {
  return inTurn(api, definition, key, () => deleteOnce(api, definition, key, how, writer));
}

async function deleteOnce(
  api: Api,
  definition: ResourceDefinition,
  key: ObjectKey,
  how: How,
  { dryRun, signal }: Writer,
): Promise<Removal> {
  signal.throwIfAborted();
  const stored = await api.storage.get(key, signal);
  if (!stored) throw notFound(groupResource(definition), key.name);
  const object = decode(stored);
  requireMatchToDelete(definition, object, how.preconditions);
  const { deletionTimestamp, finalizers: before = [] } = object.metadata;
  const finalizers = finalizersFor(how.propagation, before);
  if (deletionTimestamp !== undefined && isDeepStrictEqual(finalizers, before)) return { pending: stored };
  if (deletionTimestamp === undefined) await admitDeletion(api, definition, object, signal);
  if (finalizers.length === 0) {
    if (!dryRun) await api.storage.write({ op: 'delete', key, expect: stored.rv }, signal);
    return { gone: object };
  }
  const json = textOf({ ...object, metadata: metadataForDelete(object.metadata, rfc3339(api.clock.now()), finalizers) });
  return { pending: { json, rv: dryRun ? stored.rv : await api.storage.write({ op: 'update', key, json, expect: stored.rv }, signal) } };
}

/** By these two the garbage collector knows that dependents go first, or stay. */
const foreground = 'foregroundDeletion';
const orphan = 'orphan';

function finalizersFor(propagation: Propagation | undefined, finalizers: readonly string[]): readonly string[] {
  if (propagation === undefined) return finalizers;
  const others = finalizers.filter((finalizer) => finalizer !== foreground && finalizer !== orphan);
  if (propagation === 'Background') return others;
  return [...others, propagation === 'Foreground' ? foreground : orphan];
}
