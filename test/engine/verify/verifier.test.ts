/** Who carries a verification out: asked for, joined, interrupted, taken over, and told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { backups } from '../../../src/resources/backup.ts';
import type { Backup } from '../../../src/resources/backup.ts';
import { ManualClock } from '../../manual-clock.ts';
import { MemoryStorage } from '../../machinery/memory-storage.ts';
import { changed } from '../../objectstore/changed.ts';
import { sampleCluster } from '../sample-cluster.ts';
import { alice, createWorkbench, forever, whileRunning } from '../workbench.ts';

/** A store whose reads of archives wait until the gate opens, once it is shut. */
function gatedStore(files: Map<string, Uint8Array>) {
  const store = memoryStore(files);
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  let reached = Promise.withResolvers<void>();
  const read: ObjectStore['read'] = async (key, signal, range) => {
    if (key.endsWith('/archive.tar.gz')) {
      reached.resolve();
      await Promise.race([
        gate.promise,
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      ]);
    }
    return store.read(key, signal, range);
  };
  const gated = changed(store, { read });
  const shut = () => {
    gate = Promise.withResolvers();
    reached = Promise.withResolvers();
  };
  return { store: gated, shut, open: () => gate.resolve(), reached: () => reached.promise };
}

async function createReplicas(clock = new ManualClock()) {
  const files = new Map<string, Uint8Array>();
  const { store, ...gate } = gatedStore(files);
  const shared = { cluster: sampleCluster(), storage: new MemoryStorage(), files, store, clock };
  const one = createWorkbench({ ...shared, replica: 'one' });
  const two = createWorkbench({ ...shared, replica: 'two' });
  const backup = await whileRunning(one.engine, () => one.backUp('shop', 'b'));
  const now = async () => (await one.get(backups, 'shop', 'b')) as Backup;
  return { ...shared, ...gate, one, two, backup, now, verificationOf: async () => (await now()).status.verification };
}

/** Lets time pass until it is so, and real time too. */
const eventually = async (clock: ManualClock, isSo: () => Promise<boolean>) => {
  for (let turn = 0; turn < 1000; turn++) {
    if (await isSo()) return;
    await clock.pass(1_000);
    await sleep(2);
  }
  throw new Error('it never became so');
};

describe('a verification', () => {
  it('answers when it has ended, and tells what was found', async () => {
    const cluster = sampleCluster();
    const bench = createWorkbench({ cluster });
    const verified = await whileRunning(bench.engine, async () => {
      const backup = await bench.backUp('shop', 'b');
      return (await bench.engine.services.verify(backup, forever)) as Backup;
    });
    expect(verified.status.verification).toMatchObject({
      phase: 'Passed',
      items: 5,
      bytes: verified.status.sizeBytes,
      faultCount: 0,
      faults: [],
    });
    expect(verified.status.phase).toBe('Completed');
    expect(verified.status.conditions).toContainEqual({
      type: 'Verified',
      status: 'True',
      reason: 'Passed',
      message: expect.stringMatching(/^5 items, \d+ bytes are as they were written\.$/),
      lastTransitionTime: expect.any(String),
    });
    const events = cluster.names('events', 'shop').map((name) => cluster.read('events', 'shop', name)?.['reason']);
    expect(events).toContain('Verified');
  });

  it('tells damage, and passes again once that is mended', async () => {
    const bench = createWorkbench({ cluster: sampleCluster() });
    await whileRunning(bench.engine, async () => {
      const backup = await bench.backUp('shop', 'b');
      const archive = bench.files.get(backup.status.archive?.key ?? '')!;
      archive[30]! ^= 1;
      const failed = (await bench.engine.services.verify(backup, forever)) as Backup;
      expect(failed.status.verification).toMatchObject({ phase: 'Failed', faultCount: 6 });
      expect(failed.status.conditions).toContainEqual(
        expect.objectContaining({
          type: 'Verified',
          status: 'False',
          reason: 'Failed',
          message: expect.stringMatching(/^6 faults, the first one: archive\.tar\.gz: /),
        }),
      );
      archive[30]! ^= 1;
      const passed = (await bench.engine.services.verify(backup, forever)) as Backup;
      expect(passed.status.verification).toMatchObject({ phase: 'Passed', faultCount: 0 });
      expect(passed.status.conditions).toContainEqual(expect.objectContaining({ type: 'Verified', status: 'True' }));
    });
  });

  it('goes on when it takes long; who asks meanwhile joins it', async () => {
    const { one, clock, backup, shut, open, reached, verificationOf } = await createReplicas();
    shut();
    await whileRunning(one.engine, async () => {
      const asked = one.engine.services.verify(backup, forever) as Promise<Backup>;
      await eventually(clock, async () => (await Promise.race([reached().then(() => true), sleep(1)])) === true);
      const { run, startTimestamp } = (await verificationOf()) ?? {};
      const joined = one.engine.services.verify(backup, forever) as Promise<Backup>;
      await clock.pass(60_000);
      for (const answer of [await asked, await joined])
        expect(answer.status.verification).toMatchObject({ phase: 'InProgress', startTimestamp, run: { id: run?.id } });
      expect((await verificationOf())?.run?.renewed).toBeDefined();
      expect((await asked).status.conditions).toContainEqual(expect.objectContaining({ type: 'Verified', status: 'Unknown' }));
      open();
      await eventually(clock, async () => (await verificationOf())?.phase === 'Passed');
      expect((await verificationOf())?.run?.id).toBe(run?.id);
    });
  });

  it('that a shutdown interrupts goes on in another process at once', async () => {
    const { one, two, clock, backup, shut, open, reached, verificationOf } = await createReplicas();
    shut();
    await whileRunning(one.engine, async () => {
      void one.engine.services.verify(backup, forever).catch(() => {});
      await eventually(clock, async () => (await Promise.race([reached().then(() => true), sleep(1)])) === true);
    });
    expect(await verificationOf()).toMatchObject({ phase: 'InProgress' });
    expect((await verificationOf())?.run).toBeUndefined();
    open();
    await whileRunning(two.engine, () => eventually(clock, async () => (await verificationOf())?.phase === 'Passed'));
    expect((await verificationOf())?.run?.replica).toBe('two');
  });

  it('of a process that died is taken over when it has been silent for a minute', async () => {
    const { one, two, clock, backup, verificationOf } = await createReplicas();
    const ref = { namespace: 'shop', name: 'b', uid: backup.metadata.uid ?? '' };
    const verification = {
      phase: 'InProgress',
      startTimestamp: '2026-01-02T03:04:05Z',
      items: 0,
      bytes: 0,
      faultCount: 0,
      run: { id: 'x', replica: 'one' },
    };
    await one.parts.objects.update(
      backups,
      ref,
      'status',
      (object) => ({ ...object, status: { ...(object.status as object), verification } }),
      forever,
    );
    await whileRunning(two.engine, async () => {
      await clock.pass(45_000);
      expect((await verificationOf())?.run?.replica).toBe('one');
      await eventually(clock, async () => (await verificationOf())?.phase === 'Passed');
      expect((await verificationOf())?.run?.replica).toBe('two');
    });
  });

  it('ends when the backup is deleted', async () => {
    const { one, clock, backup, shut, reached, files } = await createReplicas();
    shut();
    const ref = { namespace: 'shop', name: 'b', uid: backup.metadata.uid ?? '' };
    await whileRunning(one.engine, async () => {
      const asked = one.engine.services.verify(backup, forever);
      const refused = expect(asked).rejects.toMatchObject({ code: expect.toBeOneOf([404, 409]) });
      await eventually(clock, async () => (await Promise.race([reached().then(() => true), sleep(1)])) === true);
      await one.parts.objects.delete(backups, ref, forever);
      await eventually(clock, async () => (await one.get(backups, 'shop', 'b')) === undefined);
      await clock.pass(1_000);
      await refused;
    });
    expect([...files.keys()]).toEqual([]);
  });

  it('is refused for what has no data', async () => {
    const { one, backup } = await createReplicas();
    for (const [phase, code] of [
      ['InProgress', 409],
      ['Failed', 404],
      ['Deleting', 410],
    ] as const)
      await expect((async () => one.engine.services.verify({ ...backup, status: { phase } }, forever))()).rejects.toMatchObject({ code });
  });

  it('stands in a status that nobody else writes', () => {
    const object = (status: object) => ({ apiVersion: 'v', kind: 'Backup', metadata: { name: 'b' }, spec: {}, status });
    const sent = object({ verification: { phase: 'Passed' } });
    expect(backups.rules.prepareForUpdate?.(sent, object({}), alice).status).toEqual({});
  });
});
