/** One step away from a request that is right. */
import type { Random } from '../simulation/random.ts';
import type { Draft } from './draft.ts';
import { encoded } from './draft.ts';
import { parameter } from './requests.ts';
import { headerValues, methods, objectNames, parameters, patchPaths, segments, texts, values } from './vocabulary.ts';

type Mutation = (random: Random, draft: Draft) => void;

const weights = { path: 3, query: 8, header: 7, body: 14, method: 1 };

export function mutate(random: Random, draft: Draft): void {
  const what = random.weighted(weights);
  if (what === 'method') draft.method = random.pick(methods);
  else random.pick(mutations[what])(random, draft);
}

const mutations: Readonly<Record<Exclude<keyof typeof weights, 'method'>, readonly Mutation[]>> = {
  path: [replaceSegment, replaceSegment, cutPath, growPath, editPath, recase, encodeChar, absoluteForm],
  query: [addParameter, addParameter, addParameter, dropParameter, repeatParameter, editQuery],
  header: [setHeader, setHeader, setHeader, dropHeader, oddHeader, manyHeaders],
  body: [
    spliceValue,
    spliceValue,
    spliceValue,
    dropField,
    truncate,
    flipByte,
    insertBytes,
    patchOperations,
    asYaml,
    noBody,
    anyBody,
    inChunks,
  ],
};

function replaceSegment(random: Random, draft: Draft): void {
  const parts = draft.path.split('/');
  const at = random.between(1, Math.max(1, parts.length - 1));
  parts[at] = random.pick([...segments, ...objectNames, encoded(random.pick(texts))]);
  draft.path = parts.join('/');
}

function cutPath(random: Random, draft: Draft): void {
  draft.path = draft.path.split('/').slice(0, -random.between(1, 2)).join('/') || '/';
}

function growPath(random: Random, draft: Draft): void {
  draft.path += `/${random.chance(0.5) ? random.pick(segments) : encoded(random.pick(texts))}`;
}

/** Characters that a request line may have; what it may not have is noise.ts's. */
const visible = (random: Random) => String.fromCharCode(random.between(0x21, 0x7e));

function editPath(random: Random, draft: Draft): void {
  const at = random.between(1, draft.path.length);
  const text = random.pick([
    '',
    '/',
    '//',
    '.',
    '/../',
    '%',
    '%2f',
    '%2F..',
    '%00',
    '%zz',
    '%c0%af',
    '%ff',
    '%E0%A4%A',
    ';',
    ';x=1',
    '~',
    '\\',
    visible(random),
  ]);
  draft.path = draft.path.slice(0, at) + text.replaceAll(/[#?]/g, '') + draft.path.slice(at + random.below(2));
}

function recase(_: Random, draft: Draft): void {
  draft.path = draft.path.toUpperCase();
}

function encodeChar(random: Random, draft: Draft): void {
  const at = random.between(1, Math.max(1, draft.path.length - 1));
  const code = (draft.path.charCodeAt(at) || 0x61).toString(16);
  draft.path = `${draft.path.slice(0, at)}%${code}${draft.path.slice(at + 1)}`;
}

function absoluteForm(random: Random, draft: Draft): void {
  draft.path = random.pick(['https://localhost', 'http://evil.example', '//evil.example', 'file://']) + draft.path;
}

function addParameter(random: Random, draft: Draft): void {
  const name = random.pick(Object.keys(parameters));
  const value = random.chance(0.8) ? random.pick(parameters[name] ?? ['']) : random.pick(texts);
  draft.query.push(parameter(name, value));
}

function dropParameter(random: Random, draft: Draft): void {
  draft.query.splice(random.below(Math.max(1, draft.query.length)), 1);
}

function repeatParameter(random: Random, draft: Draft): void {
  const one = draft.query.length > 0 ? random.pick(draft.query) : 'limit=1';
  draft.query.push(
    random.pick([one, `${one}x`, one.replace('=', '[]='), one.replace('=', '[x]='), one.toUpperCase(), one.replace(/=.*/, '')]),
  );
}

function editQuery(random: Random, draft: Draft): void {
  const text = draft.query.join('&');
  const at = random.below(text.length + 1);
  const piece = random.pick(['', '%', '%zz', '&', '&&', '=', '==', ';', '+', '?', '/', '%ff', '%00', '%ed%a0%80', visible(random)]);
  draft.query = [text.slice(0, at) + piece.replace('#', '') + text.slice(at + random.below(3))];
}

function setHeader(random: Random, draft: Draft): void {
  const name = random.pick(Object.keys(headerValues));
  const value = random.chance(0.85) ? random.pick(headerValues[name] ?? ['']) : safe(random.pick(texts));
  if (random.chance(0.7)) draft.headers = draft.headers.filter(([other]) => other !== name);
  draft.headers.push([name, value]);
}

function dropHeader(random: Random, draft: Draft): void {
  draft.headers.splice(random.below(Math.max(1, draft.headers.length)), 1);
}

/** UTF-8 as it goes over the wire, without what ends a line or is no character at all. */
const safe = (text: string) =>
  Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(/\p{Cc}/gu, '');

const oddName = "abcXYZ019-_.!#$%&'*+^`|~";

function oddHeader(random: Random, draft: Draft): void {
  const name = Array.from({ length: random.between(1, 20) }, () => oddName.charAt(random.below(oddName.length))).join('');
  draft.headers.push([
    name,
    Array.from({ length: random.below(30) }, () =>
      String.fromCharCode(random.pick([random.between(0x20, 0x7e), random.between(0x80, 0xff)])),
    ).join(''),
  ]);
}

function manyHeaders(random: Random, draft: Draft): void {
  const name = random.pick(['X-Many', 'Accept', 'Impersonate-Group', 'X-Remote-Group', 'Warning', 'Cookie']);
  for (let n = random.pick([3, 50, 200]); n > 0; n--) draft.headers.push([name, `v${n}`]);
}

/** Puts another value where one stands, or a field where an object begins, with no regard for what was there. */
function spliceValue(random: Random, draft: Draft): void {
  const text = textOf(draft);
  const places = [...text.matchAll(/:("(?:[^"\\]|\\.)*"|-?\d+|true|false|null|\{|\[)/g)];
  if (places.length === 0) return anyBody(random, draft);
  const { index, 1: old = '' } = random.pick(places);
  const value = random.pick(values);
  const opens = old === '{' || old === '[';
  const piece = opens ? (old === '{' ? `{${JSON.stringify(random.pick(texts))}:${value},` : `[${value},`) : value;
  draft.body = Buffer.from(text.slice(0, index + 1) + piece + text.slice(index + 1 + old.length));
}

function dropField(random: Random, draft: Draft): void {
  const text = textOf(draft);
  const fields = [...text.matchAll(/"\w+":("(?:[^"\\]|\\.)*"|-?\d+|true|false|null),?/g)];
  if (fields.length === 0) return;
  const { index, 0: field } = random.pick(fields);
  const other = random.pick(['', `"${random.pick(['x', 'spec', 'status', 'metadata', 'kind', '__proto__'])}":${random.pick(values)},`]);
  draft.body = Buffer.from(text.slice(0, index) + other + text.slice(index + field.length));
}

function truncate(random: Random, draft: Draft): void {
  draft.body = draft.body?.subarray(0, random.below(draft.body.length + 1));
}

function flipByte(random: Random, draft: Draft): void {
  if (!draft.body?.length) return;
  draft.body = Buffer.from(draft.body);
  draft.body[random.below(draft.body.length)] = random.below(256);
}

function insertBytes(random: Random, draft: Draft): void {
  const body = draft.body ?? Buffer.alloc(0);
  const at = random.below(body.length + 1);
  const bytes = random.pick([
    Buffer.from([0xff, 0xfe]),
    Buffer.from([0]),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from('\ufeff'),
    Buffer.from('{'),
    Buffer.from('"'),
    Buffer.from('}'),
  ]);
  draft.body = Buffer.concat([body.subarray(0, at), bytes, body.subarray(at)]);
}

function patchOperations(random: Random, draft: Draft): void {
  const operation = () => {
    const op = random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test', 'jump', '']);
    const fields = [
      `"op":"${op}"`,
      `"path":${JSON.stringify(random.pick(patchPaths))}`,
      `"value":${random.pick(values)}`,
      `"from":${JSON.stringify(random.pick(patchPaths))}`,
    ];
    return `{${fields.filter(() => random.chance(0.85)).join(',')}}`;
  };
  draft.method = 'PATCH';
  draft.headers = [...draft.headers.filter(([name]) => name !== 'Content-Type'), ['Content-Type', 'application/json-patch+json']];
  draft.body = Buffer.from(`[${Array.from({ length: random.pick([0, 1, 2, 5]) }, operation).join(',')}]`);
}

const yamls = [
  'a: b',
  'a: [',
  '- a\n- b',
  '&a [*a]',
  'a: &a b\nc: *a',
  '*x',
  '!!js/function x',
  '!!binary x',
  '? [a]\n: b',
  '---\na: 1\n---\nb: 2',
  '%YAML 9.9\n---\na',
  '<<: {a: 1}',
  '&a\n<<: *a',
  'y: n\nno: 5',
  '"\\ud800": 1',
  '['.repeat(3000),
  'a: |\n  x',
  '\t- x',
  '# only',
  'a: 0x1F\nb: 0o7\nc: .inf\nd: .nan\ne: 1_000',
  'metadata: {name: a}\nmetadata: {name: b}',
] as const;

function asYaml(random: Random, draft: Draft): void {
  draft.headers = [
    ...draft.headers.filter(([name]) => name !== 'Content-Type'),
    ['Content-Type', random.pick(['application/yaml', 'application/yaml; charset=utf-8', 'application/apply-patch+yaml'])],
  ];
  if (random.chance(0.6)) draft.body = Buffer.from(random.chance(0.5) ? random.pick(yamls) : `${textOf(draft)}\n${random.pick(yamls)}`);
}

function noBody(_: Random, draft: Draft): void {
  draft.body = undefined;
}

function anyBody(random: Random, draft: Draft): void {
  draft.body = Buffer.from(random.pick([...values, ...texts]));
}

function inChunks(random: Random, draft: Draft): void {
  draft.chunked = draft.body !== undefined && draft.body.length > 0;
  if (random.chance(0.1)) draft.body = Buffer.alloc(random.pick([100_000, 3 * 1024 * 1024, 3 * 1024 * 1024 + 1]), 'x');
}

const textOf = ({ body }: Draft) => (body ?? Buffer.alloc(0)).toString('utf8');
