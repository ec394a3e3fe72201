import { indexHome } from '../../src/catalog/local-index/index-home.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Head } from '../../src/catalog/state/apply.ts';
import { effectOf, firstHead } from '../../src/catalog/state/apply.ts';
import { digestText } from '../../src/catalog/state/digest.ts';
import { historyKey, versionKey } from '../../src/catalog/local-index/index-keys.ts';
import type { IndexStore } from '../../src/catalog/local-index/index-store.ts';
import { openIndex } from '../../src/catalog/local-index/index-store.ts';
import { pruneOf } from '../../src/catalog/state/prune.ts';
import { CatalogFixture } from './fixture.ts';

const key = { resource: 'r', namespace: 'n', name: 'x' };
const minute = 60_000;
const window = { changes: 500, milliseconds: 10 * minute };

let fixture: CatalogFixture;
let index: IndexStore;
let head: Head;
beforeEach(async () => {
  fixture = new CatalogFixture();
  index = await openIndex(indexHome(await fixture.path('index')), { store: 's', domain: 'd' });
  head = firstHead;
});
afterEach(async () => {
  await index.close();
  await fixture.destroy();
});

const at = (minutes: number) => ({ now: () => minutes * minute, trueTimeOf: ({ time }: { time: number }) => time });

/** A segment of `count` updates of one object, sealed at `time`. */
async function apply(count: number, time: number): Promise<void> {
  const records = Array.from({ length: count }, (_, i) => {
    const isFirst = head.n === 0 && i === 0;
    return { op: isFirst ? ('create' as const) : ('update' as const), key, prev: isFirst ? 0 : head.rv + i, json: '{}' };
  });
  const place = { n: head.n + 1, prev: head.hash, firstRV: head.rv + 1, digest: digestText(head.digest) };
  const rest = {
    v: 1,
    domain: 'd',
    count,
    attempt: '',
    writer: { replica: '', boot: '' },
    comp: 'deflate-raw',
    rawLen: 0,
    sha256: '',
  } as const;
  const header = { ...rest, ...place, time: new Date(time).toISOString(), features: { read: [], write: [] } };
  const segment = { header, records, bytes: new Uint8Array(), hash: String(place.n) };
  const effect = effectOf(head, segment, (of) => index.get(of));
  await index.write(effect.ops, effect.head);
  head = effect.head;
}

describe('history that is forgotten', () => {
  it('goes in pieces, the oldest first, each change with the state that it ended', async () => {
    await apply(1800, 0);
    const { ops, horizon } = await pruneOf(index, head, window, at(60));
    expect(horizon).toBe(1001);
    expect(ops).toContainEqual({ type: 'del', key: historyKey(1001) });
    expect(ops).toContainEqual({ type: 'del', key: versionKey(key, 1000) });
    // The state that change 1002 ended is what was there at the horizon.
    expect(ops).not.toContainEqual({ type: 'del', key: versionKey(key, 1001) });
    expect(ops).toHaveLength(1999);
  });

  it('is as much as there are changes too many, and not yet when there are few', async () => {
    await apply(1499, 0);
    expect(await pruneOf(index, head, window, at(60))).toEqual({ ops: [], horizon: 1 });
  });

  it('is never younger than the window', async () => {
    await apply(700, 0);
    await apply(1300, 5 * minute);
    expect((await pruneOf(index, head, window, at(9))).ops).toEqual([]);
    expect((await pruneOf(index, head, window, at(12))).horizon).toBe(701);
    expect((await pruneOf(index, head, window, at(15))).horizon).toBe(1001);
  });
});
