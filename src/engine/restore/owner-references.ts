/** References of objects to their owners: read, and those of two objects put together. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { OwnerReference } from '../../machinery/object.ts';
import { listOf } from '../selection/fields.ts';

/** Those of the live object, then the others. A reference to an owner of that name that is gone is replaced; a second controller is left out. */
export function joinedReferences(wanted: readonly OwnerReference[], live: readonly OwnerReference[]): readonly OwnerReference[] {
  const isReplaced = (one: OwnerReference) => wanted.some((other) => isSameOwner(one, other) && one.uid !== other.uid);
  const kept = live.filter((one) => !isReplaced(one));
  const hasController = kept.some(({ controller }) => controller);
  const added = wanted.filter((one) => !kept.some(({ uid }) => uid === one.uid) && !(one.controller && hasController));
  return [...kept, ...added];
}

const isSameOwner = (a: OwnerReference, b: OwnerReference) => a.kind === b.kind && a.name === b.name && groupOf(a) === groupOf(b);
const groupOf = ({ apiVersion = '' }: Partial<OwnerReference>) => apiVersion.replace(/\/?[^/]*$/, '');

export const referencesOf = ({ metadata }: ClusterObject): readonly OwnerReference[] =>
  listOf(metadata['ownerReferences']) as unknown as readonly OwnerReference[];

/** References to owners of that name, whatever their uid, get the uid that `live` knows them by. */
export function withUidsOf(live: readonly OwnerReference[], wanted: readonly OwnerReference[]): readonly OwnerReference[] {
  return wanted.map((one) => ({ ...one, uid: (live.find((other) => isSameOwner(one, other)) ?? one).uid }));
}
