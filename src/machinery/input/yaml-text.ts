/**
 * YAML as JSON text. What costs the parser more than its bytes tell is bounded: one request must not stop all others. Such
 * documents can be sent as JSON, of which none of this is true.
 */
import { Composer, isScalar, Lexer, Parser, visit } from 'yaml';
import type { CST, Document, YAMLMap } from 'yaml';

/** Pieces that the lexer finds: some 10 000 fields. */
const maxLexemes = 100_000;
const maxDepth = 1000;
/** Of the value as text, in characters: aliases let a small document mean a large one. */
const maxValue = 3 * 1024 * 1024;
const maxAliases = 100;

/** Throws an Error that says what is wrong with the text. */
export function jsonOfYaml(text: string): string {
  const [document, second] = new Composer({ prettyErrors: false, uniqueKeys: false }).compose(tokensOf(text), true, text.length);
  if (!document) return 'null';
  if (second) throw new Error('it has more than one document');
  const [fault] = document.errors;
  if (fault) throw new Error(`${fault.message} at ${placeOf(text, fault.pos[0])}`);
  refuseDuplicates(document, text);
  return boundedJson(document.toJS({ maxAliasCount: maxAliases }) ?? null);
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
function refuseDuplicates(document: Document.Parsed, text: string): void {
  visit(document, { Map: (_, map) => refuseDuplicateKeys(map, text) });
}

function refuseDuplicateKeys(map: YAMLMap, text: string): void {
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) throw new Error(`Map keys must be unique at ${placeOf(text, key.range?.[0] ?? 0)}`);
    seen.add(key.value);
  }
}

function boundedJson(value: unknown): string {
  let size = 0;
  return JSON.stringify(value, (key, part: unknown) => {
    size += key.length + (typeof part === 'string' ? part.length : 1);
    if (size > maxValue) throw new Error(`its aliases make it larger than ${maxValue} characters`);
    return part;
  });
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}
