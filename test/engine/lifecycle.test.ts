/** Who carries a run out and for how long: shutdown, death, several replicas, deletion, expiry, time limits. */
import { describe, expect, it, vi } from 'vitest';
import type { KubeObject } from '../../src/machinery/object.ts';
import { backups } from '../../src/resources/backup.ts';
import { restores } from '../../src/resources/restore.ts';
import type { MemoryCluster } from './memory-cluster.ts';
import { eventually, gateAt, gateAtSecrets, replicas } from './replicas.ts';
import type { createWorkbench } from './workbench.ts';
import { forever, logOf, whileRunning } from './workbench.ts';

type Status = { phase?: string; run?: { id: string; replica: string; renewed?: string }; progress?: object; expiration?: string };

const statusOf = async (bench: ReturnType<typeof createWorkbench>, definition = backups, name = 'b') =>
  ((await bench.get(definition, 'shop', name))?.status ?? {}) as Status;

/** When the archive is written, and not recorded yet. */
const gateAtEnd = (cluster: MemoryCluster) => gateAt(cluster, ({ verb }) => verb === 'identify');

describe('a run', () => {
  it('that a shutdown interrupts goes on in the next process, and leaves nothing behind', async () => {
    const { one, two, cluster, files } = replicas();
    const gate = gateAtSecrets(cluster);
    await one.create(backups, 'shop', 'b', {});
    await whileRunning(one.engine, () => gate.reached.then(() => setTimeout(gate.open)));
    const interrupted = await statusOf(one);
    expect(interrupted).toMatchObject({ phase: 'InProgress' });
    expect(interrupted.run).toBeUndefined();
    expect([...files.keys()]).toEqual([]);
    cluster.check = () => {};
    const done = await whileRunning(two.engine, () => two.ended(backups, 'shop', 'b'));
    expect(done.status).toMatchObject({ phase: 'Completed', run: { replica: 'two' } });
  });

  it('whose creator loses the right in the middle comes to its end, but is not begun anew', async () => {
    const { one, two, cluster, files } = replicas();
    const gate = gateAtSecrets(cluster);
    await one.create(backups, 'shop', 'b', {});
    await whileRunning(one.engine, async () => {
      await gate.reached;
      for (const { denied } of [one, two]) denied.add('shop');
      gate.open();
      expect((await one.ended(backups, 'shop', 'b')).status).toMatchObject({ phase: 'Completed', errors: 0 });
    });
    const kept = files.size;
    for (const { denied } of [one, two]) denied.clear();
    const again = gateAtSecrets(cluster);
    await one.create(backups, 'shop', 'c', {});
    await whileRunning(one.engine, () => again.reached.then(() => setTimeout(again.open)));
    two.denied.add('shop');
    const { status } = await whileRunning(two.engine, () => two.ended(backups, 'shop', 'c'));
    expect(status).toMatchObject({
      phase: 'Failed',
      failureReason: expect.stringMatching(/^Forbidden: .*"alice" cannot create resource "backups"/),
    });
    expect(files.size).toBe(kept);
  });

  it('is carried out by one of several replicas', async () => {
    const { one, two, clock, cluster } = replicas();
    let lists = 0;
    cluster.check = ({ verb, resource }) => void (verb === 'list' && resource === 'secrets' && lists++);
    await one.create(backups, 'shop', 'b', {});
    await whileRunning(one.engine, () =>
      whileRunning(two.engine, async () => {
        await one.ended(backups, 'shop', 'b');
        await clock.pass(120_000);
      }),
    );
    expect(lists).toBe(1);
  });

  it('keeps its claim while it lasts, and tells how far it is', async () => {
    const { one, two, clock, cluster } = replicas();
    const gate = gateAtSecrets(cluster);
    await one.create(backups, 'shop', 'b', {});
    await whileRunning(one.engine, async () => {
      await gate.reached;
      await whileRunning(two.engine, async () => {
        await clock.pass(300_000);
        expect(await statusOf(one)).toMatchObject({ phase: 'InProgress', run: { replica: 'one' }, progress: { itemsBackedUp: 1 } });
        gate.open();
        await one.ended(backups, 'shop', 'b');
      });
    });
    expect(await statusOf(one)).toMatchObject({ phase: 'Completed', run: { replica: 'one' } });
  });

  it('tells how many objects are known to come', async () => {
    const { one, clock, cluster } = replicas();
    const { promise: goOn, resolve } = Promise.withResolvers<void>();
    const list = cluster.list.bind(cluster);
    cluster.list = async function* (resource, options) {
      for await (const page of list(resource, options)) {
        yield { ...page, ...(resource.resource === 'configmaps' && { remaining: 41 }) };
        if (resource.resource === 'configmaps') await goOn;
      }
    };
    await one.create(backups, 'shop', 'b', {});
    await whileRunning(one.engine, async () => {
      await clock.pass(30_000);
      expect(await statusOf(one)).toMatchObject({ phase: 'InProgress', progress: { totalItems: 42, itemsBackedUp: 1 } });
      resolve();
      const { status } = await one.ended(backups, 'shop', 'b');
      const { items = 0 } = status as { items?: number };
      expect(status).toMatchObject({ phase: 'Completed', progress: { totalItems: items, itemsBackedUp: items } });
    });
  });

  it('of a replica that died is begun anew by another, in another folder, and the old files go', async () => {
    const { one, two, clock, files, storage } = replicas();
    await one.create(backups, 'shop', 'b', {});
    const { uid = '', name, namespace = '' } = (await one.get(backups, 'shop', 'b'))!.metadata;
    const dead = { phase: 'InProgress', run: { id: 'dead', replica: 'one' } };
    await one.parts.objects.update(
      backups,
      { uid, name, namespace },
      'status',
      (object) => ({ ...object, status: { ...(object.status as object), ...dead } }),
      forever,
    );
    files.set(`d/domain/backups/${uid}/dead/archive.tar.gz`, new Uint8Array(1));
    await whileRunning(two.engine, async () => {
      await clock.pass(59_000);
      expect(await statusOf(two)).toMatchObject(dead);
      await eventually(clock, async () => (await statusOf(two)).phase === 'Completed');
    });
    const { run } = await statusOf(two);
    expect(run?.replica).toBe('two');
    expect([...files.keys()].map((key) => key.split('/')[4])).toEqual([run?.id, run?.id, run?.id, run?.id]);
    expect(storage.current()).toBeLessThan(20);
  });

  it('that was taken over writes nothing more and removes its files', async () => {
    const { one, clock, cluster, files } = replicas();
    const gate = gateAtEnd(cluster);
    const { namespace = '', name, uid = '' } = (await one.create(backups, 'shop', 'b', {})).metadata;
    await whileRunning(one.engine, async () => {
      await gate.reached;
      expect(files.size).toBe(4);
      const taken = { run: { id: 'new', replica: 'two' } };
      await one.parts.objects.update(
        backups,
        { namespace, name, uid },
        'status',
        (object) => ({ ...object, status: { ...(object.status as object), ...taken } }),
        forever,
      );
      await clock.pass(30_000);
      gate.open();
      await vi.waitFor(() => expect([...files.keys()]).toEqual([]));
      expect(await statusOf(one)).toMatchObject({ phase: 'InProgress', ...taken });
    });
  });

  it('fails after its time', async () => {
    const { one, clock, cluster, files } = replicas();
    const gate = gateAtSecrets(cluster);
    await one.create(backups, 'shop', 'b', { timeout: '90s' });
    await whileRunning(one.engine, async () => {
      await gate.reached;
      await clock.pass(89_000);
      expect(await statusOf(one)).toMatchObject({ phase: 'InProgress' });
      await clock.pass(1_000);
      gate.open();
      const { status } = await one.ended(backups, 'shop', 'b');
      expect(status).toMatchObject({ phase: 'Failed', failureReason: 'Timeout: it took longer than spec.timeout, 90 s' });
    });
    expect([...files.keys()]).toEqual([]);
  });

  it('is followed live', async () => {
    const { one, cluster } = replicas();
    const gate = gateAtSecrets(cluster);
    const backup = await one.create(backups, 'shop', 'b', {});
    const lines: string[] = [];
    await whileRunning(one.engine, async () => {
      await gate.reached;
      const options = { follow: true, tailLines: 1, sinceTime: undefined, timestamps: false };
      const following = (async () => {
        for await (const line of one.engine.services.log(backup, options, forever)) lines.push(line);
      })();
      await vi.waitFor(() => expect(lines).toEqual(['INFO configmaps of shop: 1 left out: kept by the root CA publisher\n']));
      gate.open();
      await following;
    });
    expect(lines).toContain('INFO secrets of shop: 1\n');
  });
});

describe('deletion', () => {
  it('removes the data, then the object', async () => {
    const { one, files } = replicas();
    await whileRunning(one.engine, async () => {
      const { namespace = '', name, uid = '' } = (await one.backUp('shop', 'b')).metadata;
      await one.restore('shop', 'r', { backupName: 'b' });
      expect(files.size).toBe(6);
      await one.parts.objects.delete(backups, { namespace, name, uid }, forever);
      await vi.waitFor(async () => expect(await one.get(backups, 'shop', 'b')).toBeUndefined());
      expect([...files.keys()].every((key) => key.startsWith('d/domain/restores/'))).toBe(true);
      const restore = (await one.get(restores, 'shop', 'r'))!.metadata;
      await one.parts.objects.delete(restores, { namespace, name: 'r', uid: restore.uid ?? '' }, forever);
      await vi.waitFor(async () => expect(await one.get(restores, 'shop', 'r')).toBeUndefined());
      expect(files.size).toBe(0);
    });
  });

  it('ends a run first, also one of another replica', async () => {
    const { one, two, cluster, files } = replicas();
    const gate = gateAtSecrets(cluster);
    const { namespace = '', name, uid = '' } = (await one.create(backups, 'shop', 'b', {})).metadata;
    await whileRunning(one.engine, async () => {
      await gate.reached;
      await whileRunning(two.engine, async () => {
        await two.parts.objects.delete(backups, { namespace, name, uid }, forever);
        gate.open();
        await vi.waitFor(async () => expect(await one.get(backups, 'shop', 'b')).toBeUndefined());
        expect(files.size).toBe(0);
      });
    });
  });

  it('of a Backup waits for a Restore that reads it, and no other begins', async () => {
    const { one, cluster, clock, files } = replicas();
    await whileRunning(one.engine, async () => {
      const { namespace = '', name, uid = '' } = (await one.backUp('shop', 'b')).metadata;
      const gate = gateAt(cluster, ({ verb, resource }) => verb === 'create' && resource === 'secrets');
      cluster.dropNamespace('shop');
      await one.create(restores, 'shop', 'r', { backupName: 'b' });
      await gate.reached;
      await one.parts.objects.delete(backups, { namespace, name, uid }, forever);
      await vi.waitFor(async () => {
        const message = 'Its data is not removed yet: the Restore shop/r reads it';
        const { phase, conditions } = (await one.get(backups, 'shop', 'b'))!.status as { phase: string; conditions: object[] };
        expect([phase, conditions]).toEqual([
          'Deleting',
          expect.arrayContaining([expect.objectContaining({ type: 'Reconciling', message })]),
        ]);
      });
      const late = await one.restore('shop', 'late', { backupName: 'b' });
      expect(late.status).toMatchObject({ phase: 'Failed', failureReason: 'BackupNotUsable: the backup shop/b is Deleting' });
      expect(files.size).toBeGreaterThanOrEqual(4);
      gate.open();
      expect((await one.ended(restores, 'shop', 'r')).status).toMatchObject({ phase: 'Completed', counts: { failed: 0 } });
      await eventually(clock, async () => (await one.get(backups, 'shop', 'b')) === undefined);
      expect([...files.keys()].every((key) => key.startsWith('d/domain/restores/'))).toBe(true);
    });
  });

  it('shows what goes wrong and tries again', async () => {
    const { one, clock, files } = replicas();
    await whileRunning(one.engine, async () => {
      const { namespace = '', name, uid = '' } = (await one.backUp('shop', 'b')).metadata;
      const remove = files.delete.bind(files);
      files.delete = () => {
        throw new Error('no right to delete');
      };
      await one.parts.objects.delete(backups, { namespace, name, uid }, forever);
      await vi.waitFor(async () => {
        const status = (await one.get(backups, 'shop', 'b'))?.status as { phase: string; conditions: object[] };
        expect(status.phase).toBe('Deleting');
        expect(status.conditions).toContainEqual(
          expect.objectContaining({ type: 'Reconciling', message: 'Its data is not removed yet: no right to delete' }),
        );
      });
      files.delete = remove;
      await eventually(clock, async () => (await one.get(backups, 'shop', 'b')) === undefined);
      expect(files.size).toBe(0);
    });
  });
});

describe('expiry', () => {
  it('deletes a backup after its ttl, which may be changed', async () => {
    const { one, clock, files } = replicas();
    await whileRunning(one.engine, async () => {
      const { metadata, status } = await one.backUp('shop', 'b', { ttl: '1h' });
      expect(status.expiration).toBe('2026-01-02T04:04:05Z');
      const target = { namespace: 'shop', name: 'b', uid: metadata.uid ?? '' };
      await one.parts.objects.update(
        backups,
        target,
        'object',
        (object) => ({ ...object, spec: { ...(object.spec as object), ttl: '2h' } }),
        forever,
      );
      await vi.waitFor(async () => expect(await statusOf(one)).toMatchObject({ expiration: '2026-01-02T05:04:05Z' }));
      await clock.pass(7_199_000);
      expect(await one.get(backups, 'shop', 'b')).toBeDefined();
      await eventually(clock, async () => (await one.get(backups, 'shop', 'b')) === undefined);
      expect(files.size).toBe(0);
    });
  });
});

describe('a change after the end', () => {
  it.each([
    ['completed', {}, 'Everything was done.'],
    ['failed', { includedNamespaces: ['gone'] }, 'NamespaceNotFound: namespace "gone" not found'],
  ])('of a backup that %s is seen in its status, or tools would wait for ever', async (_, spec, message) => {
    const { one } = replicas();
    await whileRunning(one.engine, async () => {
      const { metadata } = await one.backUp('shop', 'b', { ...spec, ttl: '1h' });
      const target = { namespace: 'shop', name: 'b', uid: metadata.uid ?? '' };
      const foreign = {
        type: 'Reviewed',
        status: 'True',
        observedGeneration: 1,
        lastTransitionTime: '2026-01-02T03:04:05Z',
        reason: 'Seen',
        message: '',
      };
      const change = (part: 'object' | 'status', changed: (object: KubeObject) => KubeObject) =>
        one.parts.objects.update(backups, target, part, changed, forever);
      await change('status', (object) => {
        const { conditions = [] } = object.status as { conditions?: object[] };
        return { ...object, status: { ...(object.status as object), conditions: [...conditions, foreign] } };
      });
      await change('object', (object) => ({ ...object, spec: { ...(object.spec as object), ttl: '2h' } }));
      await vi.waitFor(async () => expect(await statusOf(one)).toMatchObject({ observedGeneration: 2 }));
      const { conditions = [] } = (await statusOf(one)) as {
        conditions?: { type: string; message?: string; observedGeneration: number }[];
      };
      expect(conditions.map(({ type, observedGeneration }) => [type, observedGeneration])).toEqual([
        ['Complete', 2],
        ['Failed', 2],
        ['Reconciling', 2],
        ['Stalled', 2],
        ['Reviewed', 1],
      ]);
      expect(conditions[0]?.message).toBe(message);
    });
  });
});

describe('the log of a run that failed', () => {
  it('is there while the process is, and its reason after that', async () => {
    const { one, two } = replicas();
    const failed = await whileRunning(one.engine, () => one.backUp('shop', 'b', { includedNamespaces: ['gone'] }));
    expect(await logOf(one.engine, failed)).toBe('ERROR NamespaceNotFound: namespace "gone" not found\n');
    expect(await logOf(two.engine, failed)).toBe('ERROR NamespaceNotFound: namespace "gone" not found\n');
  });
});
