/** The judge of the soak must see what it is there for. */
import { describe, expect, it } from 'vitest';
import type { Change } from './collection.ts';
import { contradictions } from './truth.ts';
import type { Write } from './writer.ts';

const write = (method: Write['method'], token: string, status: number, rv = 0): Write => ({ method, name: 'a', token, status, rv });
const change = (type: string, token: string, rv: number): Change => ({ type, name: 'a', token, rv });

const writes = [
  write('PUT', '1', 200, 5),
  write('PUT', '2', 503),
  write('PUT', '3', 0),
  write('DELETE', '4', 200),
  write('POST', '5', 201, 8),
];
const changes = [change('MODIFIED', '1', 5), change('DELETED', '1', 7), change('ADDED', '5', 8)];
const kept = [change('', '5', 8)];

describe('the truth of a soak', () => {
  it('is that all fits together, whatever became of a write without an answer', () => {
    expect(contradictions(writes, changes, kept)).toEqual([]);
    expect(contradictions(writes, [changes[0]!, change('MODIFIED', '3', 6), ...changes.slice(1)], kept)).toEqual([]);
  });

  it.each([
    ['an acknowledged write that nobody saw', writes, changes.slice(1), kept, /^lost: /],
    ['one that was seen under another number', writes, [change('MODIFIED', '1', 6), ...changes.slice(1)], kept, /^lost: /],
    ['a refused write that was done', writes, [...changes, change('MODIFIED', '2', 9)], [change('', '2', 9)], /^refused and done/],
    ['a deletion that nobody saw', writes, [changes[0]!, changes[2]!], kept, /^deletions of a/],
    ['a deletion that nobody asked for', writes, [...changes, change('DELETED', '5', 9)], [], /^deletions of a/],
    ['an object that is gone at the end', writes, changes, [], /^at the end/],
    ['an answer that fits nothing', [...writes, write('PUT', '6', 500)], changes, kept, /^odd answer/],
  ])('is not %s', (_, writes, changes, kept, complaint) => {
    expect(contradictions(writes, changes, kept)[0]).toMatch(complaint);
  });
});
