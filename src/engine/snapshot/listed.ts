/** Objects of the cluster of which there are few enough to be read at once. */
import type { ApiResource, Cluster, ListOptions } from '../../cluster/cluster.ts';

/** As Kylon itself. */
export async function listed<T>(cluster: Cluster, resource: ApiResource, options: ListOptions, signal: AbortSignal): Promise<T[]> {
  const objects: T[] = [];
  for await (const { items } of cluster.list(resource, options, signal))
    objects.push(...items.map((item) => JSON.parse(Buffer.from(item).toString()) as T));
  return objects;
}
