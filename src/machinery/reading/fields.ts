/**
 * Field selectors: `metadata.name=a,status.phase!=Failed`. An unknown field is refused, never ignored: deletecollection would
 * take too much. https://github.com/kubernetes/apimachinery/blob/master/pkg/fields/selector.go
 */
import { badRequest, quote } from '../errors.ts';

interface FieldTerm {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** All of them have to hold; an empty one matches everything. */
export type FieldSelector = readonly FieldTerm[];

/** `known` are the fields that may be named. Throws ApiError 400. */
export function parseFieldSelector(text: string, known: readonly string[]): FieldSelector {
  const terms = fieldTerms(text);
  for (const { field } of terms)
    if (!known.includes(field)) throw badRequest(`${quote(field)} is not a known field selector: only ${known.map(quote).join(', ')}`);
  return terms;
}

/** Whatever fields they name. Throws ApiError 400. */
export function fieldTerms(text: string): FieldSelector {
  return partsOf(text)
    .filter((part) => part !== '')
    .map((part) => termOf(part, text));
}

export function matchesFields(selector: FieldSelector, valueOf: (field: string) => string): boolean {
  return selector.every(({ field, equal, value }) => (valueOf(field) === value) === equal);
}

/** What a field selector compares with: the text of a scalar at a path such as `status.phase`, empty where there is none. */
export function fieldText(object: unknown, path: string): string {
  let at = object;
  for (const part of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return '';
    at = (at as Record<string, unknown>)[part];
  }
  return typeof at === 'string' || typeof at === 'number' || typeof at === 'boolean' ? String(at) : '';
}

/** The text between commas; a backslash takes the meaning from the character behind it. */
function partsOf(text: string): readonly string[] {
  return text.match(/(?:\\[^]|[^\\,]|\\$)+/g) ?? [];
}

function termOf(part: string, whole: string): FieldTerm {
  const [, field, operator, value] = /^((?:\\[^]|[^\\=!]|!(?!=))*)(!=|==|=)([^]*)$/.exec(part) ?? [];
  if (field === undefined || value === undefined) throw badRequest(`invalid selector: '${whole}'; can't understand '${part}'`);
  return { field, equal: operator !== '!=', value: unescaped(value) };
}

function unescaped(value: string): string {
  const bare = value.replaceAll(/\\[\\,=]/g, '');
  const bad = /\\[^]?/.exec(bare);
  if (bad) throw badRequest(`invalid field selector: invalid escape sequence: ${bad[0]}`);
  if (bare.includes('=')) throw badRequest('invalid field selector: unescaped character in value: =');
  return value.replaceAll(/\\([\\,=])/g, '$1');
}
