/** The formats in which answers are written: JSON, JSON for people, YAML. Each can write a list piece by piece. */
import { stringify } from 'yaml';
import { parseExactly, textExactly } from '../../base/exact-json.ts';

export interface Format {
  readonly mediaType: 'application/json' | 'application/yaml';
  document(json: string): string;
  /** The start of a list. `head` is the JSON of its fields but for the entries, which go by `name`. */
  open(head: string, name: string): string;
  entry(json: string, first: boolean): string;
  close(empty: boolean): string;
}

/** Passes JSON text on as it is. */
export const compactJson: Format = {
  mediaType: 'application/json',
  document: (json) => `${json}\n`,
  open: (head, name) => `${head.slice(0, -1)},"${name}":[`,
  entry: (json, first) => (first ? json : `,${json}`),
  close: () => ']}\n',
};

export const indentedJson: Format = {
  mediaType: 'application/json',
  document: (json) => `${indented(json)}\n`,
  open: (head, name) => `${indented(head).slice(0, -2)},\n  "${name}": [`,
  entry: (json, first) => `${first ? '' : ','}\n${indented(json).replaceAll(/^/gm, '    ')}`,
  close: (empty) => `${empty ? '' : '\n  '}]\n}\n`,
};

export const yamlFormat: Format = {
  mediaType: 'application/yaml',
  document: (json) => toYaml(parseExactly(json)),
  open: (head, name) => `${toYaml(parseExactly(head))}${name}:`,
  entry: (json) => `\n${toYaml([parseExactly(json)]).trimEnd()}`,
  close: (empty) => (empty ? ' []\n' : '\n'),
};

/** As Kubernetes clients read it, which is YAML 1.1: a text `yes` or `012` is put in quotes. */
export function toYaml(value: unknown): string {
  return stringify(value, { compat: 'yaml-1.1', lineWidth: 0, aliasDuplicateObjects: false });
}

const indented = (json: string) => textExactly(parseExactly(json), 2);
