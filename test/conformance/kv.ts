/** What every place for an index does: LevelDB, and the disk of the simulation. */
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packBlock } from '../../src/catalog/local-index/block.ts';
import { lineOf } from '../../src/catalog/local-index/index-keys.ts';
import type { Kv, KvFilling, KvHome, KvReader } from '../../src/catalog/local-index/kv.ts';

export interface KvUnderTest {
  /** The same place for two processes. */
  readonly homes: readonly [KvHome, KvHome];
  destroy(): Promise<void>;
}

const all = { gte: '', lt: '\u{10ffff}' };
const put = (key: string, value = key) => ({ type: 'put' as const, key, value });
const del = (key: string) => ({ type: 'del' as const, key });

export function describeKv(create: () => Promise<KvUnderTest>): void {
  let made: KvUnderTest;
  let kv: Kv;
  beforeEach(async () => {
    made = await create();
    kv = await made.homes[0].open();
  });
  afterEach(async () => {
    await kv.close();
    await made.destroy();
  });

  describe('entries', () => {
    it('come in the order of their UTF-8 bytes', async () => {
      const keys = ['a\0b', 'a\x01', 'ab', 'a', 'ä', 'z', '\uffee', '\u{1f600}', 'a\0'];
      await kv.batch(keys.map((key) => put(key)));
      const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(await keysOf(kv, all)).toEqual(sorted);
      expect((await entriesOf(kv, all)).map(([key]) => key)).toEqual(sorted);
    });

    it('are those from one bound up to the other, at most as many as wanted', async () => {
      await kv.batch(['a', 'b', 'c', 'd', 'e'].map((key) => put(key)));
      expect(await keysOf(kv, { gte: 'b', lt: 'd' })).toEqual(['b', 'c']);
      expect(await entriesOf(kv, { gte: 'bb', lt: 'z' }, 2)).toEqual([
        ['c', 'c'],
        ['d', 'd'],
      ]);
      expect(await entriesOf(kv, all, 0)).toEqual([]);
      expect(await entriesOf(kv, { gte: 'x', lt: 'z' })).toEqual([]);
      expect(await entriesOf(kv, { gte: 'd', lt: 'b' })).toEqual([]);
    });

    it('may be thousands', async () => {
      const keys = Array.from({ length: 2500 }, (_, i) => String(i).padStart(6, '0'));
      await kv.batch(keys.map((key) => put(key)));
      expect(await keysOf(kv, all)).toEqual(keys);
    });
  });

  describe('a batch', () => {
    it('puts, replaces and deletes; of two operations on one key the later counts', async () => {
      await kv.batch([put('a', '1'), put('b', '1'), put('c', '1')]);
      await kv.batch([put('a', '2'), del('b'), del('nothing'), put('d', '1'), del('d'), del('e'), put('e', '2')]);
      expect(await entriesOf(kv, all)).toEqual([
        ['a', '2'],
        ['c', '1'],
        ['e', '2'],
      ]);
      expect([kv.get('a'), kv.get('b'), kv.get('')]).toEqual(['2', undefined, undefined]);
    });

    it('is seen whole or not at all', async () => {
      await kv.batch([put('a', '1'), put('b', '1')]);
      const writing = kv.batch([put('a', '2'), put('b', '2')], { durable: true });
      for (let isDone = false; !isDone;) {
        const snapshot = kv.snapshot();
        expect(snapshot.get('a')).toBe(snapshot.get('b'));
        isDone = snapshot.get('a') === '2';
        await snapshot.close();
        if (!isDone) await Promise.race([writing, new Promise(setImmediate)]);
      }
      await writing;
    });
  });

  describe('what it was filled with', () => {
    it('is there at the end, and not before', async () => {
      const filling = await kv.fill();
      await addAll(
        filling,
        [
          ['c\0r\0n\0a', '1'],
          ['c\0r\0n\0b', '2'],
        ],
        [['v\0r\0n\0c\0rv', '3']],
      );
      expect(await entriesOf(kv, all)).toEqual([]);
      await filling.end();
      expect(await keysOf(kv, all)).toEqual(['c\0r\0n\0a', 'c\0r\0n\0b', 'v\0r\0n\0c\0rv']);
      expect([kv.get('c\0r\0n\0b'), kv.get('c\0r\0n'), kv.get('z')]).toEqual(['2', undefined, undefined]);
      await kv.close();
      kv = await made.homes[1].open();
      expect(kv.get('c\0r\0n\0a')).toBe('1');
    });

    it('leaves nothing where it has no end, and another can follow', async () => {
      const filling = await kv.fill();
      await addAll(filling, [['c\0r\0n\0a', '1']]);
      await filling.abandon();
      const other = await kv.fill();
      await addAll(other, [['c\0r\0n\0b', '1']]);
      await other.end();
      expect(await keysOf(kv, all)).toEqual(['c\0r\0n\0b']);
      await other.abandon();
      expect(await keysOf(kv, all)).toEqual([]);
      const last = await kv.fill();
      await addAll(last, [['c\0r\0n\0c', '1']]);
      await kv.close();
      kv = await made.homes[1].open();
      expect(await keysOf(kv, all)).toEqual([]);
    });

    it('is, with batches and snapshots, as if all had been put', async () => {
      const name = fc.constantFrom('a', 'a\x01', 'ab', 'b', 'c', 'ä', '\uffee', '\u{1f600}');
      const key = name.map((one) => `c\0r\0n\0${one}`);
      const value = fc.constantFrom<string>('1', '2', '{"é":3}');
      const op = fc.oneof(
        fc.tuple(key, value).map(([one, other]) => put(one, other)),
        key.map(del),
      );
      const blocks = fc.array(fc.uniqueArray(fc.tuple(key, value), { selector: ([one]) => one, minLength: 1 }), { maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(
          blocks,
          fc.array(fc.array(op, { maxLength: 6 }), { maxLength: 4 }),
          key,
          key,
          fc.nat(9),
          async (filled, batches, gte, lt, limit) => {
            await kv.close();
            await made.homes[0].destroy();
            kv = await made.homes[0].open();
            const model = new Map(filled.flat());
            const filling = await kv.fill();
            await addAll(filling, ...piecesOf(sorted([...model]), filled.length));
            await filling.end();
            for (const batch of batches) {
              const [snapshot, before] = [kv.snapshot(), sorted([...model])];
              await kv.batch(batch);
              for (const one of batch)
                if (one.type === 'put') model.set(one.key, one.value);
                else model.delete(one.key);
              expect(await entriesOf(snapshot, all)).toEqual(before);
              await snapshot.close();
            }
            expect(await entriesOf(kv, all)).toEqual(sorted([...model]));
            const within = sorted([...model]).filter(([one]) => bytes(one) >= bytes(gte) && bytes(one) < bytes(lt));
            expect(await entriesOf(kv, { gte, lt }, limit)).toEqual(within.slice(0, limit));
            expect(await keysOf(kv, { gte, lt })).toEqual(within.map(([one]) => one));
            expect(kv.get(gte)).toBe(model.get(gte));
          },
        ),
        { numRuns: 60 },
      );
    });
  });

  describe('a snapshot', () => {
    it('stays as it was, while others go on', async () => {
      await kv.batch([put('a', '1'), put('b', '1')]);
      const snapshot = kv.snapshot();
      await kv.batch([put('a', '2'), del('b'), put('c', '2')]);
      expect(snapshot.get('a')).toBe('1');
      expect(await entriesOf(snapshot, all)).toEqual([
        ['a', '1'],
        ['b', '1'],
      ]);
      expect(await keysOf(kv, all)).toEqual(['a', 'c']);
      await snapshot.close();
      expect(() => snapshot.get('a')).toThrow();
    });
  });

  describe('a home', () => {
    it('keeps what was written until it is destroyed', async () => {
      await kv.batch([put('a')]);
      await kv.close();
      kv = await made.homes[1].open();
      expect(kv.get('a')).toBe('a');
      await kv.close();
      await made.homes[0].destroy();
      kv = await made.homes[0].open();
      expect(await keysOf(kv, all)).toEqual([]);
    });

    it('is open in one process at a time, and answers nothing when it is closed', async () => {
      await expect(made.homes[1].open()).rejects.toThrow('in use');
      await kv.close();
      expect(() => kv.get('a')).toThrow();
      expect(() => kv.snapshot()).toThrow();
      await expect(kv.batch([put('a')])).rejects.toThrow();
      kv = await made.homes[1].open();
    });
  });
}

async function entriesOf(kv: KvReader, ...query: Parameters<KvReader['entries']>): Promise<(readonly [string, string])[]> {
  const found = [];
  for await (const page of kv.entries(...query)) found.push(...page);
  return found;
}

async function keysOf(kv: KvReader, bounds: Parameters<KvReader['keys']>[0]): Promise<string[]> {
  const found = [];
  for await (const page of kv.keys(bounds)) found.push(...page);
  return found;
}

type Entry = readonly [string, string];

/** Sorts as UTF-8. */
const bytes = (key: string) => Buffer.from(key).toString('hex');
const sorted = (entries: readonly Entry[]) => entries.toSorted(([a], [b]) => (bytes(a) < bytes(b) ? -1 : 1));

function piecesOf(entries: readonly Entry[], count: number): (readonly Entry[])[] {
  const size = Math.ceil(entries.length / count);
  return Array.from({ length: count }, (_, i) => entries.slice(i * size, (i + 1) * size)).filter(({ length }) => length > 0);
}

async function addAll(filling: KvFilling, ...blocks: readonly (readonly Entry[])[]): Promise<void> {
  for (const entries of blocks) {
    const lines = Buffer.from(entries.map(([key, value]) => lineOf(key, value)).join(''));
    await filling.add(await packBlock(lines), lines);
  }
}
