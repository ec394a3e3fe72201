/** Objects that a backup holds and a restore leaves out, because bringing them back would be useless or harmful. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { fieldsOf, listOf } from '../selection/fields.ts';

/** Why, or undefined for an object to restore. `resource` is its `plural.group`. */
export function reasonNotToRestore(resource: string, object: ClusterObject): string | undefined {
  return rules[resource]?.(object);
}

const rules: Readonly<Record<string, (object: ClusterObject) => string | undefined>> = {
  secrets: (secret) =>
    secret['type'] === 'kubernetes.io/service-account-token'
      ? 'its token belongs to a ServiceAccount that is no more; the cluster makes a new one'
      : undefined,
  pods: reasonOfPod,
  'jobs.batch': (job) => (hasEnded(job) ? 'it has run to its end; restored, it would run again' : undefined),
  persistentvolumes: (volume) =>
    isDisposable(volume) ? 'its storage is deleted with it (reclaim policy Delete); its claim gets new storage' : undefined,
};

/** Dynamically provisioned storage that went when the volume did. */
export function isDisposable(volume: ClusterObject): boolean {
  const provisioned = fieldsOf(volume.metadata['annotations'])['pv.kubernetes.io/provisioned-by'] !== undefined;
  return provisioned && fieldsOf(volume['spec'])['persistentVolumeReclaimPolicy'] === 'Delete';
}

function reasonOfPod(pod: ClusterObject): string | undefined {
  if (fieldsOf(pod.metadata['annotations'])['kubernetes.io/config.mirror'] !== undefined) return 'it mirrors a file on a node';
  const phase = fieldsOf(pod['status'])['phase'];
  return phase === 'Succeeded' || phase === 'Failed' ? 'it has run to its end; restored, it would run again' : undefined;
}

function hasEnded(job: ClusterObject): boolean {
  const conditions = listOf(fieldsOf(job['status'])['conditions']);
  return conditions.some(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
}
