/** What every storage does for the machinery; run over all of them by the tests of each. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import type { ListQuery, Storage, Stored, StoredEvent, WatchQuery } from '../../src/machinery/storage.ts';
import {
  StorageConflict,
  StorageExists,
  StorageExpired,
  StorageFuture,
  StorageMissing,
  StorageUnavailable,
} from '../../src/machinery/storage.ts';
import type { StorageUnderTest } from './storage-samples.ts';
import { collect, keyOf, NotingClock, nth, resource, signal, textOf } from './storage-samples.ts';

export function describeStorage(create: (clock: Clock) => Promise<StorageUnderTest>): void {
  let made: StorageUnderTest;
  let storage: Storage;
  let other: Storage;
  let clock: NotingClock;
  beforeEach(async () => {
    clock = new NotingClock();
    made = await create(clock);
    [storage, other] = made.processes;
  });
  afterEach(() => made.destroy());

  const add = (name: string, namespace?: string, value?: number, of?: string) =>
    storage.write({ op: 'create', key: keyOf(name, namespace, of), json: textOf(name, value) }, signal);
  const change = (name: string, expect: number, value: number) =>
    storage.write({ op: 'update', key: keyOf(name), json: textOf(name, value), expect }, signal);
  const remove = (name: string, expect: number) => storage.write({ op: 'delete', key: keyOf(name), expect }, signal);
  const list = async (query: Partial<ListQuery> = {}, from = storage) => from.list({ resource, at: 'latest', ...query }, signal);
  const names = async (query: Partial<ListQuery> = {}, from = storage) =>
    (await collect(await list(query, from))).map(({ key }) => `${key.namespace}/${key.name}`);

  /** The first `count` events of a watch. */
  async function events(count: number, query: Partial<WatchQuery> = {}, from = storage): Promise<StoredEvent[]> {
    const stop = new AbortController();
    const seen: StoredEvent[] = [];
    for await (const some of from.watch({ resource, since: nth(0), ...query }, stop.signal)) if (seen.push(...some) >= count) stop.abort();
    return seen.slice(0, count);
  }

  describe('writes', () => {
    it('number changes densely, from behind the number of the empty storage, over all resources', async () => {
      expect(storage.current()).toBe(nth(0));
      expect(await add('a')).toBe(nth(1));
      expect(await add('b', '', 0, 'others')).toBe(nth(2));
      expect(await change('a', nth(1), 1)).toBe(nth(3));
      expect(await remove('a', nth(3))).toBe(nth(4));
      expect(await add('a')).toBe(nth(5));
      expect(storage.current()).toBe(nth(5));
    });

    it('are seen at once in their own process', async () => {
      const rv = await add('a');
      expect(storage.peek(keyOf('a'))).toEqual({ key: keyOf('a'), rv, json: textOf('a') });
      expect(await names({ at: 'any' })).toEqual(['default/a']);
    });

    it('keep the text as it is, whatever is in it', async () => {
      const json = `{"apiVersion":"v1","metadata":{"name":"x"},"n":1.0,"2":1,"1":2,"s":"\\u0000\\n,\\"object\\":{ \u2028 ä 😀 \ud83d"}`;
      await storage.write({ op: 'create', key: keyOf('x'), json }, signal);
      // A lone half of a surrogate pair has no UTF-8; it is kept as the replacement character.
      const kept = json.replace('\ud83d"}', '\ufffd"}');
      expect((await other.get(keyOf('x'), signal))?.json).toBe(kept);
    });

    it('refuse a create of what exists, and change nothing', async () => {
      await add('a');
      await expect(add('a', 'default', 1)).rejects.toBeInstanceOf(StorageExists);
      await expect(add('a', 'default', 1)).rejects.toThrow('widgets.example.com default/a');
      expect((await storage.get(keyOf('a'), signal))?.json).toBe(textOf('a'));
      expect(await add('a', 'elsewhere')).toBe(nth(2));
    });

    it('refuse to change what is at another number, and say which', async () => {
      await add('a');
      await change('a', nth(1), 1);
      await expect(change('a', nth(1), 2)).rejects.toBeInstanceOf(StorageConflict);
      await expect(change('a', nth(1), 2)).rejects.toThrow(`at number ${nth(2)}, not ${nth(1)}`);
      await expect(remove('a', nth(1))).rejects.toBeInstanceOf(StorageConflict);
      expect(storage.current()).toBe(nth(2));
    });

    it('refuse to change what is not there', async () => {
      await expect(change('a', nth(1), 1)).rejects.toBeInstanceOf(StorageMissing);
      await add('a');
      await remove('a', nth(1));
      await expect(remove('a', nth(1))).rejects.toBeInstanceOf(StorageMissing);
      expect(await storage.get(keyOf('a'), signal)).toBeUndefined();
    });

    it('let exactly one of 50 racing changes win', async () => {
      const rv = await add('a');
      const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, i) => change('a', rv, i)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StorageConflict);
    });

    it('of 50 writers at once all get their own number', async () => {
      const numbers = await Promise.all(
        Array.from({ length: 50 }, async (_, writer) => {
          const got: number[] = [];
          for (let i = 0; i < 4; i++) got.push(await add(`w${writer}-${i}`));
          return got;
        }),
      );
      expect(numbers.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => nth(i + 1)));
      for (const got of numbers) expect(got).toEqual([...got].sort((a, b) => a - b));
      expect(await names()).toHaveLength(200);
    });

    it('are not done for a caller that has gone', async () => {
      const gone = AbortSignal.abort(new Error('gone'));
      await expect(storage.write({ op: 'create', key: keyOf('a'), json: textOf('a') }, gone)).rejects.toThrow('gone');
      expect(await names()).toEqual([]);
    });
  });

  describe('two processes', () => {
    it('see each other’s writes as soon as they are acknowledged', async () => {
      for (let i = 0; i < 10; i++) {
        const rv = await add(`a${i}`);
        expect((await other.get(keyOf(`a${i}`), signal))?.rv).toBe(rv);
        expect(await other.latest(signal)).toBe(rv);
        expect(await names({}, other)).toHaveLength(i + 1);
      }
    });

    it('refuse by what the other has done, not by what they remember', async () => {
      await add('a');
      expect(await other.latest(signal)).toBe(nth(1));
      await remove('a', nth(1));
      expect(await other.write({ op: 'create', key: keyOf('a'), json: textOf('a') }, signal)).toBe(nth(3));
    });

    it('race for numbers, and both see everything once', async () => {
      const write = (from: Storage, name: string) => from.write({ op: 'create', key: keyOf(name), json: textOf(name) }, signal);
      const watching = events(200, {}, other);
      const numbers = await Promise.all(
        Array.from({ length: 20 }, async (_, writer) => {
          const got: number[] = [];
          for (let i = 0; i < 10; i++) got.push(await write(writer % 2 === 0 ? storage : other, `w${writer}-${i}`));
          return got;
        }),
      );
      const all = Array.from({ length: 200 }, (_, i) => nth(i + 1));
      expect(numbers.flat().sort((a, b) => a - b)).toEqual(all);
      expect(await collect(await list({}, storage))).toEqual(await collect(await list({}, other)));
      expect((await watching).map(({ rv }) => rv)).toEqual(all);
      expect(await events(200)).toEqual(await watching);
    });

    it('let one of two racing creates win', async () => {
      for (let i = 0; i < 20; i++) {
        const outcomes = await Promise.allSettled(
          [storage, other].map((from, who) => from.write({ op: 'create', key: keyOf(`a${i}`), json: textOf('a', who) }, signal)),
        );
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
        expect((await other.get(keyOf(`a${i}`), signal))?.json).toBe(textOf('a', winner));
      }
    });
  });

  describe('lists', () => {
    it('of an empty storage have its number, and no objects', async () => {
      const page = await list();
      expect(page.rv).toBe(nth(0));
      expect(await collect(page)).toEqual([]);
      expect((await list({ at: 'any' }, other)).rv).toBe(nth(0));
      expect((await list({ at: { rv: nth(0), exact: true } })).rv).toBe(nth(0));
    });

    it('go by namespace, then name, in the order of UTF-8 bytes', async () => {
      const made = ['a/b', 'a/b-c', 'a/b.c', 'a/b0', 'a-b/a', 'a0/a', '/z', 'a/B', 'a/\uff5e', 'a/😀', 'a/é'];
      for (const path of made) await add(path.slice(path.indexOf('/') + 1), path.slice(0, path.indexOf('/')));
      await add('stranger', 'a', 0, 'widgets.example.comx');
      const sorted = [...made].sort((a, b) => Buffer.compare(Buffer.from(a.replace('/', '\0')), Buffer.from(b.replace('/', '\0'))));
      expect(await names()).toEqual(sorted);
      expect(await names({ namespace: 'a' })).toEqual(sorted.filter((path) => path.startsWith('a/')));
      expect(await names({ namespace: '' })).toEqual(['/z']);
      expect(await names({ namespace: 'b' })).toEqual([]);
      await add('late', 'zz');
      expect(await names({ at: { rv: nth(12), exact: true } })).toEqual(sorted);
    });

    it('come in pages that follow on each other, with what remains', async () => {
      for (let i = 0; i < 25; i++) await add(`n${String(i).padStart(2, '0')}`, `ns${i % 3}`);
      const whole = await names();
      const seen: string[] = [];
      let after: ListQuery['after'];
      for (;;) {
        const page = await list({ limit: 7, ...(after && { after }) });
        const items = await collect(page);
        seen.push(...items.map(({ key }) => `${key.namespace}/${key.name}`));
        expect(await page.remaining()).toBe(25 - seen.length);
        after = items.at(-1)?.key;
        if (seen.length >= 25 || after === undefined) break;
      }
      expect(seen).toEqual(whole);
      expect(await names({ namespace: 'ns1', after: { namespace: 'ns1', name: 'n10' } })).toEqual(
        whole.filter((path) => path.startsWith('ns1/') && path > 'ns1/n10'),
      );
      expect(await (await list()).remaining()).toBe(0);
    });

    it('show an older number exactly as it was, while writes go on', async () => {
      const history: Stored[][] = [[]];
      const model = new Map<string, Stored>();
      for (let i = 0; i < 60; i++) {
        const name = `n${i % 7}`;
        const old = model.get(name);
        if (old === undefined) model.set(name, { key: keyOf(name), rv: await add(name, 'default', i), json: textOf(name, i) });
        else if (i % 5 === 0) {
          await remove(name, old.rv);
          model.delete(name);
        } else model.set(name, { key: keyOf(name), rv: await change(name, old.rv, i), json: textOf(name, i) });
        history.push([...model.values()].sort((a, b) => (a.key.name < b.key.name ? -1 : 1)));
      }
      const writing = Promise.all(Array.from({ length: 30 }, (_, i) => add(`late${i}`)));
      for (const [n, state] of history.entries()) {
        const rv = nth(n);
        const page = await list({ at: { rv, exact: true } });
        expect(page.rv).toBe(rv);
        expect(await collect(page)).toEqual(state);
      }
      await writing;
      const page = await list({ at: { rv: nth(50), exact: true }, limit: 2 });
      expect(await collect(page)).toEqual(history[50]?.slice(0, 2));
      expect(await page.remaining()).toBe((history[50]?.length ?? 0) - 2);
      expect(await names({ at: { rv: nth(50), exact: true }, after: { namespace: 'default', name: 'n3' } })).toEqual(
        history[50]?.filter(({ key }) => key.name > 'n3').map(({ key }) => `default/${key.name}`),
      );
    });

    it('stay what they were when they began, and count what remained then', async () => {
      for (let i = 0; i < 5; i++) await add(`n${i}`);
      const page = await list({ limit: 3 });
      await remove('n0', nth(1));
      await remove('n4', nth(5));
      await add('n9');
      expect((await collect(page)).map(({ key }) => key.name)).toEqual(['n0', 'n1', 'n2']);
      expect(page.rv).toBe(nth(5));
      expect(await page.remaining()).toBe(2);
    });

    it('are at least as new as the number asked for', async () => {
      await add('a');
      expect((await list({ at: { rv: nth(1), exact: false } })).rv).toBe(nth(1));
      await add('b');
      const page = await list({ at: { rv: nth(1), exact: false } });
      expect(page.rv).toBe(nth(2));
      expect(await collect(page)).toHaveLength(2);
      expect((await list({ at: { rv: nth(2), exact: true } }, other)).rv).toBe(nth(2));
    });

    it.each([true, false])('wait for a number that comes soon (exact: %s)', async (exact) => {
      await add('a');
      const waiting = list({ at: { rv: nth(2), exact } });
      await add('b');
      expect((await waiting).rv).toBe(nth(2));
    });

    it.each([true, false])('give up on a number that does not come in 3 seconds (exact: %s)', async (exact) => {
      await add('a');
      clock.isHasty = true;
      await expect(list({ at: { rv: nth(2), exact } })).rejects.toSatisfy((e) => e instanceof StorageFuture && e.current === nth(1));
      expect(clock.slept).toContain(3000);
    });

    it('end when their signal aborts', async () => {
      await add('a');
      const stop = new AbortController();
      const page = await storage.list({ resource, at: 'latest' }, stop.signal);
      stop.abort(new Error('stopped'));
      await expect(collect(page)).rejects.toThrow();
      await expect(storage.list({ resource, at: 'latest' }, stop.signal)).rejects.toThrow('stopped');
    });
  });

  describe('watches', () => {
    it('tell every change after a number once, in order, with the states before and after', async () => {
      await add('a', 'default', 0);
      await change('a', nth(1), 1);
      await add('x', 'default', 0, 'others');
      await remove('a', nth(2));
      await add('a', 'default', 2);
      const all: StoredEvent[] = [
        { rv: nth(1), type: 'ADDED', key: keyOf('a'), json: textOf('a', 0), before: undefined },
        { rv: nth(2), type: 'MODIFIED', key: keyOf('a'), json: textOf('a', 1), before: textOf('a', 0) },
        { rv: nth(4), type: 'DELETED', key: keyOf('a'), json: textOf('a', 1), before: textOf('a', 1) },
        { rv: nth(5), type: 'ADDED', key: keyOf('a'), json: textOf('a', 2), before: undefined },
      ];
      expect(await events(4)).toEqual(all);
      expect(await events(2, { since: nth(2) })).toEqual(all.slice(2));
      expect(await events(2, { since: nth(2) }, other)).toEqual(all.slice(2));
    });

    it('tell the same live as from history', async () => {
      const live = events(4);
      await new Promise((resolve) => setTimeout(resolve, 10));
      await add('a', 'default', 0);
      await change('a', nth(1), 1);
      await remove('a', nth(2));
      await add('a', 'default', 2);
      expect(await live).toEqual(await events(4));
    });

    it('keep to their namespace', async () => {
      await add('a', 'one');
      const watching = events(2, { namespace: 'one' });
      await add('b', 'two');
      await add('c', 'one');
      expect((await watching).map(({ key }) => key.name)).toEqual(['a', 'c']);
    });

    it('go from history to live without a gap, wherever they begin', async () => {
      const state = { writing: true };
      const writer = (async () => {
        for (let i = 0; state.writing; i++) await add(`n${i}`);
      })();
      while (storage.current() < 50) await new Promise((resolve) => setImmediate(resolve));
      for (let round = 0; round < 20; round++) {
        const since = Math.max(nth(0), storage.current() - 40);
        const seen = await events(60, { since });
        expect(seen.map(({ rv }) => rv)).toEqual(Array.from({ length: 60 }, (_, i) => since + 1 + i));
      }
      state.writing = false;
      await writer;
    });

    it('wait for a number that is not there yet', async () => {
      const watching = events(1, { since: nth(2) });
      for (const name of ['a', 'b', 'c']) await add(name);
      expect((await watching).map(({ rv }) => rv)).toEqual([nth(3)]);
    });

    it('end quietly when their signal aborts', async () => {
      const stop = new AbortController();
      setTimeout(() => stop.abort(), 10);
      for await (const events of storage.watch({ resource, since: nth(0) }, stop.signal)) expect(events).toBeUndefined();
      expect(stop.signal.aborted).toBe(true);
    });

    it('end one that falls behind, and no other', async () => {
      const stop = new AbortController();
      const slow = storage.watch({ resource, since: nth(0) }, stop.signal)[Symbol.asyncIterator]();
      const first = slow.next();
      await new Promise((resolve) => setTimeout(resolve, 10));
      const quick = events(2500);
      await add('first');
      expect((await first).done).toBe(false);
      for (let i = 0; i < 5; i++) await Promise.all(Array.from({ length: 500 }, (_, j) => add(`n${i}-${j}`)));
      expect(await quick).toHaveLength(2500);
      const drain = async () => {
        for (let next = await slow.next(); !next.done; next = await slow.next());
      };
      await expect(drain()).rejects.toBeInstanceOf(StorageExpired);
      stop.abort();
    });
  });

  it('forgets what is older than its history, and says so', async () => {
    const changes = made.historyKept + 1500;
    let rv = await add('a');
    const writes = Array.from({ length: changes }, (_, i) => ({ name: `n${i % 10}`, i }));
    for (let at = 0; at < writes.length; at += 500) {
      await Promise.all(writes.slice(at, at + 500).map(({ name, i }) => add(`${name}-${i}`)));
      rv = await change('a', rv, at);
    }
    await expect(list({ at: { rv: nth(1), exact: true } })).rejects.toBeInstanceOf(StorageExpired);
    await expect(events(1, { since: nth(1) })).rejects.toBeInstanceOf(StorageExpired);
    const kept = storage.current() - made.historyKept;
    expect((await list({ at: { rv: kept, exact: true } })).rv).toBe(kept);
    expect(await events(made.historyKept, { since: kept })).toHaveLength(made.historyKept);
    expect((await list({ at: { rv: nth(1), exact: false } })).rv).toBe(storage.current());
  });

  it('refuses everything once it is closed', async () => {
    await add('a');
    const watching = events(10, { since: nth(1) });
    const writing = add('b').catch((error: unknown) => error);
    const closed = made.close();
    await expect(watching).rejects.toBeInstanceOf(StorageUnavailable);
    await closed;
    const written = await writing;
    expect(written === nth(2) || written instanceof StorageUnavailable).toBe(true);
    await expect(storage.get(keyOf('a'), signal)).rejects.toBeInstanceOf(StorageUnavailable);
    await expect(add('c')).rejects.toBeInstanceOf(StorageUnavailable);
    await expect(list({ at: 'any' })).rejects.toBeInstanceOf(StorageUnavailable);
    await expect(storage.latest(signal)).rejects.toBeInstanceOf(StorageUnavailable);
    await expect(events(1)).rejects.toBeInstanceOf(StorageUnavailable);
    expect(() => storage.peek(keyOf('a'))).toThrow(StorageUnavailable);
    expect((await other.get(keyOf('a'), signal))?.rv).toBe(nth(1));
  });
}
