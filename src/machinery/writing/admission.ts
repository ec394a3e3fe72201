/** What must hold around a new object: its namespace, and the rights that its content asks for. kube-apiserver does not check these for us. */
import type { Api } from '../api.ts';
import { denialOf } from '../denial.ts';
import { forbidden, notFound } from '../errors.ts';
import { groupResource } from '../keys.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceDefinition } from '../resource.ts';
import { kylonUser } from '../user.ts';
import type { User } from '../user.ts';

/** Rejects with ApiError 404 or 403 where nothing may be created in the namespace of this object. */
export async function admitNamespace(api: Api, definition: ResourceDefinition, object: KubeObject, signal: AbortSignal): Promise<void> {
  const { name, namespace } = object.metadata;
  if (!definition.namespaced || namespace === undefined) return;
  const phase = await api.namespaces.phase(namespace, signal);
  if (phase === 'Active') return;
  if (phase === undefined) {
    if (await bringsNamespaceBack(api, definition, object, signal)) return;
    throw notFound({ group: '', resource: 'namespaces' }, namespace);
  }
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' };
  throw forbidden(groupResource(definition), name, why, [cause]);
}

async function bringsNamespaceBack(api: Api, definition: ResourceDefinition, object: KubeObject, signal: AbortSignal): Promise<boolean> {
  const key = definition.rules.createsNamespace?.(object);
  return key !== undefined && (await api.storage.get(key, signal)) !== undefined;
}

/** Rejects with ApiError 403 where its creator lacks a right that the content asks for. Kylon itself needs none. */
export async function admitRights(
  api: Api,
  definition: ResourceDefinition,
  object: KubeObject,
  user: User,
  signal: AbortSignal,
): Promise<void> {
  if (user === kylonUser) return;
  for (const attributes of definition.rules.rightsToCreate?.(object) ?? []) {
    const { allowed, reason } = await api.authorizer.authorize(user, attributes, signal);
    if (!allowed) throw forbidden(groupResource(definition), object.metadata.name, denialOf(user, attributes, reason));
  }
}
