/** From a parsed body to an object of a kind: of the right type, with the fields that the kind knows, and its defaults. */
import { textExactly } from '../../base/exact-json.ts';
import type { Parsed } from './body.ts';
import { badRequest } from '../errors.ts';
import { metaSchemas } from '../description/meta-schema.ts';
import type { KubeObject, ObjectMeta } from '../object.ts';
import { prune } from './prune.ts';
import { groupVersion } from '../resource.ts';
import type { ResourceDefinition } from '../resource.ts';
import { object, optional, text } from '../schema.ts';
import type { TSchema } from '../schema.ts';
import { valueFaults } from './schema-faults.ts';
import type { FieldValidation } from './write-options.ts';

/** What a body is read by: a kind of its own, or one that only a subresource takes. */
export type Form = Pick<ResourceDefinition, 'group' | 'version' | 'kind' | 'fields'>;

/**
 * What a client sent, as an object; fields that the kind does not know are pruned and, as `validation` says, refused or warned of.
 * Throws ApiError 400. The object may still break rules of the kind.
 */
export function decodeObject(
  definition: Form,
  { value, duplicates }: Parsed,
  validation: FieldValidation,
  warn: (text: string) => void,
): KubeObject {
  const sent = fieldsOf(value, definition);
  checkType(sent, definition);
  const unknown: string[] = [];
  const known = prune(rootSchema(definition), sent, '', unknown) as Readonly<Record<string, unknown>>;
  report(definition, unknown, duplicates, validation, warn);
  return { ...known, apiVersion: groupVersion(definition), kind: definition.kind, metadata: metadataOf(definition, known['metadata']) };
}

const roots = new WeakMap<Form, TSchema>();

function rootSchema(definition: Form): TSchema {
  const known = roots.get(definition);
  if (known) return known;
  const made = object('', {
    ...definition.fields,
    apiVersion: optional(text('')),
    kind: optional(text('')),
    metadata: optional(metaSchemas.ObjectMeta),
  });
  roots.set(definition, made);
  return made;
}

function fieldsOf(value: unknown, { kind }: Form): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw badRequest(`the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; it is not a JSON object`);
}

function checkType(sent: Readonly<Record<string, unknown>>, definition: Form): void {
  const version = groupVersion(definition);
  const apiVersion = sent['apiVersion'] ?? '';
  const kind = sent['kind'] ?? '';
  if (apiVersion !== '' && apiVersion !== version)
    throw badRequest(`the API version in the data (${shown(apiVersion)}) does not match the expected API version (${version})`);
  if (kind !== '' && kind !== definition.kind)
    throw badRequest(`the kind in the data (${shown(kind)}) does not match the expected kind (${definition.kind})`);
}

const shown = (value: unknown) => (typeof value === 'string' ? value : textExactly(value));

function metadataOf(definition: Form, metadata: unknown): ObjectMeta {
  const sent = metadata ?? {};
  const mistyped = valueFaults(metaSchemas.ObjectMeta, sent, 'metadata').find(({ detail }) => / of type (?!date-time)/.test(detail));
  if (mistyped) throw cannotHandle(definition, mistyped.detail);
  return { name: '', ...(sent as Partial<ObjectMeta>) };
}

function report(
  definition: Form,
  unknown: readonly string[],
  duplicates: readonly string[],
  validation: FieldValidation,
  warn: (text: string) => void,
): void {
  if (validation === 'Ignore') return;
  const problems = [...unknown.map((path) => `unknown field "${path}"`), ...duplicates.map((path) => `duplicate field "${path}"`)];
  if (validation === 'Strict' && problems.length > 0) throw cannotHandle(definition, `strict decoding error: ${problems.join(', ')}`);
  problems.forEach(warn);
}

const cannotHandle = ({ kind, version }: Form, why: string) =>
  badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
