/** One saved object as it is to be written: cleaned, in the names that are used now, with its owners of now, transformed. */
import type { ApiResource, ClusterObject } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import type { OwnerReference } from '../../machinery/object.ts';
import type { Item, ItemKey } from '../../resources/services.ts';
import { fieldsOf } from '../selection/fields.ts';
import { claims, volumes } from '../selection/known.ts';
import { clean } from './clean.ts';
import { isDisposable } from './not-restored.ts';
import type { Owned } from './owners.ts';
import type { Restoration } from './restoration.ts';
import type { CleanOptions } from './rule.ts';
import { objectOf } from './saved-items.ts';
import { withSavedVolume } from './saved-volume.ts';
import { mapped } from './target.ts';
import type { Writing } from './write-item.ts';

export interface Prepared {
  /** In the version in which it was saved. */
  readonly resource: ApiResource;
  /** Where it goes; empty for what lies in none. */
  readonly namespace: string;
  readonly object: ClusterObject;
  readonly owned: Owned;
  readonly options: CleanOptions;
}

/** Rejects with ApiError 422 where a transform does not fit. */
export async function prepareItem(r: Restoration, served: ApiResource, item: Item, saved: ClusterObject): Promise<Prepared> {
  const options = { ...cleanOptionsOf(r), keepVolume: await keepsVolume(r, item, saved) };
  const owned = await r.owners.resolve(item, saved, r.work.signal);
  const cleaned = withReferences(clean(qualified(item), saved, options), owned.references);
  return {
    resource: { ...served, version: item.version },
    namespace: served.namespaced ? r.mapNamespace(item.namespace) : '',
    object: r.transform(item, await withSavedVolume(r, item, cleaned)),
    owned,
    options,
  };
}

export function cleanOptionsOf({ spec, mapNamespace }: Restoration): CleanOptions {
  return {
    preserveNodePorts: spec.preserveNodePorts ?? false,
    restoreStatus: spec.restoreStatus ?? false,
    keepVolume: false,
    mapNamespace,
    mapStorageClass: (storageClass) => mapped(spec.storageClassMapping, storageClass),
  };
}

/** `key` is the `plural.group` of what is written. */
export function writingOf(r: Restoration, key: string, options: CleanOptions): Writing {
  const { work, cluster, spec } = r;
  /** What is live lies already where it belongs. */
  const asLive = { ...options, mapNamespace: unmapped, mapStorageClass: unmapped };
  return {
    cluster,
    own: work.parts.cluster,
    clock: work.parts.clock,
    policy: spec.existingResourcePolicy ?? 'Skip',
    dryRun: spec.dryRun ?? false,
    clean: (live) => clean(key, live, asLive),
    signal: work.signal,
  };
}

const unmapped = (name: string) => name;

/** A claim goes back to its volume if that is restored too, and in the same namespace. */
async function keepsVolume(r: Restoration, item: ItemKey, claim: ClusterObject): Promise<boolean> {
  const { volumeName } = fieldsOf(claim['spec']);
  if (qualified(item) !== claims || typeof volumeName !== 'string') return false;
  if (r.mapNamespace(item.namespace) !== item.namespace) return false;
  const key = { group: '', resource: volumes, namespace: '', name: volumeName };
  const { items } = await r.reader.items({ ...key, limit: 1, continue: '', labelSelector: '' }, r.work.signal);
  if (!items.some((volume) => r.choice.takes(volume))) return false;
  const saved = await r.reader.item(key, r.work.signal);
  return saved !== undefined && !isDisposable(objectOf(saved));
}

function withReferences(object: ClusterObject, references: readonly OwnerReference[]): ClusterObject {
  if (object.metadata['ownerReferences'] === undefined) return object;
  const { ownerReferences: _, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: { ...metadata, name: object.metadata.name, ...(references.length > 0 && { ownerReferences: references }) },
  };
}
