/** What may be deleted to be made anew, and what goes with it. */
import type { ApiResource, ClusterObject } from '../../cluster/cluster.ts';
import { qualified } from '../../machinery/errors.ts';
import { fieldsOf } from '../selection/fields.ts';
import { claims, definitions, namespaces, volumes } from '../selection/known.ts';

/** Their deletion takes with it what no restore brings back. */
const neverRecreated = new Set([namespaces, definitions, volumes, claims]);

export function mayBeRecreated(resource: ApiResource, live: ClusterObject): boolean {
  return !neverRecreated.has(qualified(resource)) && !takesClaims(live);
}

/** A StatefulSet that has its claims deleted with it. */
function takesClaims({ spec }: ClusterObject): boolean {
  return fieldsOf(fieldsOf(spec)['persistentVolumeClaimRetentionPolicy'])['whenDeleted'] === 'Delete';
}

/**
 * What built-in kinds own is made again by their controllers, and goes with them. What custom resources own may be anything, data
 * too: it stays, and gets a reference to the new owner.
 */
export function propagationOf({ group }: ApiResource): 'Background' | 'Orphan' {
  return group.includes('.') && !group.endsWith('.k8s.io') ? 'Orphan' : 'Background';
}
