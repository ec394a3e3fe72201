/** The state of an object after a change: what the client may set is as it was sent, everything else as it was. */
import { isDeepStrictEqual } from 'node:util';
import { metadataForUpdate, warnOfBareFinalizers, withoutDuplicateOwners } from './metadata.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceDefinition } from '../resource.ts';
import type { User } from '../user.ts';

export interface Changer {
  readonly user: User;
  readonly warn: (text: string) => void;
}

/** What a change is about: with a status subresource either all but the status, or nothing but the status. */
export type Part = 'object' | 'status';

export function nextState(
  definition: ResourceDefinition,
  old: KubeObject,
  sent: KubeObject,
  part: Part,
  { user, warn }: Changer,
): KubeObject {
  const merged = part === 'status' ? withStatusOf(old, sent) : mainPart(definition, old, sent, warn);
  const prepared = definition.rules.prepareForUpdate?.(merged, old, user) ?? merged;
  if (!countsGenerations(definition) || isDeepStrictEqual(desired(prepared), desired(old))) return prepared;
  return { ...prepared, metadata: { ...prepared.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
}

/** Whether metadata.generation counts the changes of what users want. */
export function countsGenerations({ statusSubresource, fields }: ResourceDefinition): boolean {
  return statusSubresource || 'spec' in fields;
}

function mainPart(definition: ResourceDefinition, old: KubeObject, sent: KubeObject, warn: (text: string) => void): KubeObject {
  warnOfBareFinalizers(sent.metadata, old.metadata, warn);
  const changed = { ...sent, metadata: metadataForUpdate(withoutDuplicateOwners(sent.metadata, warn), old.metadata) };
  return definition.statusSubresource ? withStatusOf(changed, old) : changed;
}

function withStatusOf(object: KubeObject, other: KubeObject): KubeObject {
  const { status: _, ...rest } = object;
  return { ...(rest as KubeObject), ...(other.status !== undefined && { status: other.status }) };
}

function desired({ metadata: _metadata, status: _status, ...rest }: KubeObject): unknown {
  return rest;
}
