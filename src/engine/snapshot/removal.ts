/** Deletes what was seen, and nothing that has its name by now; and what is no fault where others make and delete the same. */
import type { ApiResource, Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';

/** As Kylon itself; one that is going already is left to go. */
export async function remove(cluster: Cluster, resource: ApiResource, { metadata }: ClusterObject, signal: AbortSignal): Promise<void> {
  const { name, namespace = '', uid } = metadata;
  if (metadata['deletionTimestamp'] !== undefined) return;
  await cluster.delete(resource, namespace, name, { ...(uid !== undefined && { uid }) }, signal).catch(unlessGone);
}

/** For what is made once, by whoever comes first. */
export function unlessThere(error: unknown): void {
  if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
}

export function unlessGone(error: unknown): void {
  if (!(error instanceof ClusterError) || error.code !== 404) throw error;
}
