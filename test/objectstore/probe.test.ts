import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreError, StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { probe } from '../../src/objectstore/probe/probe.ts';
import { ManualClock } from '../manual-clock.ts';
import { liars, storeWith } from './liars.ts';
import { parts } from './stores.ts';

const signal = AbortSignal.any([]);
const impatient = { ...parts, clock: { ...parts.clock, sleep: async () => {} } };

describe('probe', () => {
  it.each(liars)('refuses a store that %s', async (_name, says, store) => {
    const probing = probe(store, parts, signal);
    await expect(probing).rejects.toBeInstanceOf(StoreError);
    await expect(probing).rejects.toThrow(/^memory: cannot be used: it /);
    await expect(probing).rejects.toThrow(says);
  });

  it('tells every promise as it is proved', async () => {
    const told: string[] = [];
    expect(
      await probe(
        storeWith(() => ({})),
        { ...parts, onProof: (promise) => told.push(promise) },
        signal,
      ),
    ).toEqual({ denied: undefined });
    expect(told).toHaveLength(7);
  });

  it('cleans up after a store that it refuses', async () => {
    const objects = new Map<string, Uint8Array>();
    const store = storeWith(() => ({ upload: () => Promise.reject(new Error('time-out')) }), objects);
    await expect(probe(store, parts, signal)).rejects.toThrow('memory: cannot be used: time-out');
    expect(objects.size).toBe(0);
  });

  it('passes on what the store says when it cannot be listed', async () => {
    const store = storeWith(() => ({
      list: () => {
        throw new StoreUnavailable('no list today');
      },
    }));
    await expect(probe(store, parts, signal)).rejects.toThrow('no list today');
  });

  it('ends when its signal aborts', async () => {
    await expect(
      probe(
        storeWith(() => ({})),
        parts,
        AbortSignal.abort(new Error('enough')),
      ),
    ).rejects.toThrow('enough');
  });
});

describe('probe of a store that may only be read', () => {
  const denied = () => Promise.reject(new StoreDenied('k: access denied'));

  it('says why nothing can be written, and refuses nothing', async () => {
    const objects = new Map([['kylon.json', new Uint8Array()]]);
    const store = storeWith(() => ({ putIfAbsent: denied, upload: denied, delete: denied }), objects);
    expect(await probe(store, parts, signal)).toEqual({ denied: 'k: access denied' });
  });

  it.each(['size', 'list'] as const)('rejects where %s is denied too', async (method) => {
    const store = storeWith(() => ({ putIfAbsent: denied, [method]: method === 'size' ? denied : failingList }));
    await expect(probe(store, parts, signal)).rejects.toBeInstanceOf(StoreDenied);
  });
});

function failingList(): never {
  throw new StoreDenied('list: access denied');
}

describe('probe over a bad line', () => {
  /** Every nth request is done, and its answer lost; or not even done. */
  const losing = (every: number, isDone: boolean, objects = new Map<string, Uint8Array>()): ObjectStore => {
    let count = 0;
    return storeWith(
      (right) => ({
        putIfAbsent: async (...args) => {
          const isLost = ++count % every === 0;
          const answer = !isLost || isDone ? await right.putIfAbsent(...args) : undefined;
          if (isLost || answer === undefined) throw new StoreUnavailable('lost');
          return answer;
        },
      }),
      objects,
    );
  };

  it.each([
    [37, true],
    [37, false],
    [29, true],
    [29, false],
  ])('accepts an honest store that loses one create of %d, done: %s', async (every, isDone) => {
    const objects = new Map<string, Uint8Array>();
    expect(await probe(losing(every, isDone, objects), impatient, signal)).toEqual({ denied: undefined });
    expect(objects.size).toBe(0);
  });

  it.each([1, 2])('says that a store which loses one create of %d is not available, not that it lies', async (every) => {
    await expect(probe(losing(every, true), impatient, signal)).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('refuses one that has several winners, though answers are lost', async () => {
    let count = 0;
    const store = storeWith((_, objects) => ({
      putIfAbsent: async (key, body) => {
        const exists = objects.has(key);
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (!exists) objects.set(key, body);
        if (++count % 7 === 0) throw new StoreUnavailable('lost');
        return exists ? 'exists' : 'created';
      },
    }));
    await expect(probe(store, impatient, signal)).rejects.toThrow(/it accepts [2-8] of 8 racing creates/);
  });
});

describe('what dead probes left', () => {
  it('is removed after a week, what is younger stays', async () => {
    const clock = new ManualClock();
    const old = `probe/${clock.now() - 8 * 24 * 3600 * 1000}-ab/0/object`;
    const young = `probe/${clock.now() - 6 * 24 * 3600 * 1000}-ab/0/object`;
    const other = 'probe/of-somebody-else';
    const objects = new Map([old, young, other].map((key) => [key, new Uint8Array()]));
    await probe(
      storeWith(() => ({}), objects),
      { ...parts, clock },
      signal,
    );
    expect([...objects.keys()]).toEqual([young, other]);
  });
});
