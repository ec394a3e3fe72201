/** Holds: who may set them, what they keep, and what becomes of expiry meanwhile. */
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/machinery/object.ts';
import { backups } from '../../../src/resources/backup.ts';
import type { Backup } from '../../../src/resources/backup.ts';
import { ManualClock } from '../../manual-clock.ts';
import { sampleCluster } from '../sample-cluster.ts';
import { alice, createWorkbench, forever, whileRunning } from '../workbench.ts';

const change = { user: alice, dryRun: false, preconditions: {} };

async function createBackup(clock?: ManualClock) {
  const cluster = sampleCluster();
  const bench = createWorkbench({ cluster, ...(clock && { clock }) });
  const backup = await whileRunning(bench.engine, () => bench.backUp('shop', 'b', { ttl: '1h' }));
  const ref = { namespace: 'shop', name: 'b', uid: backup.metadata.uid ?? '' };
  const now = async () => (await bench.get(backups, 'shop', 'b')) as Backup | undefined;
  const setTtl = (ttl: string | undefined) =>
    bench.parts.objects.update(backups, ref, 'object', (object) => ({ ...object, spec: { ...(object.spec as object), ttl } }), forever);
  return { bench, cluster, backup, ref, now, setTtl, services: bench.engine.services };
}

describe('a hold', () => {
  it('says who holds it, why and since when; given again, it gets the new reason', async () => {
    const { services, backup, now } = await createBackup();
    const held = (await services.hold(backup, 'audit', change, forever)) as Backup;
    expect(held.status.hold).toEqual({ reason: 'audit', by: 'alice', since: expect.stringMatching(/^\d{4}-.*Z$/) });
    const bob = { ...change, user: { ...alice, name: 'bob' } };
    expect(((await services.hold(backup, 'audit', bob, forever)) as Backup).status.hold).toEqual(held.status.hold);
    const again = (await services.hold(backup, undefined, bob, forever)) as Backup;
    expect(again.status.hold).toEqual({ by: 'bob', since: held.status.hold?.since });
    await services.hold(backup, 'not done', { ...change, dryRun: true }, forever);
    expect((await now())?.status.hold).toEqual(again.status.hold);
  });

  it('keeps it from deletion until it is released', async () => {
    const { bench, services, backup, ref, now } = await createBackup();
    await services.hold(backup, 'audit', change, forever);
    await expect(bench.parts.objects.delete(backups, ref, forever)).rejects.toMatchObject({
      code: 403,
      message: expect.stringMatching(/^backups\.backup\.kylon\.io "b" is forbidden: it is held by alice since .*: audit/),
    });
    await services.release(backup, change, forever);
    await expect(services.release(backup, change, forever)).rejects.toMatchObject({ code: 404, reason: 'NotFound' });
    await bench.parts.objects.delete(backups, ref, forever);
    await expect(services.hold((await now())!, 'late', change, forever)).rejects.toMatchObject({ code: 409 });
  });

  it('is not set where the backup is another one, or has changed', async () => {
    const { services, backup } = await createBackup();
    const given = (preconditions: object) => services.hold(backup, 'x', { ...change, preconditions }, forever);
    await expect(given({ uid: 'another' })).rejects.toMatchObject({ code: 409 });
    await expect(given({ resourceVersion: '1' })).rejects.toMatchObject({ code: 409 });
    await expect(services.hold({ ...backup, metadata: { ...backup.metadata, uid: 'gone' } }, 'x', change, forever)).rejects.toMatchObject({
      code: 404,
    });
  });

  it('is told by Events', async () => {
    const { cluster, services, backup } = await createBackup();
    await services.hold(backup, 'audit', change, forever);
    await services.hold(backup, 'audit', change, forever);
    await services.release(backup, change, forever);
    const events = cluster.names('events', 'shop').map((name) => cluster.read('events', 'shop', name) as unknown as { reason: string });
    expect(
      events
        .map(({ reason }) => reason)
        .filter((reason) => /Held|Released/.test(reason))
        .toSorted(),
    ).toEqual(['Held', 'Released']);
  });

  it('stands above its ttl, and lets it expire once it is released', async () => {
    const clock = new ManualClock();
    const { bench, services, backup, now, setTtl } = await createBackup(clock);
    await whileRunning(bench.engine, async () => {
      await services.hold(backup, 'audit', change, forever);
      await clock.pass(2 * 3_600_000);
      expect((await now())?.metadata.deletionTimestamp).toBeUndefined();
      await setTtl('1m');
      await clock.pass(120_000);
      expect((await now())?.metadata.deletionTimestamp).toBeUndefined();
      await setTtl('10h');
      await services.release(backup, change, forever);
      await clock.pass(3_600_000);
      expect((await now())?.status.expiration).toBe('2026-01-02T13:04:05Z');
      await services.hold(backup, 'again', change, forever);
      await setTtl('30m');
      await clock.pass(60_000);
      expect(await now()).toBeDefined();
      await services.release(backup, change, forever);
      await clock.pass(60_000);
      expect(await now()).toBeUndefined();
    });
  });

  it('stays where the ttl goes, and then nothing expires', async () => {
    const clock = new ManualClock();
    const { bench, services, backup, now, setTtl } = await createBackup(clock);
    await whileRunning(bench.engine, async () => {
      await services.hold(backup, 'audit', change, forever);
      await setTtl('876000h');
      await clock.pass(1_000);
      await services.release(backup, change, forever);
      await clock.pass(100 * 3_600_000);
      expect((await now())?.status.hold).toBeUndefined();
      expect(await now()).toBeDefined();
    });
  });
});

describe('the hold in a status that somebody writes', () => {
  const held = { by: 'alice', since: '2026-01-01T00:00:00Z' };
  const object = (status: object): KubeObject => ({ apiVersion: 'v', kind: 'Backup', metadata: { name: 'b' }, spec: {}, status });
  const bob = { ...alice, name: 'bob', groups: ['system:masters'] };
  const update = (sent: object, old: object) => backups.rules.prepareForUpdate?.(object(sent), object(old), bob).status;

  it.each([
    [{ phase: 'New' }, { phase: 'New', hold: held }],
    [
      { phase: 'New', hold: { ...held, by: 'bob' } },
      { phase: 'New', hold: held },
    ],
  ])('is put back (%#)', (sent, old) => {
    expect(update(sent, old)).toEqual(old);
  });

  it('is left out where there was none', () => {
    expect(update({ phase: 'New', hold: held }, { phase: 'New' })).toEqual({ phase: 'New' });
  });
});
