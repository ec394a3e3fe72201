/** What JSON.parse does not tell about a text: fields named twice, how deep it goes, and where it stops being JSON. */

export interface JsonFindings {
  /** Paths of fields that an object names more than once, as `spec.items[0].name`. */
  readonly duplicates: readonly string[];
  readonly depth: number;
  /** Where the first thing stands that begins no JSON token; undefined where there is none. */
  readonly unreadableAt: number | undefined;
}

interface Container {
  /** The fields of an object so far; undefined for an array. */
  readonly fields: Set<string> | undefined;
  /** Where in its parent it lies. */
  readonly path: string;
  /** The field or the index that the next value belongs to. */
  at: string;
  index: number;
  expectsField: boolean;
}

const literal = /true|false|null|-?\d[\d.eE+-]*/y;
const space = new Set([' ', '\t', '\n', '\r']);

/** One pass without recursion, so that depth costs nothing. */
export function scanJson(text: string): JsonFindings {
  const open: Container[] = [];
  const duplicates = new Set<string>();
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const char = text.charAt(at);
    if (char === '"') {
      const end = endOfString(text, at);
      noteField(open.at(-1), text, at, end, duplicates);
      at = end;
    } else if (char === '{' || char === '[') {
      open.push(containerIn(open.at(-1), char));
      depth = Math.max(depth, open.length);
      at += 1;
    } else if (space.has(char) || punctuate(open, char)) at += 1;
    else {
      literal.lastIndex = at;
      if (!literal.test(text)) return { duplicates: [...duplicates], depth, unreadableAt: at };
      at = literal.lastIndex;
    }
  }
  return { duplicates: [...duplicates], depth, unreadableAt: undefined };
}

function containerIn(parent: Container | undefined, bracket: string): Container {
  const path = parent ? `${parent.path}${parent.at}` : '';
  const isObject = bracket === '{';
  return { path, fields: isObject ? new Set() : undefined, at: isObject ? '' : '[0]', index: 0, expectsField: isObject };
}

function punctuate(open: Container[], char: string): boolean {
  if (char === '}' || char === ']') open.pop();
  else if (char === ',') advance(open.at(-1));
  else return char === ':';
  return true;
}

function advance(container: Container | undefined): void {
  if (!container) return;
  container.expectsField = container.fields !== undefined;
  container.index += 1;
  if (!container.fields) container.at = `[${container.index}]`;
}

function noteField(container: Container | undefined, text: string, start: number, end: number, duplicates: Set<string>): void {
  if (!container?.fields || !container.expectsField) return;
  const field = fieldOf(text.slice(start, end));
  container.expectsField = false;
  container.at = container.path ? `.${field}` : field;
  if (container.fields.has(field)) duplicates.add(`${container.path}${container.at}`);
  container.fields.add(field);
}

function fieldOf(token: string): string {
  try {
    return JSON.parse(token) as string;
  } catch {
    return token.slice(1, -1);
  }
}

/** Behind the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let slashes = 0;
    while (text.charAt(quote - 1 - slashes) === '\\') slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}
