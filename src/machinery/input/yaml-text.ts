/**
 * YAML as JSON text. What costs the parser more than its bytes tell is bounded: one request must not stop all others. Such
 * documents can be sent as JSON, of which none of this is true.
 */
import { Composer, isPair, isScalar, isSeq, Lexer, Parser, visit } from 'yaml';
import type { CST, Document, Node, Pair, YAMLMap } from 'yaml';
import { digits } from '../../base/exact-json.ts';

/** Pieces that the lexer finds: some 10 000 fields. */
const maxLexemes = 100_000;
const maxDepth = 1000;
/** Of the value as text, in characters: aliases let a small document mean a large one. */
const maxValue = 3 * 1024 * 1024;
const maxAliases = 100;

/** With the paths of keys that a map names more than once, as `spec.items[0].name`; the last one counts. Throws an Error that says what is wrong. */
export function jsonOfYaml(text: string): { readonly json: string; readonly duplicates: readonly string[] } {
  const [document, second] = new Composer({ prettyErrors: false, uniqueKeys: false, intAsBigInt: true }).compose(
    tokensOf(text),
    true,
    text.length,
  );
  if (!document) return { json: 'null', duplicates: [] };
  if (second) throw new Error('it has more than one document');
  const [fault] = document.errors;
  if (fault) throw new Error(`${fault.message} at ${lineOf(text, fault.pos[0])}`);
  return { json: boundedJson(document.toJS({ maxAliasCount: maxAliases }) ?? null), duplicates: duplicatesIn(document) };
}

function* tokensOf(text: string): Generator<CST.Token> {
  const parser = new Parser();
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > maxLexemes) throw new Error(`it has more than ${maxLexemes} tokens; JSON may have more`);
    yield* parser.next(lexeme);
    if (parser.stack.length > 2 * maxDepth) throw new Error(`exceeded max depth of ${maxDepth}`);
  }
  yield* parser.end();
}

/** The library's own check compares each key of a map with each other one. */
function duplicatesIn(document: Document.Parsed): readonly string[] {
  const found = new Set<string>();
  visit(document, { Map: (_, map, path) => repeatedKeys(map).forEach((key) => found.add(placeOf([...path, map], key))) });
  return [...found];
}

function repeatedKeys(map: YAMLMap): readonly string[] {
  const seen = new Set<unknown>();
  const keys = map.items.map(({ key }) => (isScalar(key) ? key.value : key));
  return keys.filter((key) => seen.size === seen.add(key).size).map(String);
}

function placeOf(path: readonly (Document | Node | Pair)[], key: string): string {
  const parts = path.map((node, index) => {
    if (isPair(node)) return `.${String(node.key)}`;
    return isSeq(node) ? `[${node.items.indexOf(path[index + 1])}]` : '';
  });
  return `${parts.join('')}.${key}`.slice(1);
}

function boundedJson(value: unknown): string {
  let size = 0;
  return JSON.stringify(value, (key, part: unknown) => {
    size += key.length + (typeof part === 'string' ? part.length : 1);
    if (size > maxValue) throw new Error(`its aliases make it larger than ${maxValue} characters`);
    return digits(key, part);
  });
}

function lineOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}
