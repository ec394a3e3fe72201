/** Reading and writing single objects. */
import type { ApiClient } from './client.ts';
import { ClusterError } from './cluster.ts';
import type { ApiResource, Cluster, ClusterObject, WriteOptions } from './cluster.ts';
import { collectionPath, objectPath } from './paths.ts';

type Objects = Pick<Cluster, 'get' | 'create' | 'update' | 'patch' | 'delete'>;

/** Under which managedFields name what Kylon writes. */
const fieldManager = 'kylon';

export function objectsOf(client: ApiClient): Objects {
  return {
    get: (resource, namespace, name, signal) => getObject(client, objectPath(resource, namespace, name), signal),
    create: (resource, namespace, object, options, signal) =>
      client.json({ method: 'POST', path: collectionPath(resource, namespace), query: writeQuery(options), body: object }, signal),
    update: (resource, namespace, object, options, signal) =>
      client.json(
        { method: 'PUT', path: objectPath(resource, namespace, object.metadata.name), query: writeQuery(options), body: object },
        signal,
      ),
    patch: (resource, namespace, name, patch, options, signal) =>
      client.json(
        {
          method: 'PATCH',
          path: objectPath(resource, namespace, name, options.subresource),
          query: writeQuery(options),
          headers: { 'Content-Type': 'application/merge-patch+json' },
          body: patch,
        },
        signal,
      ),
    delete: (resource, namespace, name, options, signal) => deleteObject(client, resource, namespace, name, options, signal),
  };
}

async function getObject(client: ApiClient, path: string, signal: AbortSignal): Promise<ClusterObject | undefined> {
  try {
    return await client.json<ClusterObject>({ path }, signal);
  } catch (error) {
    if (error instanceof ClusterError && error.code === 404) return undefined;
    throw error;
  }
}

async function deleteObject(
  client: ApiClient,
  resource: ApiResource,
  namespace: string,
  name: string,
  options: Parameters<Cluster['delete']>[3],
  signal: AbortSignal,
): Promise<void> {
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    ...(options.uid && { preconditions: { uid: options.uid } }),
    ...(options.propagationPolicy && { propagationPolicy: options.propagationPolicy }),
    ...(options.dryRun && { dryRun: ['All'] }),
  };
  await client.json({ method: 'DELETE', path: objectPath(resource, namespace, name), body }, signal);
}

function writeQuery({ dryRun }: WriteOptions): Record<string, string | undefined> {
  return { fieldManager, dryRun: dryRun ? 'All' : undefined };
}
