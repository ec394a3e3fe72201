import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { randomIds } from '../../src/base/ids.ts';
import { Checkpointer } from '../../src/catalog/checkpoint/checkpointer.ts';
import type { CheckpointerParts } from '../../src/catalog/checkpoint/checkpointer.ts';
import { loadCheckpoint } from '../../src/catalog/checkpoint/checkpoint-load.ts';
import { checkpointKey, checkpointPrefix } from '../../src/catalog/paths.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { ManualClock } from '../manual-clock.ts';
import { temporaryFolder } from '../objectstore/stores.ts';
import { History, domain, newIndex, silent } from './history.ts';

const signal = AbortSignal.any([]);
const policy = { segments: 3, bytes: 1_000_000, interval: 1000 };

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => rm(folder, { recursive: true }));

const historyIn = async (store?: ObjectStore) => new History(await newIndex(join(folder, `index-${count++}`)), store);

function checkpointerOf({ store, state }: History, rest: Partial<CheckpointerParts> = {}): Checkpointer {
  const writer = { replica: 'r', boot: 'b' };
  return new Checkpointer({ store, domain, clock: systemClock, ids: randomIds, log: silent, state, writer, policy, ...rest });
}

async function grow(history: History, segments = policy.segments): Promise<void> {
  for (let i = 0; i < segments; i++) await history.add({ kind: 'burst', count: 2 });
}

async function keysIn(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(checkpointPrefix(domain), signal)) keys.push(key);
  return keys;
}

const positionsIn = async (store: ObjectStore) => (await keysIn(store)).map((key) => Number(/(\d+)\.[0-9a-f]+\.ckpt$/.exec(key)?.[1]));

async function loaded(store: ObjectStore) {
  const index = await newIndex(join(folder, `index-${count++}`));
  const head = await loadCheckpoint({ store, domain, index, log: silent }, signal);
  await index.close();
  return head;
}

describe('checkpoints', () => {
  it('are made when enough segments are behind the last, and the newest three are kept', async () => {
    const history = await historyIn();
    const checkpointer = checkpointerOf(history);
    await grow(history, 2);
    await checkpointer.look(signal);
    expect(await positionsIn(history.store)).toEqual([]);
    await grow(history, 1);
    for (const kept of [[3], [3, 6], [3, 6, 9], [6, 9, 12], [9, 12, 15]]) {
      await checkpointer.look(signal);
      await checkpointer.look(signal);
      expect(await positionsIn(history.store)).toEqual(kept);
      expect(await loaded(history.store)).toEqual(history.state.head);
      await grow(history);
    }
    await history.state.close();
  });

  it('are made when enough bytes are behind the last, and as many as it has', async () => {
    const history = await historyIn();
    const checkpointer = checkpointerOf(history, { policy: { segments: 1000, bytes: 2000, interval: 1 } });
    await grow(history, 2);
    await checkpointer.look(signal);
    expect(await positionsIn(history.store)).toEqual([]);
    await grow(history, 3);
    await checkpointer.look(signal);
    expect(await positionsIn(history.store)).toEqual([5]);
    // One that is large puts the next one off.
    for (let i = 0; i < 5; i++) await history.add({ kind: 'changes', of: [{ name: i, value: 60 + i }] });
    await checkpointer.look(signal);
    expect((await positionsIn(history.store)).length).toBe(2);
    await history.state.close();
  });

  it('count what was behind the last before this process began', async () => {
    const history = await historyIn();
    await grow(history, 4);
    const late = new History(await newIndex(join(folder, `index-${count++}`)), history.store);
    const checkpointer = checkpointerOf(late, { policy: { segments: 1000, bytes: 1500, interval: 1 } });
    await late.follow();
    expect(late.state.head.n).toBe(4);
    await checkpointer.look(signal);
    expect(await positionsIn(history.store)).toEqual([4]);
    await Promise.all([history.state.close(), late.state.close()]);
  });

  it('are not made of segments that are in the store and not applied here yet', async () => {
    const ahead = await historyIn();
    await grow(ahead, 3);
    const behind = await historyIn(ahead.store);
    await checkpointerOf(behind, { policy: { segments: 1, bytes: 1, interval: 1 } }).look(signal);
    expect(await positionsIn(ahead.store)).toEqual([]);
    await Promise.all([ahead.state.close(), behind.state.close()]);
  });

  it('of another replica are as good as own ones, and two at once are no harm', async () => {
    const one = await historyIn();
    const other = await historyIn(one.store);
    const [first, second] = [checkpointerOf(one), checkpointerOf(other)];
    await grow(one);
    await other.follow();
    await first.look(signal);
    await second.look(signal);
    expect(await positionsIn(one.store)).toEqual([3]);
    await grow(one);
    await other.follow();
    await first.look(signal);
    await second.look(signal);
    expect(await positionsIn(one.store)).toEqual([3, 6]);
    for (const kept of [
      [6, 9, 9],
      [9, 12, 12],
    ]) {
      await grow(one);
      await other.follow();
      await Promise.all([first.look(signal), second.look(signal)]);
      expect((await positionsIn(one.store)).slice(-3)).toEqual(kept);
      expect(await loaded(one.store)).toEqual(one.state.head);
    }
    await Promise.all([one.state.close(), other.state.close()]);
  });

  it('of a lost history and damaged ones push no good one out, and go with the older ones', async () => {
    const history = await historyIn();
    const checkpointer = checkpointerOf(history);
    await grow(history);
    await checkpointer.look(signal);
    const strange = [1, 2, 4, 5].map((n) => checkpointKey(domain, n, 'f'.repeat(16)));
    for (const key of strange) await history.store.putIfAbsent(key, Buffer.from('KYC1 is all that is right here'), signal);
    await grow(history);
    await checkpointer.look(signal);
    expect(await positionsIn(history.store)).toEqual([1, 2, 3, 4, 5, 6]);
    await grow(history);
    await checkpointer.look(signal);
    expect(await positionsIn(history.store)).toEqual([3, 4, 5, 6, 9]);
    await history.state.close();
  });

  it('are not made by who may not write the log', async () => {
    const history = await historyIn();
    await grow(history);
    const { head } = history.state;
    const fenced = { head: { ...head, features: { read: [], write: ['later'] } }, hasEnded: false, appliedBytes: 0 };
    await checkpointerOf(history, { state: fenced as unknown as CheckpointerParts['state'] }).look(signal);
    expect(await positionsIn(history.store)).toEqual([]);
    await history.state.close();
  });
});

describe('a checkpoint that cannot be made', () => {
  it('leaves nothing, hinders nobody, and is tried again later', async () => {
    const history = await historyIn();
    const clock = new ManualClock();
    const warnings: unknown[] = [];
    const upload = history.store.upload.bind(history.store);
    let tries = 0;
    history.store.upload = async (key, body, ...rest) => {
      tries += 1;
      for await (const _ of body) if (tries < 3) throw new StoreUnavailable('reset');
      return upload(key, body, ...rest).catch(() => ({ bytes: 0, sha256: '' }));
    };
    const stop = new AbortController();
    const log = { ...silent, warn: (_: string, fields = {}) => void warnings.push(fields) };
    await grow(history);
    const running = checkpointerOf(history, { clock, log }).run(stop.signal);
    const reach = (wanted: number) =>
      expect.poll(async () => (await clock.pass(5000), tries), { timeout: 5000, interval: 1 }).toBeGreaterThanOrEqual(wanted);
    await reach(1);
    const failed = clock.monotonic();
    await grow(history);
    await reach(2);
    expect(clock.monotonic() - failed).toBeGreaterThan(50_000);
    expect(warnings[0]).toEqual({ cause: 'reset' });
    expect(await keysIn(history.store)).toEqual([]);
    stop.abort(new Error('enough'));
    await running;
    await history.state.close();
  });

  it('is removed where it cannot be read back, and the older ones stay', async () => {
    const history = await historyIn();
    const checkpointer = checkpointerOf(history);
    for (let i = 0; i < 3; i++) {
      await grow(history);
      await checkpointer.look(signal);
    }
    const stream = history.store.stream.bind(history.store);
    history.store.stream = async (...args) => {
      const { size, body } = await stream(...args);
      const cut = async function* () {
        for await (const piece of body) yield piece.subarray(0, -1);
      };
      return { size, body: cut() };
    };
    await grow(history);
    await expect(checkpointer.look(signal)).rejects.toThrow('is cut off');
    expect(await positionsIn(history.store)).toEqual([3, 6, 9]);
    await history.state.close();
  });

  it('is given up when the catalog is closed', async () => {
    const history = await historyIn(memoryStore());
    history.store.upload = (_, __, within) =>
      new Promise((_, reject) => within.addEventListener('abort', () => reject(within.reason as Error)));
    await grow(history);
    const stop = new AbortController();
    const running = checkpointerOf(history, { policy: { ...policy, interval: 1 } }).run(stop.signal);
    await systemClock.sleep(30, signal);
    stop.abort(new Error('enough'));
    await running;
    await history.state.close();
  });
});
