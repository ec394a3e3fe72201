import { beforeEach, describe, expect, it } from 'vitest';
import { Refused } from '../../src/repository/protocol/exchange.ts';
import type { LaneBounds, Place } from '../../src/repository/protocol/lanes.ts';
import { Lanes } from '../../src/repository/protocol/lanes.ts';
import { ManualClock, settled } from '../manual-clock.ts';

const never = AbortSignal.any([]);
const bounds: LaneBounds = { fast: 2, slow: 3, slowOfOne: 2, waiting: 10 };

let clock: ManualClock;
let lanes: Lanes;
beforeEach(() => {
  clock = new ManualClock();
  lanes = new Lanes(bounds, clock);
});

/** A request whose client is waited for from the moment on at which it has its place, without an end. */
function request(namespace: string, signal = never, maySlow = true) {
  const seen = { namespace, place: undefined as Place | undefined, refused: undefined as unknown };
  const begin = async () => {
    seen.place = await lanes.enter(namespace, signal, maySlow);
    seen.place.clientsTurn();
  };
  begin().catch((reason: unknown) => (seen.refused = reason));
  return seen;
}
type Seen = ReturnType<typeof request>;

async function requests(...namespaces: string[]): Promise<readonly Seen[]> {
  const made = namespaces.map((namespace) => request(namespace));
  await settled();
  return made;
}

function stateOf({ place, refused }: Seen): string {
  if (refused !== undefined) return 'refused';
  if (place === undefined) return 'waits';
  if (place.signal.aborted) return 'ended';
  return place.fast.aborted ? 'slow' : 'fast';
}
const statesOf = (seen: readonly Seen[]) => seen.map(stateOf);

const leave = async ({ place }: Seen) => {
  place?.[Symbol.dispose]();
  await settled();
};

/** Both places of the fast lane, and all of the slow one, are taken by slow clients. */
async function fullLanes(slow: readonly [string, string, string], fast: readonly [string, string]): Promise<readonly Seen[]> {
  const taken = [...(await requests(slow[0], slow[1]))];
  await clock.pass(5000);
  taken.push(...(await requests(slow[2], fast[0])));
  await clock.pass(5000);
  taken.push(...(await requests(fast[1])));
  await clock.pass(5000);
  expect(statesOf(taken)).toEqual(['slow', 'slow', 'slow', 'fast', 'fast']);
  return taken;
}

describe('a place in the fast lane', () => {
  it('is made free for who waits when its client has taken five seconds', async () => {
    const seen = await requests('a', 'a', 'b');
    await clock.pass(4999);
    expect(statesOf(seen)).toEqual(['fast', 'fast', 'waits']);
    await clock.pass(1);
    expect(statesOf(seen)).toEqual(['slow', 'fast', 'fast']);
    expect(seen[0]?.place?.signal.aborted).toBe(false);
  });

  it('is kept for any time while nobody waits, and made free at once for the first who does', async () => {
    const seen = await requests('a', 'a');
    await clock.pass(3_600_000);
    expect(statesOf(seen)).toEqual(['fast', 'fast']);
    expect(statesOf([...seen, ...(await requests('a'))])).toEqual(['slow', 'fast', 'fast']);
  });

  it('is kept while the store is waited for, and made free when it is the turn of the client again', async () => {
    const first = await lanes.enter('a', never);
    const second = await lanes.enter('a', never);
    const turn = first.clientsTurn();
    await clock.pass(3000);
    turn[Symbol.dispose]();
    const [waiter] = await requests('b');
    await clock.pass(3_600_000);
    expect(waiter?.place).toBeUndefined();
    first.clientsTurn();
    await clock.pass(1999);
    expect(first.fast.aborted).toBe(false);
    await clock.pass(1);
    expect([first.fast.aborted, second.fast.aborted, stateOf(waiter!)]).toEqual([true, false, 'fast']);
  });

  it('is not lost in the turn of the store, however late the client was', async () => {
    const [first, second] = [await lanes.enter('a', never), await lanes.enter('a', never)];
    first.clientsTurn()[Symbol.dispose]();
    const turn = first.clientsTurn();
    await clock.pass(6000);
    turn[Symbol.dispose]();
    const [waiter] = await requests('b');
    await clock.pass(6000);
    expect([first.fast.aborted, second.fast.aborted, stateOf(waiter!)]).toEqual([false, false, 'waits']);
    first.clientsTurn();
    await settled();
    expect([first.fast.aborted, stateOf(waiter!)]).toEqual([true, 'fast']);
  });

  it('goes to the namespace that has fewest of them, and there to who came first', async () => {
    const seen = await requests('a', 'a', 'a', 'a', 'b', 'b');
    await leave(seen[0]!);
    expect(statesOf(seen.slice(1))).toEqual(['fast', 'waits', 'waits', 'fast', 'waits']);
    await leave(seen[1]!);
    expect(statesOf(seen.slice(2))).toEqual(['fast', 'waits', 'fast', 'waits']);
  });
});

describe('the slow lane', () => {
  it('has so many places of one namespace, and one that comes free is taken', async () => {
    const seen = [...(await requests('a', 'a', 'a', 'a', 'a'))];
    await clock.pass(10_000);
    expect(statesOf(seen)).toEqual(['slow', 'slow', 'fast', 'fast', 'waits']);
    await leave(seen[1]!);
    expect(statesOf(seen.filter((_, i) => i !== 1))).toEqual(['slow', 'slow', 'fast', 'fast']);
  });

  it('ends none of a namespace that is alone', async () => {
    const seen = await requests('a', 'a', 'a', 'a', 'a', 'a');
    await clock.pass(3_600_000);
    expect(statesOf(seen)).toEqual(['slow', 'slow', 'fast', 'fast', 'waits', 'waits']);
  });

  it('ends one where it has no room, for a namespace that has no place', async () => {
    const seen = [...(await fullLanes(['a', 'a', 'b'], ['a', 'b']))];
    seen.push(...(await requests('c', 'c')));
    expect(statesOf(seen)).toEqual(['slow', 'slow', 'slow', 'ended', 'fast', 'fast', 'waits']);
    const { reason } = seen[3]!.place!.signal as { reason: unknown };
    expect(reason).toBeInstanceOf(Refused);
    expect(reason).toMatchObject({ status: 503, headers: { 'Retry-After': '5', Connection: 'close' } });
  });

  it('ends none for a namespace that would have more than the other afterwards', async () => {
    const seen = [...(await fullLanes(['a', 'a', 'b'], ['b', 'b']))];
    seen.push(...(await requests('a')));
    expect(statesOf(seen)).toEqual(['slow', 'slow', 'slow', 'fast', 'fast', 'waits']);
    await clock.pass(60_000);
    expect(stateOf(seen[5]!)).toBe('waits');
  });

  it('ends the one that came last', async () => {
    const seen = [...(await fullLanes(['b', 'b', 'a'], ['a', 'a']))];
    seen.push(...(await requests('c')));
    expect(statesOf(seen)).toEqual(['slow', 'slow', 'slow', 'fast', 'ended', 'fast']);
  });

  it('ends one of the namespace that has most', async () => {
    const seen = [...(await fullLanes(['a', 'a', 'b'], ['c', 'a']))];
    seen.push(...(await requests('d')));
    expect(statesOf(seen)).toEqual(['slow', 'slow', 'slow', 'fast', 'ended', 'fast']);
  });
});

describe('a request', () => {
  it('that goes while it waits leaves nothing', async () => {
    const seen = await requests('a', 'a');
    const gone = new AbortController();
    const left = request('b', gone.signal);
    await settled();
    gone.abort(new Error('gone'));
    await settled();
    expect(left.refused).toMatchObject({ message: 'gone' });
    for (const one of seen) await leave(one);
    expect(statesOf(await requests('b', 'b'))).toEqual(['fast', 'fast']);
    expect(clock.sleepers).toBe(2);
  });

  it('that goes leaves its place, also in the moment in which it got it', async () => {
    const gone = new AbortController();
    const [first] = await requests('a');
    request('a', gone.signal);
    request('b', gone.signal);
    await settled();
    first?.place?.[Symbol.dispose]();
    gone.abort(new Error('gone'));
    await settled();
    expect(statesOf(await requests('c', 'c'))).toEqual(['fast', 'fast']);
    await expect(lanes.enter('c', gone.signal)).rejects.toThrow('gone');
  });

  it('gives its place back once, however often it says so', async () => {
    const seen = await requests('a', 'a', 'b', 'b');
    for (let i = 0; i < 3; i++) await leave(seen[0]!);
    expect(statesOf(seen.slice(1))).toEqual(['fast', 'fast', 'waits']);
    for (const one of seen) await leave(one);
    expect(clock.sleepers).toBe(0);
  });

  it('is told to come again where too many wait', async () => {
    const seen = await requests(...Array.from({ length: 13 }, () => 'a'));
    expect(statesOf(seen).slice(-2)).toEqual(['waits', 'refused']);
    expect(seen[12]?.refused).toMatchObject({ status: 503, headers: { 'Retry-After': '5' } });
  });

  it('that may not be slow is ended where others would make way', async () => {
    const heavy = [request('a', never, false), request('a', never, false)];
    await clock.pass(5000);
    expect(statesOf(heavy)).toEqual(['fast', 'fast']);
    const next = await requests('b');
    expect(statesOf([...heavy, ...next])).toEqual(['fast', 'ended', 'fast']);
  });
});
