import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../src/catalog/log/record.ts';
import { decodeRecords, encodeRecords } from '../../src/catalog/log/record.ts';

const part = fc.oneof(fc.string(), fc.constantFrom(',"object":', '","object":{', '\n', '"', '\\'));
const record: fc.Arbitrary<LogRecord> = fc
  .record({
    op: fc.constantFrom('create', 'update', 'delete'),
    resource: part,
    namespace: part,
    name: part,
    prev: fc.nat(),
    object: fc.json(),
  })
  .map(({ op, resource, namespace, name, prev, object }) => ({
    op,
    key: { resource, namespace, name },
    prev,
    json: op === 'delete' ? '' : JSON.stringify({ object: JSON.parse(object) as unknown }),
  }));

describe('records', () => {
  it('come back as they were, text by text', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
        expect(decodeRecords(encodeRecords(records))).toEqual(records);
      }),
    );
  });

  it('are lines of JSON', () => {
    const [line] = encodeRecords([{ op: 'create', key: { resource: 'r', namespace: 'n', name: 'x' }, prev: 0, json: '{"a":1}' }]).split(
      '\n',
    );
    expect(JSON.parse(line ?? '')).toEqual({ op: 'create', resource: 'r', namespace: 'n', name: 'x', prev: 0, object: { a: 1 } });
  });

  it.each([
    ['{"op":"delete"', 'the last line is not complete'],
    ['{"op":"delete"}\n', 'line 1'],
    ['[]\n', 'line 1'],
    ['null\n', 'line 1'],
    ['{"op":"delete","resource":"r","namespace":"n","name":"x","prev":1,"object":{}}\n', 'line 1'],
    ['{"op":"create","resource":"r","namespace":"n","name":"x","prev":0}\n', 'line 1'],
    ['{"op":"merge","resource":"r","namespace":"n","name":"x","prev":0,"object":{}}\n', 'line 1'],
    ['{"op":"create","resource":"r","namespace":"n","name":"x","prev":0,"object":{}}\n{\n', 'line 2'],
  ])('are refused as %j', (body, fault) => {
    expect(() => decodeRecords(body)).toThrow(fault);
  });
});
