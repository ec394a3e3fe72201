/** JSON and YAML as kubectl prints them: keys in order, indented as there, and what HTML would take for its own escaped. */
import { stringify } from 'yaml';
import { textExactly } from '../../base/exact-json.ts';

const indent = 4;

export function jsonText(value: unknown): string {
  return `${textExactly(sorted(value), indent).replaceAll(/[<>&\u2028\u2029]/g, escaped)}\n`;
}

/** On one line, as an action of a JSONPath template prints a map or a list. */
export function compactJson(value: unknown): string {
  return textExactly(sorted(value)).replaceAll(/[<>&\u2028\u2029]/g, escaped);
}

/** YAML 1.1, as Kubernetes clients read it: a text `yes` or `012` is put in quotes. */
export function yamlText(value: unknown): string {
  return stringify(sorted(value), { compat: 'yaml-1.1', lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false });
}

const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
