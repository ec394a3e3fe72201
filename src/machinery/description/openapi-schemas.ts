/** The schemas that are published for one group and version: its kinds, their parts, and metadata, all under names of its own. */
import type { ReferenceObject, SchemaObject } from 'openapi3-ts/oas30';
import type { GroupVersion } from './group-versions.ts';
import { metaSchemas } from './meta-schema.ts';
import type { ResourceDefinition, Subresource } from '../resource.ts';
import { object, optional, text } from '../schema.ts';
import type { TSchema } from '../schema.ts';

type Schemas = Record<string, SchemaObject>;
type Properties = Record<string, SchemaObject | ReferenceObject>;
type Named = Pick<GroupVersion, 'group' | 'version'>;

/** `io.kylon.backup.v1alpha1.Backup`. */
function schemaName({ group, version }: Named, kind: string): string {
  const parts = group ? group.split('.').toReversed() : ['core'];
  return [...parts, version, kind].join('.');
}

export function schemaReference(served: Named, kind: string): ReferenceObject {
  return { $ref: `#/components/schemas/${schemaName(served, kind)}` };
}

export function groupVersionKind({ group, version }: Named, kind: string) {
  return { group, version, kind };
}

/** Sorted by name. */
export function schemasOf(served: GroupVersion): Schemas {
  const all = [
    ...Object.entries(metaSchemas).map(([name, schema]): [string, SchemaObject] => [
      schemaName(served, name),
      metaSchema(served, name, schema),
    ]),
    ...served.definitions.flatMap((definition) => kindSchemas(served, definition)),
    ...subresourceKinds(served).map((sub): [string, SchemaObject] => [
      schemaName(served, sub.kind),
      topLevel(served, sub.kind, sub.description, copies(sub.fields ?? {}), sub.kind.endsWith('List') ? 'ListMeta' : 'ObjectMeta'),
    ]),
  ];
  return Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function metaSchema(served: GroupVersion, name: string, schema: TSchema): SchemaObject {
  const kind = name === 'DeleteOptions' && { 'x-kubernetes-group-version-kind': [groupVersionKind(served, name)] };
  return { ...copy(schema), ...kind };
}

/**
 * A kind, its list, and each of its top-level fields that has fields of its own: BackupSpec, BackupStatus. What those are for is
 * said where they are referred to, since `kubectl explain` prints both places.
 */
function kindSchemas(served: GroupVersion, definition: ResourceDefinition): [string, SchemaObject][] {
  const { kind, fields, description } = definition;
  const own = Object.entries(copies(fields));
  const parts = own.filter(([, schema]) => schema.properties !== undefined);
  const properties = own.map(([field, schema]): [string, SchemaObject | ReferenceObject] => [
    field,
    schema.properties ? described(schemaReference(served, partName(kind, field)), schema.description) : schema,
  ]);
  const items = { type: 'array', description: 'The objects.', items: schemaReference(served, kind) } as const;
  const required = object('', fields).required;
  return [
    [schemaName(served, kind), topLevel(served, kind, description, Object.fromEntries(properties), 'ObjectMeta', required)],
    [
      schemaName(served, `${kind}List`),
      topLevel(served, `${kind}List`, `A list of objects of kind ${kind}.`, { items }, 'ListMeta', ['items']),
    ],
    ...parts.map(([field, schema]): [string, SchemaObject] => [
      schemaName(served, partName(kind, field)),
      { ...schema, description: `The ${field} of a ${kind}.` },
    ]),
  ];
}

function topLevel(
  served: GroupVersion,
  kind: string,
  description: string,
  properties: Properties,
  metadata: 'ObjectMeta' | 'ListMeta',
  required: readonly string[] = [],
): SchemaObject {
  return {
    type: 'object',
    description,
    ...(required.length > 0 && { required: [...required] }),
    properties: {
      ...copies(typeFields),
      metadata: described(schemaReference(served, metadata), metadataText[metadata]),
      ...properties,
    },
    'x-kubernetes-group-version-kind': [groupVersionKind(served, kind)],
  };
}

const typeFields = {
  apiVersion: optional(text('Group and version of this object, such as apps/v1.')),
  kind: optional(text('Kind of this object in CamelCase. It cannot be changed.')),
};

const metadataText = {
  ObjectMeta: 'Name, namespace, labels and all else that every object has.',
  ListMeta: 'The number at which the list was true, and the token for its next page.',
};

/** Kinds that only subresources have, each once. */
function subresourceKinds({ definitions }: GroupVersion): readonly Subresource[] {
  const known = new Set(definitions.map(({ kind }) => kind));
  const foreign = definitions.flatMap(({ subresources }) => subresources).filter(({ kind, fields }) => fields && !known.has(kind));
  return [...new Map(foreign.map((sub) => [sub.kind, sub])).values()];
}

const partName = (kind: string, field: string) => `${kind}${field.charAt(0).toUpperCase()}${field.slice(1)}`;

/** A reference with a text of its own; beside a bare $ref, OpenAPI 3.0 allows none. */
function described(reference: ReferenceObject, description = ''): SchemaObject {
  return { description, allOf: [reference] };
}

/** Plain JSON of a schema, without what TypeBox keeps beside it. */
function copy(schema: TSchema): SchemaObject {
  return JSON.parse(JSON.stringify(schema)) as SchemaObject;
}

function copies(fields: Readonly<Record<string, TSchema>>): Record<string, SchemaObject> {
  return Object.fromEntries(Object.entries(fields).map(([field, schema]) => [field, copy(schema)]));
}
