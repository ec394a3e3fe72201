/** Objects as kubectl describe prints those of kinds that it does not know: every field, by its name in words. */
import { textExactly } from '../../base/exact-json.ts';
import { escaped } from './escaped.ts';

const indent = '  ';

/** `fields` in their order; each line with its line break. */
export function descriptionOf(fields: readonly (readonly [string, unknown])[]): string {
  return linesOf(fields)
    .map((line) => `${escaped(line)}\n`)
    .join('');
}

/** The fields of a value, in order of their names. */
export function fieldsOf(value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [wordsOf(name), part]);
}

function linesOf(fields: readonly (readonly [string, unknown])[]): string[] {
  const width = Math.max(0, ...fields.filter(([, value]) => isShort(value)).map(([name]) => name.length));
  return fields.flatMap(([name, value]) => {
    if (isShort(value)) return [`${`${name}:`.padEnd(width + 1)}  ${textOf(value)}`];
    return [`${name}:`, ...nested(value).map((line) => indent + line)];
  });
}

function nested(value: unknown): string[] {
  if (!Array.isArray(value)) return linesOf(fieldsOf(value));
  return value.flatMap((one: unknown) => (isShort(one) ? [textOf(one)] : nested(one)));
}

function isShort(value: unknown): boolean {
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0;
}

function textOf(value: unknown): string {
  if (typeof value === 'object') return '<none>';
  return typeof value === 'string' ? value : textExactly(value);
}

/** `includedNamespaces` as `Included Namespaces`. */
function wordsOf(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
