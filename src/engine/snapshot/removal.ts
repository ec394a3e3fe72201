/** Deletes what was seen, and nothing that has its name by now. */
import type { ApiResource, Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';

/** As Kylon itself; one that is going already is left to go. */
export async function remove(cluster: Cluster, resource: ApiResource, { metadata }: ClusterObject, signal: AbortSignal): Promise<void> {
  const { name, namespace = '', uid } = metadata;
  if (metadata['deletionTimestamp'] !== undefined) return;
  await cluster.delete(resource, namespace, name, { ...(uid !== undefined && { uid }) }, signal).catch(unlessGone);
}

export function unlessGone(error: unknown): void {
  if (!(error instanceof ClusterError) || error.code !== 404) throw error;
}
