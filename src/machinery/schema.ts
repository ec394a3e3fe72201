/**
 * The words in which kinds describe their fields. Each makes a TypeBox schema that *is* OpenAPI 3.0 as Kubernetes publishes
 * it (structural: a type on every node, maps as additionalProperties), and gives the TypeScript type with `Static`.
 * TypeBox was chosen because the schema object is the JSON Schema itself: nothing is translated.
 */
import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';

export type { Static, TSchema };

interface Extensions {
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
}

export const text = (
  description: string,
  options: { pattern?: string; maxLength?: number; minLength?: number; format?: string; default?: string } = {},
) => Type.Unsafe<string>({ type: 'string', description, ...options });

export const integer = (
  description: string,
  options: { minimum?: number; maximum?: number; format?: 'int32' | 'int64'; default?: number } = {},
) => Type.Unsafe<number>({ type: 'integer', format: 'int64', description, ...options });

export const flag = (description: string, options: { default?: boolean } = {}) =>
  Type.Unsafe<boolean>({ type: 'boolean', description, ...options });

export const choice = <const T extends string>(description: string, values: readonly T[], options: { default?: T } = {}) =>
  Type.Unsafe<T>({ type: 'string', description, enum: [...values], ...options });

/** RFC 3339, as metav1.Time. */
export const time = (description: string) => Type.Unsafe<string>({ type: 'string', format: 'date-time', description });

/** A Go duration such as 720h or 1h30m. */
export const duration = (description: string) => text(description, { pattern: '^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$' });

export const list = <T extends TSchema>(description: string, items: T, options: Extensions & { maxItems?: number } = {}) =>
  Type.Unsafe<Static<T>[]>({ type: 'array', description, items, ...options });

export const map = <T extends TSchema>(description: string, values: T, options: Extensions = {}) =>
  Type.Unsafe<Record<string, Static<T>>>({ type: 'object', description, additionalProperties: values, ...options });

/** An object of named fields; those wrapped in `optional` may be absent. Unknown ones are pruned, or refused under Strict. */
export const object = <T extends Record<string, TSchema>>(description: string, fields: T, options: Extensions = {}) =>
  Type.Object(fields, { description, ...options });

/** An object of which the machinery knows nothing and keeps everything. */
export const open = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', description, 'x-kubernetes-preserve-unknown-fields': true });

/** Any JSON value. */
export const anything = (description: string) => Type.Unsafe<unknown>({ description, 'x-kubernetes-preserve-unknown-fields': true });

export const optional = Type.Optional;
