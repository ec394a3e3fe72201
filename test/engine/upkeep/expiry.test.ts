import { describe, expect, it } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import { Expiry } from '../../../src/engine/upkeep/expiry.ts';
import { dueAt, expirationOf, withExpiration } from '../../../src/engine/upkeep/ttl.ts';
import { ApiError } from '../../../src/machinery/errors.ts';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { ManualClock, settled } from '../../manual-clock.ts';

const target = (uid: string) => ({ namespace: 'shop', name: uid, uid });
const at = (clock: ManualClock, ms: number) => new Date(clock.now() + ms).toISOString();

function createExpiry(remove: (uid: string) => Promise<void> = async () => {}) {
  const clock = new ManualClock();
  const removed: [string, number][] = [];
  const expiry = new Expiry({
    clock,
    log: createLog('silent'),
    word: 'backup',
    remove: async ({ uid }) => {
      await remove(uid);
      removed.push([uid, clock.monotonic()]);
    },
  });
  const stop = new AbortController();
  void expiry.run(stop.signal);
  return { clock, expiry, removed, stop };
}

describe('Expiry', () => {
  it('deletes each when its time has come, whatever the order in which they were told', async () => {
    const { clock, expiry, removed } = createExpiry();
    expiry.set(target('late'), at(clock, 500_000));
    await settled();
    expiry.set(target('early'), at(clock, 7_000));
    expiry.set(target('past'), at(clock, -1));
    expiry.set(target('forgotten'), at(clock, 8_000));
    expiry.forget('forgotten');
    await clock.pass(600_000);
    expect(removed).toEqual([
      ['past', 0],
      ['early', 7_000],
      ['late', 500_000],
    ]);
  });

  it('follows a changed ttl', async () => {
    const { clock, expiry, removed } = createExpiry();
    expiry.set(target('a'), at(clock, 5_000));
    await settled();
    expiry.set(target('a'), at(clock, 50_000));
    await clock.pass(49_000);
    expect(removed).toEqual([]);
    expiry.set(target('a'), undefined);
    await clock.pass(100_000);
    expect(removed).toEqual([]);
  });

  it('knows a quarter of a million, and looks at none of them before its time', async () => {
    const { clock, expiry, removed } = createExpiry();
    for (let n = 0; n < 250_000; n++) expiry.set(target(`b${n}`), at(clock, 10_000_000 - n));
    await clock.pass(10_000_000 - 249_998);
    expect(removed.map(([uid]) => uid)).toEqual(['b249999', 'b249998']);
  });

  it('tries again what could not be deleted', async () => {
    let failures = 2;
    const { clock, expiry, removed } = createExpiry(async () => {
      if (failures-- > 0) throw new Error('not now');
    });
    expiry.set(target('a'), at(clock, 1_000));
    await clock.pass(60_000);
    expect(removed).toEqual([['a', 21_000]]);
  });

  it('leaves alone what may not be deleted, until it has changed', async () => {
    let tries = 0;
    const { clock, expiry, removed } = createExpiry(async () => {
      if (++tries === 1) throw new ApiError(403, 'Forbidden', 'it is held');
    });
    const expiration = at(clock, 1_000);
    expiry.set(target('a'), expiration);
    await clock.pass(600_000);
    expect(tries).toBe(1);
    expiry.set(target('a'), expiration);
    await clock.pass(1_000);
    expect(removed).toEqual([['a', 600_000]]);
  });
});

describe('withExpiration', () => {
  const backup = (ttl: string | undefined, completionTimestamp: string | undefined, expiration?: string): KubeObject => ({
    apiVersion: 'backup.kylon.io/v1alpha1',
    kind: 'Backup',
    metadata: { name: 'b' },
    spec: { ...(ttl && { ttl }) },
    status: { phase: 'Completed', ...(completionTimestamp && { completionTimestamp }), ...(expiration && { expiration }) },
  });

  it('counts from the end', () => expect(expirationOf(backup('1h30m', '2026-01-01T00:00:00Z'))).toBe('2026-01-01T01:30:00Z'));
  it('has none without ttl or end', () => {
    expect(expirationOf(backup(undefined, '2026-01-01T00:00:00Z'))).toBeUndefined();
    expect(expirationOf(backup('1h', undefined))).toBeUndefined();
  });
  it('tells when it would be deleted though it is held, and that it is not due then', () => {
    const free = backup('1h', '2026-01-01T00:00:00Z');
    const held = { ...free, status: { ...(free.status as object), hold: { by: 'a', since: '2026-01-01T00:00:00Z' } } };
    expect([dueAt(free), dueAt(held)]).toEqual(['2026-01-01T01:00:00Z', undefined]);
    expect(withExpiration(held).status).toMatchObject({ expiration: '2026-01-01T01:00:00Z' });
  });
  it('changes nothing that is right already', () => {
    const right = backup('1h', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z');
    expect(withExpiration(right)).toBe(right);
    expect(withExpiration(backup('2h', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z')).status).toMatchObject({
      expiration: '2026-01-01T02:00:00Z',
    });
  });
});
