/** What of a saved object is sent to the cluster: its will, not what the old cluster wrote into it. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { cleaningRules } from './cleaning-rules.ts';
import type { CleanOptions } from './cleaning-rules.ts';

/** metadata that the server makes. */
const serverMade = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'];
/** Of an object that was just being deleted. */
const deletion = ['deletionTimestamp', 'deletionGracePeriodSeconds'];
/** Orders to the garbage collector that end with the deletion. */
const deletionFinalizers = new Set(['foregroundDeletion', 'orphan']);

/** A new object; `resource` is the `plural.group`. Owner references are left to owners.ts. */
export function clean(resource: string, object: ClusterObject, options: CleanOptions): ClusterObject {
  const draft = structuredClone(object);
  delete draft['status'];
  for (const field of [...serverMade, ...deletion]) delete draft.metadata[field];
  dropDeletionFinalizers(draft);
  if (draft.metadata.namespace) draft.metadata.namespace = options.mapNamespace(draft.metadata.namespace);
  cleaningRules[resource]?.(draft, options);
  return draft;
}

function dropDeletionFinalizers({ metadata }: ClusterObject): void {
  if (!Array.isArray(metadata['finalizers'])) return;
  const kept = metadata['finalizers'].filter((finalizer) => !deletionFinalizers.has(String(finalizer)));
  if (kept.length) metadata['finalizers'] = kept;
  else delete metadata['finalizers'];
}
