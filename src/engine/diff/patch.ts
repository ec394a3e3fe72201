/** What differs between an object as it was saved and as it is now, as a JSON patch. fast-json-patch: makes them as it applies them. */
import { isDeepStrictEqual } from 'node:util';
import fastJsonPatch from 'fast-json-patch';
import type { ClusterObject } from '../../cluster/cluster.ts';
import { clean } from '../restore/clean.ts';
import { listOf } from '../selection/fields.ts';
import { wished } from './managed-fields.ts';

const asItIs = (name: string) => name;
/** Addresses that a user may have chosen count; where objects lie does not change. */
const options = { preserveNodePorts: true, restoreStatus: false, keepVolume: true, mapNamespace: asItIs, mapStorageClass: asItIs };

/** Empty where nothing differs. `resource` is the `plural.group`; values are exact, as parseExactly reads them. */
export function patchOf(resource: string, saved: ClusterObject, now: ClusterObject): readonly object[] {
  const before = comparable(resource, saved);
  const after = comparable(resource, wished(now, saved));
  if (isDeepStrictEqual(before, after)) return [];
  return fastJsonPatch.compare(plain(before), plain(after)).map((operation) => {
    if (operation.op !== 'add' && operation.op !== 'replace') return operation;
    return { op: operation.op, path: operation.path, value: fastJsonPatch.getValueByPointer(after, operation.path) as unknown };
  });
}

/** What the server and the restore make anew is left out, and so is by which uid an owner goes. */
function comparable(resource: string, object: ClusterObject): ClusterObject {
  const draft = clean(resource, object, options);
  for (const owner of listOf(draft.metadata['ownerReferences'])) delete owner['uid'];
  return draft;
}

/** Large numbers as their digits, because fast-json-patch clones what it puts into a patch by way of JSON. */
function plain(object: ClusterObject): ClusterObject {
  return JSON.parse(JSON.stringify(object, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))) as ClusterObject;
}
