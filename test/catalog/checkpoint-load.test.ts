/** A cold start gives what a replay of the log gives; what is no good checkpoint of this log is passed over. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCheckpoint } from '../../src/catalog/checkpoint/checkpoint-format.ts';
import { loadCheckpoint } from '../../src/catalog/checkpoint/checkpoint-load.ts';
import { checkpointKey } from '../../src/catalog/paths.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { temporaryFolder } from '../objectstore/stores.ts';
import type { Step } from './history.ts';
import { History, bytesOf, domain, dumpOf, newIndex, silent } from './history.ts';

const signal = AbortSignal.any([]);
const made = { domain, time: '2026-01-01T00:00:00.000Z', writer: { replica: 'r', boot: 'b' } };

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));
const place = () => join(folder, `index-${count++}`);

/** Makes a checkpoint of all of a history, changed by `harm`, under a name that sorts by `random`. */
async function checkpoint(history: History, random = '0'.repeat(16), harm: (bytes: Buffer) => Uint8Array = (bytes) => bytes) {
  const view = history.state.view();
  const bytes = await bytesOf(encodeCheckpoint(view.head, made, view.entries()));
  await view.close();
  const key = checkpointKey(domain, view.head.n, random);
  await history.store.putIfAbsent(key, harm(bytes), signal);
  return key;
}

async function load(store = memoryStore()) {
  const index = await newIndex(place());
  const told: string[] = [];
  const log = { ...silent, warn: (_: string, fields = {}) => void told.push((fields as { cause: string }).cause) };
  const head = await loadCheckpoint({ store, domain, index, log }, signal);
  const { entries } = await dumpOf(index);
  await index.close();
  return { head, told, entries };
}

const changes = fc.record({
  kind: fc.constant('changes' as const),
  of: fc.array(fc.record({ name: fc.nat(4), value: fc.option(fc.nat(99), { nil: undefined }) }), { minLength: 1, maxLength: 6 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: changes },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('burst' as const), count: fc.integer({ min: 1000, max: 1200 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('jump' as const), by: fc.integer({ min: 1, max: 1000 }) }) },
);

async function filled(steps: readonly Step[] = [{ kind: 'changes', of: [{ name: 1, value: 1 }] }]): Promise<History> {
  const history = new History(await newIndex(place()));
  for (const one of steps) await history.add(one);
  return history;
}

describe('a checkpoint', () => {
  it('gives, byte by byte, what the log gives up to there, and goes on as that does (L7)', async () => {
    const steps = fc.array(step, { minLength: 1, maxLength: 6 });
    let [pruned, jumped] = [0, 0];
    await fc.assert(
      fc.asyncProperty(steps, steps, async (before, after) => {
        const history = await filled(before);
        await checkpoint(history);
        const index = await newIndex(place());
        const head = await loadCheckpoint({ store: history.store, domain, index, log: silent }, signal);
        expect(await dumpOf(index)).toEqual(await dumpOf(history.index));
        const copy = new History(index, history.store, head, history.clock);
        for (const one of after) await history.add(one);
        await copy.follow();
        expect(await dumpOf(index)).toEqual(await dumpOf(history.index));
        pruned += copy.state.head.horizon > 1 ? 1 : 0;
        jumped += copy.state.head.jump > 0 ? 1 : 0;
        await Promise.all([history.state.close(), copy.state.close()]);
      }),
      { numRuns: 25 },
    );
    expect([pruned > 0, jumped > 0]).toEqual([true, true]);
  });

  it('is passed over when it is damaged or torn; then an older one is used, or none', async () => {
    const history = await filled();
    await checkpoint(history);
    const { entries: older } = await load(history.store);
    await history.add({ kind: 'burst', count: 2000 });
    const cut = await checkpoint(history, '1'.repeat(16), (bytes) => bytes.subarray(0, -1));
    await checkpoint(history, '2'.repeat(16), (bytes) => Buffer.concat([bytes.subarray(0, 600), bytes.subarray(601)]));
    const found = await load(history.store);
    expect(found.head?.n).toBe(1);
    expect(found.entries).toEqual(older);
    expect(found.told).toEqual(['is damaged: a frame does not have the hash before it', 'is cut off']);
    await history.store.delete(checkpointKey(domain, 1, '0'.repeat(16)), signal);
    expect(await load(history.store)).toMatchObject({ head: undefined, entries: new Map() });
    await history.store.delete(cut, signal);
    await checkpoint(history, '3'.repeat(16));
    expect((await load(history.store)).head).toEqual(history.state.head);
    await history.state.close();
  });

  it('of another history is passed over, and so is one of what the log does not have', async () => {
    const [history, other] = [await filled(), await filled([{ kind: 'changes', of: [{ name: 2, value: 2 }] }])];
    const foreign = await checkpoint(other);
    await history.store.putIfAbsent(foreign, await other.store.read(foreign, signal), signal);
    await other.add({ kind: 'burst', count: 1 });
    const ahead = await checkpoint(other);
    await history.store.putIfAbsent(ahead, await other.store.read(ahead, signal), signal);
    const { head, told } = await load(history.store);
    expect(head).toBeUndefined();
    expect(told).toEqual([
      expect.stringMatching(/^is ahead of the log, which does not have d\/.*2\.seg$/),
      expect.stringMatching(/^is of another history: its hash of d\/.*1\.seg is not that of the log$/),
    ]);
    await Promise.all([history.state.close(), other.state.close()]);
  });

  it('under the name of another is passed over', async () => {
    const history = await filled();
    const key = await checkpoint(history);
    await history.add({ kind: 'burst', count: 1 });
    await history.store.putIfAbsent(checkpointKey(domain, 2, '1'.repeat(16)), await history.store.read(key, signal), signal);
    const { head, told } = await load(history.store);
    expect([head?.n, told]).toEqual([1, [`is of segment 1 of domain ${domain}, which is not what its name says`]]);
    await history.state.close();
  });

  it('is tried again when the store breaks off, and then passed over', async () => {
    const history = await filled();
    await checkpoint(history);
    let left = 2;
    const stream = history.store.stream.bind(history.store);
    history.store.stream = (...args) => {
      if (left-- > 0) throw new StoreUnavailable('reset');
      return stream(...args);
    };
    expect((await load(history.store)).head?.n).toBe(1);
    left = 3;
    expect((await load(history.store)).head).toBeUndefined();
    await history.state.close();
  });

  it('that is deleted while it is read for a newer one is no reason to do without', async () => {
    const history = await filled();
    const old = await checkpoint(history);
    const { store } = history;
    const stream = store.stream.bind(store);
    store.stream = async (...args) => {
      if (args[0] === old) {
        await history.add({ kind: 'burst', count: 3 });
        await checkpoint(history);
        await store.delete(old, signal);
      }
      return stream(...args);
    };
    expect((await load(store)).head?.n).toBe(2);
    await history.state.close();
  });

  it('is not loaded any further when nobody wants it', async () => {
    const history = await filled();
    await checkpoint(history);
    const index = await newIndex(place());
    const parts = { store: history.store, domain, index, log: silent };
    await expect(loadCheckpoint(parts, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    await Promise.all([index.close(), history.state.close()]);
  });
});
