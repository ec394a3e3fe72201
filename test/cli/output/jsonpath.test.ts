import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/cli/output/jsonpath.ts';
import { parseTemplate } from '../../../src/cli/output/jsonpath-parser.ts';

const list = {
  kind: 'List',
  items: [
    { metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'shop' } }, status: { phase: 'Completed', items: 13 } },
    { metadata: { name: 'b' }, status: { phase: 'Failed', items: 2, deep: { name: 'c' } } },
  ],
};
const evaluated = (template: string, value: unknown = list) => evaluate(parseTemplate(template), value);

describe('a JSONPath template', () => {
  it.each<[string, string]>([
    ['text', 'text'],
    ['{.kind}', 'List'],
    ['{$.kind}', 'List'],
    ['{@.kind}', 'List'],
    ['{.items[*].metadata.name}', 'a b'],
    ['{.items[0].status.items}', '13'],
    ['{.items[-1].metadata.name}', 'b'],
    ['{.items[0:1].metadata.name}', 'a'],
    ['{.items[:].metadata.name}', 'a b'],
    ['{.items[1:].metadata.name}', 'b'],
    ['{.items[0,1].metadata.name}', 'a b'],
    ["{.items[0]['metadata'].name}", 'a'],
    ["{.items[0]['metadata','status']}", '{"labels":{"app.kubernetes.io/name":"shop"},"name":"a"} {"items":13,"phase":"Completed"}'],
    ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'shop'],
    ['{.items[?(@.status.phase=="Failed")].metadata.name}', 'b'],
    ["{.items[?(@.status.phase!='Failed')].metadata.name}", 'a'],
    ['{.items[?(@.status.items>2)].metadata.name}', 'a'],
    ['{.items[?(@.status.items<=2)].metadata.name}', 'b'],
    ['{.items[?(@.status.deep)].metadata.name}', 'b'],
    ['{..name}', 'a b c'],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}', 'a\tCompleted\nb\tFailed\n'],
    ['{range .items[*]}[{.metadata.name}, {.status.items}] {end}', '[a, 13] [b, 2] '],
    ['{.items[0].status}', '{"items":13,"phase":"Completed"}'],
    ['{.none.at.all}', ''],
    ['{.items[7].metadata.name}', ''],
    ['{"}"}{.kind}', '}List'],
    ['name: {.items[0].metadata.name}!', 'name: a!'],
  ])('%s', (template, text) => expect(evaluated(template)).toBe(text));

  it('keeps every digit of whole numbers, and shows what is empty as kubectl does', () => {
    expect(evaluated('{.n} {.none} {.yes}', { n: 9007199254740993n, none: null, yes: true })).toBe('9007199254740993 <nil> true');
  });

  it.each(['{', '{.a', '{end}', '{range .items[*]}', '{.items[}', '{.items[?(@.a==)]}', '{range "text"}{end}', '{~}'])(
    'refuses %s',
    (template) => expect(() => parseTemplate(template)).toThrow(/^error: jsonpath: /),
  );
});
