/** OpenAPI 2.0 (Swagger), turned from the documents of OpenAPI 3.0: kube-apiserver merges it into its own. */
import type { OpenAPIObject, OperationObject, ParameterObject, PathItemObject, RequestBodyObject, SchemaObject } from 'openapi3-ts/oas30';

export interface Swagger {
  readonly swagger: '2.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, unknown>>;
}

/** One document of all. Throws where two of them claim the same path. */
export function openapiV2(documents: readonly OpenAPIObject[]): Swagger {
  const paths = documents.flatMap((document) => Object.entries(document.paths as Record<string, PathItemObject>));
  const twice = paths.find(([path], index) => paths.findIndex(([other]) => other === path) !== index);
  if (twice) throw new Error(`two groups serve ${twice[0]}`);
  const schemas = documents.flatMap((document) => Object.entries(document.components?.schemas ?? {}));
  return {
    swagger: '2.0',
    info: { title: 'Kylon', version: 'unversioned' },
    paths: Object.fromEntries(paths.map(([path, item]) => [path, pathItem(item)])),
    definitions: Object.fromEntries(schemas.map(([name, schema]) => [name, schemaV2(schema)])),
  };
}

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const;

function pathItem(item: PathItemObject) {
  const operations = methods.flatMap((method) => (item[method] ? [[method, operation(item[method])] as const] : []));
  return { parameters: (item.parameters as ParameterObject[]).map(parameter), ...Object.fromEntries(operations) };
}

function operation({ requestBody, responses, parameters: given = [], ...rest }: OperationObject) {
  const body = requestBody as RequestBodyObject | undefined;
  const parameters = [...(body ? [bodyParameter(body)] : []), ...(given as ParameterObject[]).map(parameter)];
  const answers = Object.entries<Response>(responses);
  const produces = Object.keys(answers[0]?.[1].content ?? {});
  return {
    ...rest,
    consumes: body ? Object.keys(body.content) : ['*/*'],
    produces,
    schemes: ['https'],
    ...(parameters.length > 0 && { parameters }),
    responses: Object.fromEntries(answers.map(([code, { description, content }]) => [code, response(description, content)])),
  };
}

interface Response {
  readonly description: string;
  readonly content?: RequestBodyObject['content'];
}

function response(description: string, content: RequestBodyObject['content'] | undefined) {
  return content ? { description, schema: schemaV2(firstSchema(content)) } : { description };
}

function bodyParameter({ content, required }: RequestBodyObject) {
  return { name: 'body', in: 'body', ...(required && { required }), schema: schemaV2(firstSchema(content)) };
}

const firstSchema = (content: RequestBodyObject['content']) => Object.values(content)[0]?.schema ?? {};

function parameter({ schema, ...rest }: ParameterObject) {
  return { ...rest, ...(schema as SchemaObject) };
}

/**
 * Differences of a schema: references lie elsewhere and may have a description beside them, and there are no defaults,
 * because kubectl's own validation stumbles over some. It has no choice of schemas either: the first one stands for all.
 */
function schemaV2(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(schemaV2);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { allOf, anyOf, ...rest } = schema as Record<string, unknown>;
  if (Array.isArray(anyOf)) return schemaV2(anyOf[0]);
  if (Array.isArray(allOf)) return { ...rest, ...(schemaV2(allOf[0]) as object) };
  return Object.fromEntries(Object.entries(rest).flatMap(([key, value]) => member(key, value)));
}

function member(key: string, value: unknown): [string, unknown][] {
  if (key === '$ref') return [[key, String(value).replace('#/components/schemas/', '#/definitions/')]];
  if (key === 'properties') return [[key, mapValues(value as Record<string, unknown>, schemaV2)]];
  return key === 'default' ? [] : [[key, schemaV2(value)]];
}

function mapValues(record: Readonly<Record<string, unknown>>, change: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
