/**
 * What a schema knows of a value: unknown fields go and are named, nulls go, defaults come. A value of the wrong type stays
 * as it is, for schema-faults.ts to name.
 */
import type { TSchema } from '../schema.ts';

/** What is read of a schema here; see schema.ts for what kinds may say. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node;
  readonly items?: Node;
  readonly default?: unknown;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** `path` is where the value lies; the paths of unknown fields are added to `unknown`. */
export function prune(schema: TSchema, value: unknown, path: string, unknown: string[]): unknown {
  return walk(schema, value, path, unknown);
}

function walk(node: Node, value: unknown, path: string, unknown: string[]): unknown {
  if (typeof value !== 'object' || value === null || node['x-kubernetes-preserve-unknown-fields']) return value;
  if (Array.isArray(value)) {
    const { items } = node;
    return items ? value.map((item, index) => walk(items, item, `${path}[${index}]`, unknown)) : value;
  }
  return node.properties || node.additionalProperties ? fields(node, value, path, unknown) : value;
}

function fields(node: Node, value: object, path: string, unknown: string[]): object {
  const kept: [string, unknown][] = [];
  for (const [field, item] of Object.entries(value)) {
    const at = path ? `${path}.${field}` : field;
    const child = childOf(node, field);
    if (!child) unknown.push(at);
    else if (item !== null || child['x-kubernetes-preserve-unknown-fields']) kept.push([field, walk(child, item, at, unknown)]);
  }
  return Object.fromEntries([...kept, ...defaultsFor(node, new Set(kept.map(([field]) => field)))]);
}

function childOf(node: Node, field: string): Node | undefined {
  return node.properties && Object.hasOwn(node.properties, field) ? node.properties[field] : node.additionalProperties;
}

function defaultsFor(node: Node, present: ReadonlySet<string>): [string, unknown][] {
  return Object.entries(node.properties ?? {})
    .filter(([field, child]) => child.default !== undefined && !present.has(field))
    .map(([field, child]) => [field, structuredClone(child.default)]);
}
