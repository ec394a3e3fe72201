/** A schema of OpenAPI v3, as a server publishes it, in the form that a CustomResourceDefinition takes. */

export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly [keyword: string]: unknown;
}

/** Without references; metadata is left to the API server, as it must be. */
export function structural(name: string, schemas: Readonly<Record<string, Schema>>): Schema {
  const whole = expand({ $ref: `#/components/schemas/${name}` }, schemas);
  const { apiVersion: _, kind: __, ...properties } = whole.properties ?? {};
  return { type: 'object', properties: { ...properties, metadata: { type: 'object' } } };
}

function expand(schema: Schema, schemas: Readonly<Record<string, Schema>>): Schema {
  const { $ref, allOf = [], properties, items, additionalProperties, ...plain } = schema;
  const referred = $ref === undefined ? [] : [found($ref, schemas)];
  const parts = [...referred, ...allOf].map((part) => expand(part, schemas));
  return Object.assign(
    {},
    ...parts,
    plain,
    properties && { properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, expand(one, schemas)])) },
    items && { items: expand(items, schemas) },
    additionalProperties && { additionalProperties: additionalProperties === true ? true : expand(additionalProperties, schemas) },
  ) as Schema;
}

function found(reference: string, schemas: Readonly<Record<string, Schema>>): Schema {
  const name = reference.replace('#/components/schemas/', '');
  // What a CustomResourceDefinition knows of these is its own.
  if (name.endsWith('.ObjectMeta')) return { type: 'object' };
  const schema = schemas[name];
  if (!schema) throw new Error(`the OpenAPI document has no schema ${name}`);
  return schema;
}
