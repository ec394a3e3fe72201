/** Where the objects of a kind lie in Storage, and how messages name the kind. */
import { qualified } from './errors.ts';
import type { GroupResource } from './errors.ts';
import type { ResourceDefinition } from './resource.ts';
import type { ObjectKey, ResourceKey } from './storage.ts';

export function groupResource({ group, plural }: ResourceDefinition): GroupResource {
  return { group, resource: plural };
}

export function resourceKey(definition: ResourceDefinition): ResourceKey {
  return qualified(groupResource(definition));
}

/** The path of a Namespace names it twice, as the namespace and as the name; it lies in no namespace all the same. */
export function objectKey(definition: ResourceDefinition, namespace: string | undefined, name: string): ObjectKey {
  return { resource: resourceKey(definition), namespace: (definition.namespaced && namespace) || '', name };
}
