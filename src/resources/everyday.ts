/** How the everyday kinds of Kubernetes are declared for the playground: plain data, of which the machinery keeps every field. */
import { defineResource } from '../machinery/resource.ts';
import type { Column, ResourceDefinition } from '../machinery/resource.ts';
import { optional } from '../machinery/schema.ts';
import type { TSchema } from '../machinery/schema.ts';
import { valueAt } from '../machinery/views/value-at.ts';

type Optional = 'singular' | 'shortNames' | 'categories' | 'selectableFields' | 'statusSubresource' | 'rules' | 'columns';

interface Kind extends Partial<Pick<ResourceDefinition, Optional>> {
  readonly kind: string;
  readonly plural: string;
  readonly description: string;
  /** None of them is required. */
  readonly fields: ResourceDefinition['fields'];
  /** True for kinds that lie in no namespace. */
  readonly cluster?: boolean;
}

/** The kinds of one group, in version v1. Those with a status have it as a subresource. */
export function everyday(group: string, kinds: readonly Kind[]): readonly ResourceDefinition[] {
  return kinds.map(({ cluster = false, fields, ...kind }) =>
    defineResource({
      group,
      version: 'v1',
      namespaced: !cluster,
      statusSubresource: 'status' in fields,
      ...kind,
      fields: Object.fromEntries(Object.entries(fields).map(([name, schema]): [string, TSchema] => [name, optional(schema)])),
    }),
  );
}

/** A column of text that is computed. Columns with a `+` before their name are shown with -o wide only. */
export function column(name: string, description: string, value: Column['value'], type: Column['type'] = 'string'): Column {
  return name.startsWith('+') ? { name: name.slice(1), description, value, type, priority: 1 } : { name, description, value, type };
}

export const textAt = (object: unknown, path: string, otherwise = ''): string => {
  const value = valueAt(object, path);
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : otherwise;
};

export const numberAt = (object: unknown, path: string): number => {
  const value = valueAt(object, path);
  return typeof value === 'number' ? value : 0;
};

export const listAt = (object: unknown, path: string): readonly unknown[] => {
  const value = valueAt(object, path);
  return Array.isArray(value) ? value : [];
};

export const countAt = (object: unknown, path: string): number => {
  const value = valueAt(object, path);
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
};

/** Texts as one cell; `<none>` for none. */
export const joined = (texts: readonly string[]): string => texts.filter((text) => text !== '').join(',') || '<none>';

/** `app=web,tier=front` of a map of labels. */
export const labelsAt = (object: unknown, path: string): string =>
  joined(Object.entries((valueAt(object, path) ?? {}) as Record<string, unknown>).map(([key, value]) => `${key}=${String(value)}`));
