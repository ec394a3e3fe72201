/** What is kept on the local disk of index files: whole or not at all, bounded, and never needed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { randomIds } from '../../../src/base/ids.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import { StoreDenied, StoreFull } from '../../../src/objectstore/objectstore.ts';
import { KeptIndexes, openKeptIndexes } from '../../../src/repository/reading/kept-indexes.ts';
import { OpenRepositories } from '../../../src/repository/reading/open-repositories.ts';
import { IndexPacker, isWhole, unpacked } from '../../../src/repository/reading/packed-index.ts';
import { recordWords } from '../../../src/repository/reading/places.ts';
import type { NewPlace } from '../../../src/repository/reading/places.ts';
import { collect } from '../../conformance/objectstore/subject.ts';
import { changed } from '../../objectstore/changed.ts';
import { craft } from './crafted.ts';
import { never } from './frozen.ts';

const repository = craft([{ name: 'a', type: 'file', size: 2, pieces: ['ab'] }]);

/** Opens the repository with what is kept, and gives the index files that were read of the store. */
async function indexReadsBy(local: ObjectStore): Promise<number> {
  const whole = memoryStore(new Map(repository.files));
  let reads = 0;
  const store = changed(whole, {
    read: (key, ...rest) => {
      if (key.includes('/index/')) reads++;
      return whole.read(key, ...rest);
    },
  });
  const kept = new KeptIndexes(local);
  const tree = await new OpenRepositories(kept).openTree(
    { store, prefix: 'r/' },
    () => Promise.resolve('crafted'),
    repository.snapshot,
    never,
  );
  const file = (await tree.entry('/a', never)) ?? expect.fail('no a');
  expect(Buffer.concat(await collect(tree.content(file, '/a', undefined, never))).toString()).toBe('ab');
  await kept.settled();
  return reads;
}

describe('what is kept of index files', () => {
  it('is read in their place, also by the next process', async () => {
    const local = memoryStore();
    expect([await indexReadsBy(local), await indexReadsBy(local), await indexReadsBy(local)]).toEqual([1, 0, 0]);
    expect((await collect(local.list('', never))).map(({ key }) => key)).toEqual([expect.stringMatching(/^r\/index\/[0-9a-f]{64}$/)]);
  });

  it('is made anew where a byte of it is another, or some are missing', async () => {
    const objects = new Map<string, Uint8Array>();
    const local = memoryStore(objects);
    await indexReadsBy(local);
    const [[key, whole] = expect.fail('nothing is kept')] = objects;
    for (let at = 0; at < whole.length; at += 7) {
      objects.set(
        key,
        whole.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      expect(await indexReadsBy(local)).toBe(1);
      expect(objects.get(key)).toEqual(whole);
    }
    for (const length of [0, 1, 32, 64, whole.length - 32, whole.length - 1]) {
      objects.set(key, whole.slice(0, length));
      expect(await indexReadsBy(local)).toBe(1);
    }
    expect(await indexReadsBy(local)).toBe(0);
  });

  it.each([new StoreDenied('the disk may not be written'), new StoreFull('the disk is full')])('is done without: %s', async (fault) => {
    const fail = async () => {
      throw fault;
    };
    const failing = { read: fail, putIfAbsent: fail, delete: fail };
    for (const broken of [failing, { putIfAbsent: fail }, { read: fail }])
      expect(await indexReadsBy(changed(memoryStore(), broken))).toBe(1);
  });

  it('lies in a folder, and in memory where that cannot be made', async () => {
    const place = await mkdtemp(join(tmpdir(), 'kylon-kept-'));
    try {
      await writeFile(join(place, 'file'), '');
      for (const [folder, isOnDisk] of [
        ['folder', true],
        ['file', false],
      ] as const) {
        const at = { clock: systemClock, ids: randomIds };
        const kept = await openKeptIndexes(join(place, folder), at);
        kept.keep('d/index/a', Buffer.from('x'));
        await kept.settled();
        expect(Buffer.from((await kept.find('d/index/a', never)) ?? []).toString()).toBe('x');
        const next = await openKeptIndexes(join(place, folder), at);
        expect((await next.find('d/index/a', never)) !== undefined).toBe(isOnDisk);
      }
    } finally {
      await rm(place, { recursive: true });
    }
  });

  it('takes no more room than it may: what was kept first goes', async () => {
    const local = memoryStore();
    let now = 0;
    const times = new Map<string, number>();
    const dated = changed(local, {
      putIfAbsent: (key, ...rest) => {
        times.set(key, now++);
        return local.putIfAbsent(key, ...rest);
      },
      list: async function* (...given) {
        for await (const stored of local.list(...given)) yield { ...stored, modified: times.get(stored.key) ?? 0 };
      },
    });
    const kept = new KeptIndexes(dated, 250);
    for (const key of ['d', 'c', 'b', 'a']) kept.keep(key, new Uint8Array(100));
    await kept.settled();
    expect((await collect(local.list('', never))).map(({ key }) => key)).toEqual(['a', 'b']);
  });

  it('keeps nothing while too much waits for the disk', async () => {
    const local = memoryStore();
    const kept = new KeptIndexes(local);
    for (const key of ['a', 'b', 'c']) kept.keep(key, new Uint8Array(30 << 20));
    await kept.settled();
    expect((await collect(local.list('', never))).map(({ key }) => key)).toEqual(['a', 'b']);
  });
});

describe('a packed index', () => {
  const number = fc.nat(2 ** 32 - 1);
  const words = fc.uint32Array({ minLength: 4, maxLength: 4 });
  const pack = fc.constantFrom('a', 'b', 'c').map((digit) => digit.repeat(64));
  const place = fc.record<NewPlace>({ pack, id: words, offset: number, length: number, expandedLength: number });

  it('gives back every blob', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 200 }), fc.nat(3), fc.nat(300), (places, shift, expected) => {
        const packer = new IndexPacker(expected);
        for (const one of places) packer.add(one);
        const whole = packer.whole();
        const moved = new Uint8Array(whole.length + shift).subarray(shift);
        moved.set(whole);
        expect(isWhole(moved)).toBe(true);
        const { packs, records } = unpacked(moved);
        const found = places.map((_, at) => records.subarray(at * recordWords, (at + 1) * recordWords));
        expect(found.map(([a, b, c, d, name = 0, ...lengths]) => [a, b, c, d, packs[name], ...lengths])).toEqual(
          places.map(({ id, pack, offset, length, expandedLength }) => [...id, pack, offset, length, expandedLength]),
        );
        expect(records.length).toBe(places.length * recordWords);
      }),
    );
  });
});
