import { describe, expect, it } from 'vitest';
import { Shares } from '../../src/engine/shares.ts';

const forever = AbortSignal.any([]);
const turn = () => new Promise(setImmediate);

/** Who is in, in the order in which they came in. */
function scene(all: number, each: number) {
  const shares = new Shares(all, each);
  const inside: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = async (name: string, signal = forever) => {
    const held = await shares.enter(name.charAt(0), signal);
    inside.push(name);
    leave.set(name, () => held[Symbol.dispose]());
  };
  return { inside, enter, leaves: (name: string) => leave.get(name)?.() };
}

describe('shares', () => {
  it('are so many in all, and so many of each group', async () => {
    const { inside, enter } = scene(3, 2);
    for (const name of ['a1', 'a2', 'a3', 'b1', 'b2']) void enter(name);
    await turn();
    expect(inside).toEqual(['a1', 'a2', 'b1']);
  });

  it('go to the group that has the least', async () => {
    const { inside, enter, leaves } = scene(2, 2);
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) void enter(name);
    await turn();
    for (const name of ['a1', 'a2', 'b1', 'c1', 'a3']) {
      leaves(name);
      await turn();
    }
    expect(inside).toEqual(['a1', 'a2', 'b1', 'a3', 'c1', 'b2', 'a4']);
  });

  it('are given back once, by whoever has one', async () => {
    const { inside, enter, leaves } = scene(1, 1);
    for (const name of ['a1', 'b1', 'c1']) void enter(name);
    await turn();
    leaves('a1');
    leaves('a1');
    await turn();
    expect(inside).toEqual(['a1', 'b1']);
  });

  it('are not waited for by whoever has gone', async () => {
    const { inside, enter, leaves } = scene(1, 1);
    const gone = new AbortController();
    void enter('a1');
    const waiting = expect(enter('a2', gone.signal)).rejects.toThrow('gone');
    void enter('b1');
    gone.abort(new Error('gone'));
    await waiting;
    await expect(enter('c1', AbortSignal.abort(new Error('was gone before')))).rejects.toThrow('was gone before');
    leaves('a1');
    await turn();
    expect(inside).toEqual(['a1', 'b1']);
  });
});
