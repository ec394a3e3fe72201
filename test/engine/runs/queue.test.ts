import { describe, expect, it } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import type { Aside } from '../../../src/engine/runs/queue.ts';
import { WorkQueue } from '../../../src/engine/runs/queue.ts';
import { ManualClock, settled } from '../../manual-clock.ts';

function createQueue(
  given: { concurrency?: number; limit?: number; work?: (item: string, aside: Aside) => Promise<number | undefined> } = {},
) {
  const clock = new ManualClock();
  const done: string[] = [];
  const gates: (() => void)[] = [];
  const gate = (item: string) =>
    new Promise<undefined>((resolve) => {
      done.push(item);
      gates.push(() => resolve(undefined));
    });
  const { concurrency = 2, limit = 10, work = gate } = given;
  const groupOf = (item: string) => item.charAt(0);
  const log = createLog('silent');
  const queue = new WorkQueue<string>({
    name: 'work',
    concurrency,
    limit,
    clock,
    log,
    groupOf,
    work: (item, _, aside) => work(item, aside),
  });
  const stop = new AbortController();
  const running = queue.run(stop.signal);
  return { clock, done, gates, queue, stop, running };
}

describe('WorkQueue', () => {
  it('works on so many keys at once, in order, and on one key once', async () => {
    const { queue, done, gates } = createQueue();
    for (const item of ['a', 'b', 'a', 'c', 'b']) queue.add(item, item);
    await settled();
    expect(done).toEqual(['a', 'b']);
    gates[0]?.();
    await settled();
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('goes to each group in its turn, however much work one has', async () => {
    const { queue, done, gates } = createQueue({ concurrency: 1 });
    for (const item of ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'b2']) queue.add(item, item);
    for (let next = 0; next < 7; next++) {
      await settled();
      gates[next]?.();
    }
    expect(done).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('works on others while one stands aside, and on no more than before when that goes on', async () => {
    const begun: string[] = [];
    const waits = new Map<string, () => void>();
    const until = (name: string) => new Promise<void>((resolve) => waits.set(name, resolve));
    const { queue } = createQueue({
      concurrency: 1,
      work: async (item, aside) => {
        begun.push(item);
        if (item === 'waits') await aside(() => until('aside'));
        await until(item);
        return undefined;
      },
    });
    for (const item of ['waits', 'second', 'third']) queue.add(item, item);
    await settled();
    expect(begun).toEqual(['waits', 'second']);
    waits.get('aside')?.();
    await settled();
    waits.get('second')?.();
    await settled();
    expect(begun).toEqual(['waits', 'second']);
    waits.get('waits')?.();
    await settled();
    expect(begun).toEqual(['waits', 'second', 'third']);
  });

  it('begins nothing more of a group of which fifty stand aside, and goes on with others', async () => {
    const begun: string[] = [];
    const waits: (() => void)[] = [];
    const { queue } = createQueue({
      concurrency: 1,
      limit: 100,
      work: async (item, aside) => {
        begun.push(item);
        if (item.startsWith('a')) await aside(() => new Promise<void>((resolve) => waits.push(resolve)));
        return undefined;
      },
    });
    for (let number = 0; number < 60; number++) queue.add(`a${number}`, `a${number}`);
    queue.add('b', 'b');
    await settled();
    expect(begun.filter((item) => item !== 'b')).toHaveLength(50);
    expect(begun).toContain('b');
    waits[0]?.();
    await settled();
    expect(begun).toHaveLength(52);
  });

  it('stands aside also where that fails', async () => {
    const { queue, done } = createQueue({
      concurrency: 1,
      work: async (item, aside) => {
        done.push(item);
        if (item === 'fails') await aside(() => Promise.reject(new Error('no answer')));
        return undefined;
      },
    });
    for (const item of ['fails', 'a', 'b']) queue.add(item, item);
    await settled();
    expect(done).toEqual(['fails', 'a', 'b']);
  });

  it('does once more what came in meanwhile', async () => {
    const { queue, done, gates } = createQueue();
    queue.add('k', 'old');
    await settled();
    queue.add('k', 'newer');
    queue.add('k', 'newest');
    gates[0]?.();
    await settled();
    expect(done).toEqual(['old', 'newest']);
    gates[1]?.();
    await settled();
    expect(done).toHaveLength(2);
  });

  it('refuses keys beyond its bound', async () => {
    const { queue } = createQueue({ concurrency: 1, limit: 2 });
    expect(['a', 'b', 'c', 'd'].map((key) => queue.add(key, key))).toEqual([true, true, true, false]);
    expect(queue.add('b', 'b')).toBe(true);
  });

  it('looks again when it was asked to', async () => {
    const times: number[] = [];
    const { queue, clock } = createQueue({ work: async () => (times.push(clock.monotonic()) < 3 ? 5_000 : undefined) });
    queue.add('k', 'k');
    await clock.pass(60_000);
    expect(times).toEqual([0, 5_000, 10_000]);
    expect(clock.sleepers).toBe(0);
  });

  it('tries again what failed, later and later', async () => {
    const times: number[] = [];
    const { queue, clock } = createQueue({
      work: async () => {
        times.push(clock.monotonic());
        if (times.length < 4) throw new Error('not yet');
        return undefined;
      },
    });
    queue.add('k', 'k');
    await clock.pass(60_000);
    expect(times).toEqual([0, 1_000, 3_000, 7_000]);
  });

  it('does at once what is added while it waits for its time', async () => {
    const times: number[] = [];
    const { queue, clock } = createQueue({ work: async () => (times.push(clock.monotonic()) < 2 ? 5_000 : undefined) });
    queue.add('k', 'k');
    await clock.pass(1_000);
    queue.add('k', 'k');
    await clock.pass(10_000);
    expect(times).toEqual([0, 1_000]);
  });

  it('ends with its workers', async () => {
    const { queue, gates, stop, running } = createQueue();
    queue.add('a', 'a');
    await settled();
    stop.abort();
    let ended = false;
    void running.then(() => (ended = true));
    await settled();
    expect(ended).toBe(false);
    gates[0]?.();
    await running;
  });
});
