/** What differs between an object as it was saved and as it is now, as a JSON patch. fast-json-patch: makes them as it applies them. */
import { isDeepStrictEqual } from 'node:util';
import fastJsonPatch from 'fast-json-patch';
import type { ClusterObject } from '../../cluster/cluster.ts';
import { clean } from '../restore/clean.ts';
import { referencesOf, withUidsOf } from '../restore/owner-references.ts';
import { countedOf } from '../restore/three-way.ts';

const asItIs = (name: string) => name;
/** Addresses that a user may have chosen count; where objects lie does not change. */
const options = { preserveNodePorts: true, restoreStatus: false, keepVolume: true, mapNamespace: asItIs, mapStorageClass: asItIs };

/**
 * Empty where nothing differs: where an update by what was saved would change nothing. `resource` is the `plural.group`; values are
 * exact, as parseExactly reads them.
 */
export function patchOf(resource: string, saved: ClusterObject, now: ClusterObject): readonly object[] {
  const wanted = ownedAs(now, clean(resource, saved, options));
  const before = withoutUids(wanted);
  const after = withoutUids(countedOf(wanted, now, clean(resource, now, options)));
  if (isDeepStrictEqual(before, after)) return [];
  return fastJsonPatch.compare(plain(before), plain(after)).map((operation) => {
    if (operation.op !== 'add' && operation.op !== 'replace') return operation;
    return { op: operation.op, path: operation.path, value: fastJsonPatch.getValueByPointer(after, operation.path) as unknown };
  });
}

/** By which uid an owner goes is no difference. */
function ownedAs(live: ClusterObject, object: ClusterObject): ClusterObject {
  return withReferences(object, withUidsOf(referencesOf(live), referencesOf(object)));
}

function withoutUids(object: ClusterObject): ClusterObject {
  const references = referencesOf(object).map((reference) => {
    const { uid: _, ...rest } = reference;
    return rest;
  });
  return withReferences(object, references);
}

function withReferences(object: ClusterObject, ownerReferences: readonly object[]): ClusterObject {
  return ownerReferences.length === 0 ? object : { ...object, metadata: { ...object.metadata, ownerReferences } };
}

/** Large numbers as their digits, because fast-json-patch clones what it puts into a patch by way of JSON. */
function plain(object: ClusterObject): ClusterObject {
  return JSON.parse(JSON.stringify(object, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))) as ClusterObject;
}
