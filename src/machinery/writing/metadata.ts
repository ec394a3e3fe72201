/** What becomes of the metadata that a client sends: the server's own fields are set, kept, or put back. */
import type { ObjectMeta } from '../object.ts';

export interface Birth {
  readonly name: string;
  /** Undefined for what lies in no namespace. */
  readonly namespace: string | undefined;
  readonly uid: string;
  /** RFC 3339. */
  readonly at: string;
  /** Whether the kind counts generations. */
  readonly counted: boolean;
}

export function metadataForCreate(sent: ObjectMeta, birth: Birth): ObjectMeta {
  return {
    name: birth.name,
    ...(sent.generateName && { generateName: sent.generateName }),
    ...(birth.namespace !== undefined && { namespace: birth.namespace }),
    uid: birth.uid,
    ...(birth.counted && { generation: 1 }),
    creationTimestamp: birth.at,
    ...free(sent),
  };
}

/** Clients change what is theirs: labels, annotations, owners and finalizers. */
export function metadataForUpdate(sent: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const { labels: _labels, annotations: _annotations, ownerReferences: _owners, finalizers: _finalizers, ...fixed } = old;
  return { ...fixed, ...free(sent) };
}

/** The same metadata, marked as of an object that goes as soon as its finalizers do. Marked it is once: a later deletion may only say how. */
export function metadataForDelete(old: ObjectMeta, at: string, finalizers: readonly string[]): ObjectMeta {
  const { finalizers: _, ...rest } = old;
  if (old.deletionTimestamp !== undefined) return { ...rest, finalizers: [...finalizers] };
  return {
    ...rest,
    deletionTimestamp: at,
    deletionGracePeriodSeconds: 0,
    ...(old.generation !== undefined && { generation: old.generation + 1 }),
    finalizers: [...finalizers],
  };
}

/** An owner counts once, however often it is named: the first time. */
export function withoutDuplicateOwners(metadata: ObjectMeta, warn: (text: string) => void): ObjectMeta {
  const owners = metadata.ownerReferences ?? [];
  const unique = owners.filter((owner, index) => owners.findIndex(({ uid }) => uid === owner.uid) === index);
  if (unique.length === owners.length) return metadata;
  const twice = owners.find((owner, index) => owners.findIndex(({ uid }) => uid === owner.uid) !== index);
  warn(
    `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${twice?.uid}`,
  );
  return { ...metadata, ownerReferences: unique };
}

/** Those of Kubernetes itself. */
const standardFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

/** A new finalizer without a domain may be that of somebody else as well. */
export function warnOfBareFinalizers({ finalizers = [] }: ObjectMeta, old: ObjectMeta | undefined, warn: (text: string) => void): void {
  for (const finalizer of finalizers) {
    if (finalizer.includes('/') || standardFinalizers.has(finalizer) || old?.finalizers?.includes(finalizer)) continue;
    const path = finalizer.includes('.') ? ' including a path (/)' : '';
    warn(
      `metadata.finalizers: "${finalizer}": prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
    );
  }
}

/** What belongs to the clients; what is empty is left out. */
function free({ labels, annotations, ownerReferences, finalizers }: ObjectMeta): Partial<ObjectMeta> {
  return {
    ...(labels && Object.keys(labels).length > 0 && { labels }),
    ...(annotations && Object.keys(annotations).length > 0 && { annotations }),
    ...(ownerReferences && ownerReferences.length > 0 && { ownerReferences }),
    ...(finalizers && finalizers.length > 0 && { finalizers: [...new Set(finalizers)] }),
  };
}
