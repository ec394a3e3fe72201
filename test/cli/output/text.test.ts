import { describe, expect, it } from 'vitest';
import { descriptionOf, fieldsOf } from '../../../src/cli/output/description.ts';
import { linesOf } from '../../../src/cli/output/lines.ts';
import { barOf, progressOf } from '../../../src/cli/output/progress.ts';
import { jsonText, yamlText } from '../../../src/cli/output/structured.ts';
import { TableText } from '../../../src/cli/output/table.ts';

describe('a table', () => {
  it('lines columns up by characters, with nothing behind the last one', () => {
    expect(
      new TableText().lines([
        ['NAME', 'PHASE', 'AGE'],
        ['before-release', 'Completed', '2s'],
        ['é', null, 7],
      ]),
    ).toBe('NAME             PHASE       AGE\nbefore-release   Completed   2s\né                            7\n');
  });

  it('remembers how wide its columns were', () => {
    const text = new TableText();
    text.lines([['a-long-name', 'x']]);
    expect(text.lines([['a', 'x']])).toBe('a             x\n');
  });

  it('makes one line of a cell, and lets it move no cursor', () => {
    expect(new TableText().lines([['two\nlines', '\u001b[31mred']])).toBe('two...   ^[[31mred\n');
  });
});

describe('documents', () => {
  it('have their keys in order, and escape what HTML would take for its own', () => {
    expect(jsonText({ b: '<&>', a: [1, { d: true, c: null }], n: 9007199254740993n })).toBe(
      '{\n    "a": [\n        1,\n        {\n            "c": null,\n            "d": true\n        }\n    ],\n    "b": "\\u003c\\u0026\\u003e",\n    "n": 9007199254740993\n}\n',
    );
  });

  it('are YAML 1.1', () => {
    expect(yamlText({ spec: { b: 'yes', a: ['x', '012'], empty: [], text: 'one\ntwo\n' } })).toBe(
      'spec:\n  a:\n  - x\n  - "012"\n  b: "yes"\n  empty: []\n  text: |\n    one\n    two\n',
    );
  });
});

describe('a description', () => {
  it('moves no cursor, whatever a name or a reason says', () => {
    expect(descriptionOf([['Reason', 'a\u001b[2Jb\rc'], ...fieldsOf({ '\u001b[1m': 'x' })])).toBe('Reason:  a^[[2Jb\\rc\n^[[1m:    x\n');
  });

  it('has each field by its name in words', () => {
    const status = {
      phase: 'Completed',
      createdBy: { username: 'alice', groups: ['a', 'b'] },
      conditions: [{ type: 'Complete', status: 'True' }],
    };
    expect(descriptionOf([['Name', 'x'], ['Labels', []], ...fieldsOf({ spec: { includedNamespaces: ['*'], ttl: '1h' }, status })])).toBe(
      [
        'Name:    x',
        'Labels:  <none>',
        'Spec:',
        '  Included Namespaces:',
        '    *',
        '  Ttl:  1h',
        'Status:',
        '  Conditions:',
        '    Status:  True',
        '    Type:    Complete',
        '  Created By:',
        '    Groups:',
        '      a',
        '      b',
        '    Username:  alice',
        '  Phase:  Completed',
        '',
      ].join('\n'),
    );
  });
});

describe('progress', () => {
  const state = { label: 'InProgress', done: 1, total: 4, unit: 'items' };

  it('is a bar where there is room, and text where there is none or the whole is not known', () => {
    expect(barOf(state, 90)).toBe(`[${'='.repeat(10)}${' '.repeat(30)}] InProgress: 1 of 4 items`);
    expect(barOf(state, 40)).toBe('InProgress: 1 of 4 items');
    expect(barOf({ ...state, total: 0 }, 90)).toBe('InProgress: 1 items');
    expect(barOf({ ...state, done: 9 }, 90)).toContain(`[${'='.repeat(40)}]`);
  });

  it('is a line for each change where nobody looks on', () => {
    const told: string[] = [];
    const progress = progressOf({ isInteractive: false, columns: 80, tell: (text) => told.push(text), redraw: () => {} });
    progress.show({ ...state, done: 0, total: 0 });
    progress.show(state);
    progress.show(state);
    expect(told).toEqual(['InProgress', 'InProgress: 1 of 4 items']);
  });
});

it('lines are whole, wherever their bytes are cut', async () => {
  const bytes = Buffer.from('é1\n\n2é\nend');
  for (let size = 1; size <= bytes.length; size++) {
    const pieces = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    const lines: string[] = [];
    for await (const line of linesOf(pieces)) lines.push(line);
    expect(lines).toEqual(['é1\n', '\n', '2é\n', 'end']);
  }
});
