/** What must hold around an object that is written or goes: its namespace, rights that its content asks for, what it names, who uses it. kube-apiserver does not check these for us. */
import type { Api } from '../api.ts';
import { denialOf } from '../denial.ts';
import { decode } from '../encode.ts';
import { forbidden, notFound, qualified } from '../errors.ts';
import type { FieldError } from '../errors.ts';
import { groupResource } from '../keys.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceDefinition } from '../resource.ts';
import { kylonUser } from '../user.ts';
import type { AccessAttributes, User } from '../user.ts';

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

/** Rejects with ApiError 403 where its creator lacks a right that the content asks for, or it is Kylon's alone. Kylon itself needs none. */
export async function admitCreation(
  api: Api,
  definition: ResourceDefinition,
  object: KubeObject,
  user: User,
  signal: AbortSignal,
): Promise<void> {
  if (user === kylonUser) return;
  refuseWrite(definition, object);
  await requireRights(api, definition, object, { user, rights: definition.rules.rightsToCreate?.(object) }, signal);
}

/** The same of a change of an object. */
export async function admitChange(
  api: Api,
  definition: ResourceDefinition,
  { next, old }: { readonly next: KubeObject; readonly old: KubeObject },
  user: User,
  signal: AbortSignal,
): Promise<void> {
  if (user === kylonUser) return;
  refuseWrite(definition, old);
  await requireRights(api, definition, next, { user, rights: definition.rules.rightsToUpdate?.(next, old) }, signal);
}

function refuseWrite(definition: ResourceDefinition, object: KubeObject): void {
  const refusal = definition.rules.refuseWrite?.(object);
  if (refusal !== undefined) throw forbidden(groupResource(definition), object.metadata.name, refusal);
}

async function requireRights(
  api: Api,
  definition: ResourceDefinition,
  object: KubeObject,
  { user, rights = [] }: { readonly user: User; readonly rights: readonly AccessAttributes[] | undefined },
  signal: AbortSignal,
): Promise<void> {
  for (const attributes of rights) {
    const { allowed, reason } = await api.authorizer.authorize(user, attributes, signal);
    if (!allowed) throw forbidden(groupResource(definition), object.metadata.name, denialOf(user, attributes, reason));
  }
}

/** What a new object names and is not there, or is going. */
export async function referenceFaults(
  api: Api,
  { rules }: ResourceDefinition,
  object: KubeObject,
  signal: AbortSignal,
): Promise<readonly FieldError[]> {
  const faults: FieldError[] = [];
  for (const { field, resource, name } of rules.references?.(object) ?? []) {
    const stored = await api.storage.get({ resource: qualified(resource), namespace: '', name }, signal);
    if (!stored) faults.push({ field, type: 'Not found', value: name, detail: '' });
    else if (decode(stored).metadata.deletionTimestamp !== undefined)
      faults.push({ field, type: 'Invalid value', value: name, detail: 'it is being deleted' });
  }
  return faults;
}

/** Rejects with ApiError 403 where the object is used. */
export async function admitDeletion(api: Api, definition: ResourceDefinition, object: KubeObject, signal: AbortSignal): Promise<void> {
  const refusal = definition.rules.refuseDelete?.(object) ?? (await usersOf(api, definition, object, signal));
  if (refusal !== undefined) throw forbidden(groupResource(definition), object.metadata.name, refusal);
}

/** By how many objects it is used, in words; undefined where by none. */
export async function usersOf(
  api: Pick<Api, 'storage'>,
  { rules: { usedBy } }: ResourceDefinition,
  object: KubeObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  const counts: string[] = [];
  for (const { kind, resource } of usedBy?.kinds ?? []) {
    let count = 0;
    const { items } = await api.storage.list({ resource: qualified(resource), at: 'latest' }, signal);
    for await (const page of items) count += page.filter((stored) => usedBy?.uses(decode(stored), object)).length;
    if (count > 0) counts.push(`${count} ${kind}${count === 1 ? '' : 's'}`);
  }
  return counts.length > 0 ? `it is used by ${counts.join(' and ')}` : undefined;
}
