/** Reads a JSONPath template as kubectl has them: https://kubernetes.io/docs/reference/kubectl/jsonpath/ */
import { UsageError } from '../exits.ts';
import type { Filter, Node, Operand, Path, Step, Template } from './jsonpath.ts';

/** Throws UsageError. */
export function parseTemplate(text: string): Template {
  const parts = partsOf(text);
  const nodes = sequence(parts, false);
  if (parts.length > 0) throw new UsageError('jsonpath: {end} without {range}');
  return nodes;
}

type Part = { readonly text: string } | { readonly action: string };

/** Text and actions, in order; a brace in quotes ends no action. */
function partsOf(template: string): Part[] {
  const found = template.match(/\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*\}|[^{]+|\{/gs) ?? [];
  return found.map((part) => {
    if (part === '{') throw new UsageError('jsonpath: unclosed action');
    return part.startsWith('{') ? { action: part.slice(1, -1).trim() } : { text: part };
  });
}

/** Takes parts up to the end, or to the {end} of this range. */
function sequence(parts: Part[], inRange: boolean): Node[] {
  const nodes: Node[] = [];
  for (let part = parts.shift(); part; part = parts.shift()) {
    if ('text' in part) nodes.push({ text: part.text });
    else if (part.action === 'end') {
      if (inRange) return nodes;
      throw new UsageError('jsonpath: {end} without {range}');
    } else if (/^range\s/.test(part.action)) {
      const over = onlyPath(part.action.slice('range'.length).trim());
      nodes.push({ over, each: sequence(parts, true) });
    } else nodes.push(...expressions(part.action));
  }
  if (inRange) throw new UsageError('jsonpath: {range} without {end}');
  return nodes;
}

function onlyPath(text: string): Path {
  const [first, second] = expressions(text);
  if (first && 'path' in first && !second) return first.path;
  throw new UsageError(`jsonpath: "${text}" is not one path`);
}

/** What stands in one pair of braces: literals and paths, parted by blanks. */
function expressions(text: string): Node[] {
  const reader = new Reader(text);
  const nodes: Node[] = [];
  for (reader.skip(/\s+/y); !reader.done; reader.skip(/\s+/y)) {
    const literal = reader.literal();
    nodes.push(literal === undefined ? { path: path(reader) } : { text: literal });
  }
  return nodes;
}

/** `$.a`, `@.a`, `.a`, `[0]` or `a`. */
function path(reader: Reader): Path {
  const steps: Step[] = [];
  const start = reader.at;
  if (reader.take(/[$@]/y) === undefined && /[\w-]/.test(reader.peek)) steps.push({ field: reader.field() });
  for (;;) {
    const step = nextStep(reader);
    if (!step) break;
    if (step !== 'self') steps.push(step);
  }
  if (reader.at === start) reader.fail();
  return steps;
}

function nextStep(reader: Reader): Step | 'self' | undefined {
  if (reader.take(/\.\./y) !== undefined) return 'deep';
  if (reader.peek === '[') return bracket(reader);
  if (reader.take(/\./y) === undefined) return reader.follows('deep') ? { field: reader.field() } : undefined;
  if (reader.take(/\*/y) !== undefined) return 'all';
  if (reader.peek === '[') return bracket(reader);
  return reader.done || /[\s)=<>!]/.test(reader.peek) ? 'self' : { field: reader.field() };
}

function bracket(reader: Reader): Step {
  reader.expect(/\[\s*/y);
  if (reader.take(/\*\s*\]/y) !== undefined) return 'all';
  if (reader.take(/\?\(\s*/y) !== undefined) return filter(reader);
  const slice = reader.match(/(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+))?\s*\]/y);
  if (slice) return { slice: slice.slice(1, 4).map((part) => (part === undefined ? undefined : Number(part))) };
  const keys: (string | number)[] = [];
  do {
    reader.skip(/\s*/y);
    keys.push(reader.literal() ?? Number(reader.expect(/-?\d+/y)));
    reader.skip(/\s*/y);
  } while (reader.take(/,/y) !== undefined);
  reader.expect(/\]/y);
  return { keys };
}

function filter(reader: Reader): Step {
  const left = operand(reader);
  reader.skip(/\s*/y);
  const operator = reader.take(/==|!=|<=|>=|<|>/y) as Filter['operator'] | undefined;
  reader.skip(/\s*/y);
  const right = operator && operand(reader);
  reader.expect(/\s*\)\s*\]/y);
  return { filter: operator && right ? { left, operator, right } : { left, operator: 'exists' } };
}

function operand(reader: Reader): Operand {
  const literal = reader.literal();
  if (literal !== undefined) return { value: literal };
  const number = reader.take(/-?\d+(\.\d+)?/y);
  if (number !== undefined) return { value: Number(number) };
  const word = reader.take(/true|false/y);
  return word === undefined ? { path: path(reader) } : { value: word === 'true' };
}

class Reader {
  readonly #text: string;
  at = 0;
  #before = '';

  constructor(text: string) {
    this.#text = text;
  }

  get done(): boolean {
    return this.at >= this.#text.length;
  }

  get peek(): string {
    return this.#text.charAt(this.at);
  }

  /** After `..` a field may stand without a point. */
  follows(what: 'deep'): boolean {
    return what === 'deep' && this.#before === '..' && /[\w-]/.test(this.peek);
  }

  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.at = pattern.lastIndex;
    this.#before = found[0];
    return found;
  }

  take(pattern: RegExp): string | undefined {
    return this.match(pattern)?.[0];
  }

  skip(pattern: RegExp): void {
    this.match(pattern);
  }

  expect(pattern: RegExp): string {
    return this.take(pattern) ?? this.fail();
  }

  /** A name, in which a backslash takes the meaning from the next character: `app\.kubernetes\.io/name`. */
  field(): string {
    return this.expect(/(?:[^\s.[\](){}=<>!,'"\\]|\\.)+/y).replaceAll(/\\(.)/g, '$1');
  }

  literal(): string | undefined {
    const quoted = this.take(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/y);
    return quoted?.slice(1, -1).replaceAll(/\\(.)/g, (_, char: string) => escapes[char] ?? char);
  }

  fail(): never {
    throw new UsageError(`jsonpath: "${this.#text}" is not understood at "${this.#text.slice(this.at)}"`);
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
