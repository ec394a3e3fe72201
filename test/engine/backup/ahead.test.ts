import { expect, it } from 'vitest';
import { begunAhead } from '../../../src/engine/backup/ahead.ts';
import { settled } from '../../manual-clock.ts';

/** Streams of three pieces each, and what has happened to them. */
function streams(failing?: string) {
  const events: string[] = [];
  async function* open(key: string): AsyncGenerator<string> {
    events.push(`begin ${key}`);
    try {
      if (key === failing) throw new Error(`${key} failed`);
      for (const piece of [1, 2, 3]) yield `${key}${piece}`;
    } finally {
      events.push(`end ${key}`);
    }
  }
  return { events, open };
}

it('reads one stream after the other, and begins the next ones before', async () => {
  const { events, open } = streams();
  const read: string[] = [];
  for await (const { of, pieces } of begunAhead(['a', 'b', 'c', 'd'], 2, open)) {
    await settled();
    read.push(`${of} of ${events.filter((event) => event.startsWith('begin')).length}`);
    for await (const piece of pieces) read.push(piece);
  }
  expect(read).toEqual(['a of 3', 'a1', 'a2', 'a3', 'b of 4', 'b1', 'b2', 'b3', 'c of 4', 'c1', 'c2', 'c3', 'd of 4', 'd1', 'd2', 'd3']);
  expect(events.filter((event) => event.startsWith('end'))).toHaveLength(4);
});

it('tells a failure where its stream is read, and goes on', async () => {
  const { open } = streams('b');
  const read: string[] = [];
  for await (const { of, pieces } of begunAhead(['a', 'b', 'c'], 5, open))
    try {
      for await (const piece of pieces) read.push(piece);
    } catch (error) {
      read.push(`${of}: ${String(error)}`);
    }
  expect(read).toEqual(['a1', 'a2', 'a3', 'b: Error: b failed', 'c1', 'c2', 'c3']);
});

it('closes what it has begun and nobody reads', async () => {
  const { events, open } = streams();
  for await (const { pieces } of begunAhead(['a', 'b', 'c', 'd', 'e'], 2, open)) for await (const _ of pieces) if (events.length > 0) break;
  for await (const _ of begunAhead(['f', 'g', 'h', 'i'], 1, open)) break;
  await settled();
  const begun = events.filter((event) => event.startsWith('begin')).map((event) => event.slice(-1));
  const ended = events.filter((event) => event.startsWith('end')).map((event) => event.slice(-1));
  expect(ended.toSorted()).toEqual(begun.filter((key) => key !== 'f').toSorted());
});
