import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import { SegmentLog } from '../../src/catalog/log/log.ts';
import { sealSegment } from '../../src/catalog/log/segment.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { PutFault } from './unreliable-store.ts';
import { Unreliable, inTurn } from './unreliable-store.ts';

const signal = AbortSignal.any([]);
const mine = Buffer.from('mine');
/** What another writer has put there. */
const other = sealSegment(
  {
    domain: 'dom',
    n: 1,
    prev: '0'.repeat(64),
    firstRV: 2,
    attempt: '0'.repeat(32),
    writer: { replica: 'other', boot: '0'.repeat(16) },
    time: '2026-11-21T00:00:00.000Z',
    features: { read: [], write: [] },
    digest: '0'.repeat(64),
  },
  [],
);
const key = 'd/dom/log/00000000000000000001.seg';
/** Deadlines and pauses pass in a moment; a deadline later than a pause. */
const hasty: Clock = { ...systemClock, sleep: (ms, until) => systemClock.sleep(ms / 200, until) };

async function append(puts: readonly PutFault[], reads: readonly boolean[] = [], before?: Uint8Array) {
  const objects = new Map<string, Uint8Array>();
  if (before !== undefined) objects.set(key, before);
  const { store, delayed } = new Unreliable(memoryStore(objects), inTurn(puts, reads));
  const log = new SegmentLog(store, 'dom', hasty, signal);
  const outcome = await log.append({ n: 1, bytes: mine, mayLand: false }, signal);
  await Promise.all(delayed);
  const found = objects.get(key);
  return { outcome, found: found && Buffer.from(found).toString() };
}

describe('append to the log', () => {
  it.each<[string, readonly PutFault[], readonly boolean[]]>([
    ['at once', ['ok'], []],
    ['when only the answer was lost', ['lost'], []],
    ['when the answer was lost and reading failed', ['lost'], [true]],
    ['when the request was dropped', ['dropped'], []],
    ['when the request comes late', ['delayed', 'dropped'], []],
    ['when the store is full for a moment after a request that may land', ['dropped', 'full'], []],
    ['when the store hangs once', ['hangs'], []],
  ])('is committed %s', async (_, puts, reads) => {
    expect(await append(puts, reads)).toEqual({ outcome: { is: 'committed' }, found: 'mine' });
  });

  it.each<[string, readonly PutFault[]]>([
    ['directly', ['ok']],
    ['after a lost answer', ['lost']],
    ['after a refusal', ['full']],
  ])('is taken when another was first, seen %s', async (_, puts) => {
    const { bytes } = await other;
    expect(await append(puts, [], bytes)).toEqual({ outcome: { is: 'taken' }, found: Buffer.from(bytes).toString() });
  });

  it('is unknown when what is in the slot is damaged: it may be what was sent', async () => {
    const { bytes } = await other;
    expect((await append(['lost'], [], bytes.slice(0, -1))).outcome).toMatchObject({ is: 'unknown', cause: { name: 'CatalogFault' } });
  });

  it.each<PutFault>(['full', 'denied'])('is refused when the store is %s and nothing was sent before', async (fault) => {
    const { outcome, found } = await append([fault]);
    expect(outcome).toMatchObject({ is: 'refused', cause: { message: expect.stringContaining(key) } });
    expect(found).toBeUndefined();
  });

  it.each<[string, readonly PutFault[]]>([
    ['all requests are dropped', ['dropped', 'dropped', 'dropped', 'dropped']],
    ['a request is lost on the way and then the store is full', ['dropped', 'full', 'full', 'full']],
    ['the last request may still land', ['dropped', 'dropped', 'dropped', 'delayed']],
  ])('is unknown when %s', async (_, puts) => {
    expect((await append(puts)).outcome.is).toBe('unknown');
  });

  it('tries no more when patience is over', async () => {
    const { store } = new Unreliable(memoryStore(), inTurn(['dropped']));
    const log = new SegmentLog(store, 'dom', hasty, signal);
    expect((await log.append({ n: 1, bytes: mine, mayLand: false }, AbortSignal.abort())).is).toBe('unknown');
  });
});
