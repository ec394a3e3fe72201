/** Objects that a backup holds and a restore leaves out, because bringing them back would be useless or harmful. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { OwnerReference } from '../../machinery/object.ts';
import { fieldsOf, listOf } from '../selection/fields.ts';
import { claims, volumes } from '../selection/known.ts';
import { tokenType } from './cleaning-rules.ts';

/** Each is a row of the table in docs/restore.md. */
export interface Omission {
  /** Its `plural.group`. */
  readonly resource: string;
  readonly which: string;
  readonly why: string;
  readonly holds: (object: ClusterObject) => boolean;
}

export const omissions: readonly Omission[] = [
  {
    resource: 'secrets',
    which: `of the type ${tokenType}, named ACCOUNT-token-*`,
    why: 'its token was made for a ServiceAccount that is no more',
    holds: isMadeToken,
  },
  {
    resource: 'pods',
    which: 'with the annotation kubernetes.io/config.mirror',
    why: 'it mirrors a file on a node',
    holds: ({ metadata }) => fieldsOf(metadata['annotations'])['kubernetes.io/config.mirror'] !== undefined,
  },
  {
    resource: 'pods',
    which: 'in the phase Succeeded or Failed',
    why: 'it has run to its end; restored, it would run again',
    holds: (pod) => ['Succeeded', 'Failed'].includes(String(fieldsOf(pod['status'])['phase'])),
  },
  {
    resource: 'jobs.batch',
    which: 'with the condition Complete or Failed',
    why: 'it has run to its end; restored, it would run again',
    holds: (job) =>
      listOf(fieldsOf(job['status'])['conditions']).some(
        ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
      ),
  },
  {
    resource: volumes,
    which: 'that were provisioned, with the reclaim policy Delete',
    why: 'its storage is deleted with it (reclaim policy Delete); its claim gets new storage',
    holds: isDisposable,
  },
  {
    resource: claims,
    which: 'whose controller is a Pod',
    why: 'it is an ephemeral volume: it lives as long as its Pod, and the new Pod makes its own',
    holds: ({ metadata }) => ownersOf(metadata).some(({ kind, controller }) => kind === 'Pod' && controller === true),
  },
];

/** Why, or undefined for an object to restore. `resource` is its `plural.group`. */
export function reasonNotToRestore(resource: string, object: ClusterObject): string | undefined {
  return omissions.find((omission) => omission.resource === resource && omission.holds(object))?.why;
}

/** Dynamically provisioned storage that went when the volume did. */
export function isDisposable(volume: ClusterObject): boolean {
  const provisioned = fieldsOf(volume.metadata['annotations'])['pv.kubernetes.io/provisioned-by'] !== undefined;
  return provisioned && fieldsOf(volume['spec'])['persistentVolumeReclaimPolicy'] === 'Delete';
}

/** Clusters before 1.24 made one for each account; those that users make have names of their own, and get a new token. */
function isMadeToken({ type, metadata }: ClusterObject): boolean {
  const account = fieldsOf(metadata['annotations'])['kubernetes.io/service-account.name'];
  return type === tokenType && typeof account === 'string' && metadata.name.startsWith(`${account}-token-`);
}

const ownersOf = ({ ownerReferences }: ClusterObject['metadata']): readonly OwnerReference[] =>
  Array.isArray(ownerReferences) ? (ownerReferences as OwnerReference[]) : [];
