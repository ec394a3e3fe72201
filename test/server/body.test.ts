import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readBody } from '../../src/server/body.ts';

function request(size: number): IncomingMessage {
  return Object.assign(Readable.from([Buffer.alloc(size)]), { method: 'POST', headers: {} }) as unknown as IncomingMessage;
}

describe('bodies', () => {
  /** How many are read in each turn of the event loop, until all are. */
  async function readTogether(count: number, size: number): Promise<readonly number[]> {
    const inTurn = [0];
    const all = Array.from({ length: count }, async () => {
      await readBody(request(size), new AbortController().signal);
      inTurn[inTurn.length - 1]! += 1;
    });
    const done = Promise.all(all);
    const state = { over: false };
    void done.then(() => (state.over = true));
    for (; !state.over; await setImmediate()) inTurn.push(0);
    return inTurn.filter((bodies) => bodies > 0);
  }

  it('that are large take turns, so that others come in between', async () => {
    expect(await readTogether(5, 64 * 1024)).toEqual([1, 1, 1, 1, 1]);
  });

  it('that are small do not', async () => {
    expect((await readTogether(5, 1000)).length).toBeLessThan(5);
  });
});
