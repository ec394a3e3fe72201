/** What is wrong with an object by its schema, in the words in which Kubernetes says it of custom resources. */
import { IsOptional } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Validator } from 'typebox/compile';
import { textExactly } from '../../base/exact-json.ts';
import type { FieldError } from '../errors.ts';
import type { KubeObject } from '../object.ts';
import type { ResourceDefinition } from '../resource.ts';
import type { TSchema } from '../schema.ts';

const compiled = new WeakMap<TSchema, Validator>();

/** Checks those of the kind's own fields that are named. */
export function schemaFaults(definition: ResourceDefinition, object: KubeObject, fields: readonly string[]): readonly FieldError[] {
  return fields.flatMap((field) => {
    const schema = definition.fields[field];
    return schema ? valueFaults(schema, object[field], field) : [];
  });
}

export function valueFaults(schema: TSchema, value: unknown, field: string): readonly FieldError[] {
  if (value === undefined) return IsOptional(schema) ? [] : [{ field, type: 'Required value', detail: '' }];
  const validator = validatorOf(schema);
  return validator.Check(value) ? [] : faultsIn(validator, value, field);
}

function validatorOf(schema: TSchema): Validator {
  const known = compiled.get(schema);
  if (known) return known;
  const made = Compile(schema);
  compiled.set(schema, made);
  return made;
}

/** As TypeBox tells them; the params depend on the keyword. */
interface Found {
  readonly keyword: string;
  readonly instancePath: string;
  readonly params: { readonly [param: string]: unknown };
}

/** A value of the wrong type has no other faults, and a map has those of its values. */
function faultsIn(validator: Validator, value: unknown, root: string): readonly FieldError[] {
  const found = validator.Errors(value) as readonly Found[];
  const mistyped = new Set(found.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath));
  return found
    .filter(({ keyword, instancePath }) => keyword === 'type' || !(mistyped.has(instancePath) || keyword === 'additionalProperties'))
    .flatMap((error) => translated(error, ...resolve(value, error.instancePath, root)));
}

/** The path of a JSON pointer as Kubernetes writes it, and what lies there. */
function resolve(value: unknown, pointer: string, root: string): [field: string, value: unknown] {
  let field = root;
  let at = value;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    field += Array.isArray(at) ? `[${key}]` : `.${key}`;
    at = (at as Record<string, unknown>)[key];
  }
  return [field, at];
}

function translated({ keyword, params }: Found, field: string, value: unknown): readonly FieldError[] {
  if (keyword === 'required')
    return (params['requiredProperties'] as string[]).map((name) => ({ field: `${field}.${name}`, type: 'Required value', detail: '' }));
  if (keyword === 'type') return [mistyped(field, value, String(params['type']))];
  if (keyword === 'enum')
    return [{ field, type: 'Unsupported value', value, detail: `supported values: ${quoted(params['allowedValues'] as unknown[])}` }];
  if (keyword === 'maxLength') return [{ field, type: 'Too long', detail: `may not be more than ${String(params['limit'])} bytes` }];
  if (keyword === 'maxItems')
    return [{ field, type: 'Too many', detail: `${(value as unknown[]).length}: must have at most ${String(params['limit'])} items` }];
  return [{ field, type: 'Invalid value', value, detail: `${field} in body ${demand(keyword, params, value)}` }];
}

function mistyped(field: string, value: unknown, wanted: string): FieldError {
  const actual = typeName(value);
  return { field, type: 'Invalid value', value: actual, detail: `${field} in body must be of type ${wanted}: "${actual}"` };
}

function demand(keyword: string, params: Found['params'], value: unknown): string {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'pattern':
      return `should match '${patternOf(params['pattern'])}'`;
    case 'minLength':
      return `should be at least ${limit} chars long`;
    case 'minItems':
      return `should have at least ${limit} items`;
    case 'minimum':
      return `should be greater than or equal to ${limit}`;
    case 'maximum':
      return `should be less than or equal to ${limit}`;
    case 'format':
      return `must be of type ${String(params['format'])}: ${textExactly(value)}`;
    default:
      return `does not fulfil ${keyword}`;
  }
}

const patternOf = (pattern: unknown) => (pattern instanceof RegExp ? pattern.source : String(pattern));

const quoted = (values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join(', ');

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'bigint') return 'integer beyond 2^53';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
