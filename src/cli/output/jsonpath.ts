/** Evaluates a JSONPath template as kubectl does: https://kubernetes.io/docs/reference/kubectl/jsonpath/ */
import { compactJson } from './structured.ts';

export type Template = readonly Node[];
export type Node = { readonly text: string } | { readonly path: Path } | { readonly over: Path; readonly each: Template };
export type Path = readonly Step[];
export type Step =
  | 'all'
  | 'deep'
  | { readonly field: string }
  | { readonly keys: readonly (string | number)[] }
  | { readonly slice: readonly (number | undefined)[] }
  | { readonly filter: Filter };
export type Operand = { readonly value: string | number | boolean } | { readonly path: Path };
export type Filter =
  | { readonly left: Operand; readonly operator: 'exists' }
  | { readonly left: Operand; readonly operator: '==' | '!=' | '<' | '<=' | '>' | '>='; readonly right: Operand };

/** What is not there leaves nothing, as with kubectl get. */
export function evaluate(template: Template, value: unknown): string {
  return template.map((node) => textOf(node, value)).join('');
}

function textOf(node: Node, value: unknown): string {
  if ('text' in node) return node.text;
  if ('path' in node) return follow(node.path, value).map(shown).join(' ');
  return follow(node.over, value)
    .map((one) => evaluate(node.each, one))
    .join('');
}

function shown(value: unknown): string {
  if (value === null) return '<nil>';
  return typeof value === 'string' ? value : compactJson(value);
}

function follow(path: Path, value: unknown): unknown[] {
  return path.reduce<unknown[]>((found, step) => found.flatMap((one) => take(step, one)), [value]);
}

function take(step: Step, value: unknown): readonly unknown[] {
  if (step === 'all') return childrenOf(value);
  if (step === 'deep') return [value, ...childrenOf(value).flatMap((child) => take('deep', child))];
  if ('field' in step) return memberOf(value, step.field);
  if ('keys' in step) return step.keys.flatMap((key) => memberOf(value, key));
  if ('slice' in step) return Array.isArray(value) ? sliceOf(value, step.slice) : [];
  return Array.isArray(value) ? value.filter((one) => holds(step.filter, one)) : [];
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

/** A number counts elements of a list, from its end where it is negative. */
function memberOf(value: unknown, key: string | number): readonly unknown[] {
  if (Array.isArray(value)) {
    const index = typeof key === 'number' ? key : Number.NaN;
    const found: unknown = value.at(index);
    return Number.isInteger(index) && found !== undefined ? [found] : [];
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, String(key))) return [];
  return [(value as Record<string, unknown>)[String(key)]];
}

function sliceOf(list: readonly unknown[], [start, end, step = 1]: readonly (number | undefined)[]): readonly unknown[] {
  return list.slice(start, end).filter((_, index) => step > 0 && index % step === 0);
}

function holds(filter: Filter, value: unknown): boolean {
  const [left] = valuesOf(filter.left, value);
  if (filter.operator === 'exists') return left !== undefined;
  const [right] = valuesOf(filter.right, value);
  if (left === undefined || right === undefined) return false;
  return comparisons[filter.operator](left as never, right as never);
}

const comparisons: Readonly<Record<'==' | '!=' | '<' | '<=' | '>' | '>=', (left: never, right: never) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

function valuesOf(operand: Operand, value: unknown): readonly unknown[] {
  return 'value' in operand ? [operand.value] : follow(operand.path, value);
}
