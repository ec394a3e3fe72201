/** The log of a run, asked of a replica that does not carry it out: it comes through the store in time, each line once, and nothing of that is left. */
import { describe, expect, it } from 'vitest';
import { randomIds } from '../../src/base/ids.ts';
import { isLivePiece } from '../../src/engine/archive/files.ts';
import type { KubeObject } from '../../src/machinery/object.ts';
import { encrypted } from '../../src/objectstore/encryption/encrypted.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { StoreUnavailable } from '../../src/objectstore/objectstore.ts';
import { backups } from '../../src/resources/backup.ts';
import { restores } from '../../src/resources/restore.ts';
import type { LogOptions } from '../../src/resources/services.ts';
import { changed } from '../objectstore/changed.ts';
import { keysOf } from '../objectstore/keyrings.ts';
import { eventually, gateAt, gateAtSecrets, replicas } from './replicas.ts';
import type { createWorkbench } from './workbench.ts';
import { forever, whileRunning } from './workbench.ts';

type Bench = ReturnType<typeof createWorkbench>;

const isOfPiece = (key: string) => isLivePiece(key.split('/').slice(5).join('/'));
const piecesIn = (files: ReadonlyMap<string, Uint8Array>) => [...files.keys()].filter(isOfPiece);
const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
const everything: LogOptions = { follow: false, tailLines: undefined, sinceTime: undefined, timestamps: true };

async function logAt(bench: Bench, object: KubeObject, options: Partial<LogOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of bench.engine.services.log(object, { ...everything, ...options }, forever)) lines.push(line);
  return lines;
}

/** Reads on until the end, or until it is stopped. */
function follow(bench: Bench, object: KubeObject, options: Partial<LogOptions> = {}) {
  const stop = new AbortController();
  const following = { lines: [] as string[], isOver: false, stop: () => stop.abort(new Error('seen enough')) };
  const read = async () => {
    for await (const line of bench.engine.services.log(object, { ...everything, ...options, follow: true }, stop.signal))
      following.lines.push(line);
    following.isOver = true;
  };
  void read().catch(() => {});
  return following;
}

const linesOfMiddle = ['namespaces: 1', 'configmaps of shop: 1', 'configmaps of shop: 1 left out'].map((text) =>
  expect.stringContaining(` INFO ${text}`),
);

/** A Backup that `one` carries out and that stands still in the middle, with what it has logged in the store, while `work` looks on. */
async function inTheMiddle(
  given: Parameters<typeof replicas>[0],
  work: (all: ReturnType<typeof replicas> & { readonly backup: KubeObject; readonly open: () => void }) => Promise<void>,
  spec: object = {},
): Promise<void> {
  const all = replicas(given);
  const gate = gateAtSecrets(all.cluster);
  await all.one.create(backups, 'shop', 'b', spec);
  await whileRunning(all.one.engine, async () => {
    await gate.reached;
    const backup = (await all.one.get(backups, 'shop', 'b'))!;
    await all.clock.pass(1_000);
    await work({ ...all, backup, open: gate.open }).finally(gate.open);
  });
}

/** One that a replica began which has died: with these lines, each in a piece of its own. */
async function begunByTheDead(all: ReturnType<typeof replicas>, lines: readonly string[]): Promise<KubeObject> {
  const { metadata } = await all.one.create(backups, 'shop', 'b', {});
  const { uid = '', name, namespace = '' } = metadata;
  const run = { phase: 'InProgress', startTimestamp: '2026-01-02T03:04:05Z', run: { id: 'dead', replica: 'gone' } };
  const begun = (object: KubeObject) => ({ ...object, status: { ...(object.status as object), ...run } });
  for (const [index, line] of lines.entries())
    all.files.set(`d/domain/backups/${uid}/dead/live-log/${String(index + 1).padStart(8, '0')}`, Buffer.from(line));
  return (await all.one.parts.objects.update(backups, { uid, name, namespace }, 'status', begun, forever))!;
}

describe('the log at another replica', () => {
  it('is followed while the run lasts, and to its end; then nothing is left of it', async () => {
    await inTheMiddle({}, async ({ one, two, backup, clock, files, open }) => {
      const [here, there] = [follow(one, backup), follow(two, backup)];
      await clock.pass(0);
      expect(piecesIn(files)).toHaveLength(1);
      expect(there.lines).toEqual(linesOfMiddle);
      expect(here.lines).toEqual(there.lines);
      open();
      await eventually(clock, () => here.isOver && there.isOver);
      expect(there.lines.length).toBeGreaterThan(3);
      expect(here.lines).toEqual(there.lines);
      const done = await one.ended(backups, 'shop', 'b');
      expect(await logAt(two, done)).toEqual(there.lines);
      await eventually(clock, () => files.size === 4);
    });
  });

  it('is shown as far as it goes, with the options of every log', async () => {
    await inTheMiddle({}, async ({ one, two, backup, clock }) => {
      const all = await logAt(one, backup);
      expect(all).toEqual(linesOfMiddle);
      expect(await logAt(two, backup)).toEqual(all);
      expect(await logAt(two, backup, { tailLines: 1, timestamps: false })).toEqual([expect.stringMatching(/^INFO configmaps of shop/)]);
      expect(await logAt(two, backup, { sinceTime: '2026-01-02T03:04:06Z' })).toEqual([]);
      const followed = follow(two, backup, { tailLines: 0 });
      await clock.pass(2_000);
      expect(followed.lines).toEqual([]);
      followed.stop();
    });
  });

  it('of a Restore too', async () => {
    const { one, two, cluster, clock, files } = replicas();
    await whileRunning(one.engine, async () => {
      await one.backUp('shop', 'b');
      cluster.dropNamespace('shop');
      const gate = gateAt(cluster, ({ verb, resource }) => verb === 'create' && resource === 'widgets.example.com');
      const restore = await one.create(restores, 'shop', 'r', { backupName: 'b' });
      await gate.reached;
      const there = follow(two, restore);
      await clock.pass(4_000);
      expect(there.lines).toContainEqual(expect.stringMatching(/ INFO secrets shop\/password created\n$/));
      gate.open();
      await eventually(clock, () => there.isOver);
      expect(there.lines).toEqual(await logAt(one, await one.ended(restores, 'shop', 'r')));
      await eventually(clock, () => piecesIn(files).length === 0);
    });
  });

  it('goes on with a run that another replica has begun anew, from its start', async () => {
    const all = replicas();
    const { one, two, cluster, clock, files } = all;
    const dead = ['2026-01-02T03:04:05.000Z INFO one\n', '2026-01-02T03:04:06.000Z INFO two\n'];
    const backup = await begunByTheDead(all, dead);
    const gate = gateAtSecrets(cluster);
    const there = follow(two, backup, { tailLines: 1 });
    await clock.pass(1_000);
    expect(there.lines).toEqual([dead[1]]);
    await whileRunning(one.engine, async () => {
      await eventually(clock, () => there.lines.length > 2);
      expect(there.lines.slice(1)).toEqual(await logAt(one, (await one.get(backups, 'shop', 'b'))!));
      gate.open();
      await eventually(clock, () => there.isOver);
      expect(there.lines.slice(1)).toEqual(await logAt(one, await one.ended(backups, 'shop', 'b')));
      await eventually(clock, () => files.size === 4);
    });
  });

  it('goes on with a run that this replica has begun anew', async () => {
    const all = replicas();
    const dead = Array.from({ length: 30 }, (_, n) => `2026-01-02T03:04:05.000Z INFO line ${n}\n`);
    const there = follow(all.two, await begunByTheDead(all, dead));
    await all.clock.pass(1_000);
    expect(there.lines).toEqual(dead);
    await whileRunning(all.two.engine, async () => {
      await eventually(all.clock, () => there.isOver);
      expect(there.lines.slice(30)).toEqual(await logAt(all.one, await all.two.ended(backups, 'shop', 'b')));
    });
  });

  it('of a run that fails ends with the reason, and the pieces go', async () => {
    await inTheMiddle(
      {},
      async ({ two, backup, clock, files, open }) => {
        const there = follow(two, backup, { timestamps: false });
        await clock.pass(95_000);
        open();
        await eventually(clock, () => there.isOver);
        expect(there.lines.slice(linesOfMiddle.length)).toEqual(['ERROR Timeout: it took longer than spec.timeout, 90 s\n']);
        expect([...files.keys()]).toEqual([]);
      },
      { timeout: '90s' },
    );
  });

  it('goes with a run that a shutdown interrupts: nothing of it is left', async () => {
    const { one, two, cluster, clock, files } = replicas();
    const gate = gateAtSecrets(cluster);
    const backup = await one.create(backups, 'shop', 'b', {});
    const there = follow(two, backup);
    await whileRunning(one.engine, async () => {
      await gate.reached;
      await clock.pass(2_000);
      expect(piecesIn(files)).toHaveLength(1);
      setTimeout(gate.open);
    });
    expect([...files.keys()]).toEqual([]);
    cluster.check = () => {};
    await whileRunning(two.engine, async () => {
      await eventually(clock, () => there.isOver);
      const again = await logAt(two, await two.ended(backups, 'shop', 'b'));
      expect(there.lines).toEqual([...linesOfMiddle, ...again]);
    });
  });

  it('goes with an object that is deleted', async () => {
    await inTheMiddle({}, async ({ one, two, backup, clock, files, open }) => {
      const there = follow(two, backup, { timestamps: false });
      const { uid = '', name, namespace = '' } = backup.metadata;
      await one.parts.objects.delete(backups, { uid, name, namespace }, forever);
      open();
      await eventually(clock, () => there.isOver);
      expect(there.lines.slice(linesOfMiddle.length).join('')).toMatch(/^(INFO its data is being removed\n)?$/);
      await eventually(clock, () => files.size === 0);
    });
  });

  it('goes on where it was when the store could not be read for some looks', async () => {
    const memory = memoryStore();
    let isAway = false;
    const store = changed(memory, {
      read: (...given) => (isAway ? Promise.reject(new StoreUnavailable('no answer')) : memory.read(...given)),
    });
    await inTheMiddle({ store }, async ({ one, two, backup, clock, open }) => {
      const there = follow(two, backup);
      await clock.pass(0);
      isAway = true;
      await clock.pass(5_000);
      isAway = false;
      open();
      await eventually(clock, () => there.isOver);
      expect(there.lines).toEqual(await logAt(one, await one.ended(backups, 'shop', 'b')));
    });
  });

  it('costs one read of the store a second', async () => {
    const files = new Map<string, Uint8Array>();
    const store = memoryStore(files);
    let reads = 0;
    const read: ObjectStore['read'] = (key, ...rest) => {
      if (isOfPiece(key)) reads += 1;
      return store.read(key, ...rest);
    };
    await inTheMiddle({ files, store: changed(store, { read }) }, async ({ two, backup, clock }) => {
      const there = follow(two, backup);
      await clock.pass(500);
      const before = reads;
      await clock.pass(60_000);
      expect(reads - before).toBe(60);
      there.stop();
    });
  });

  it('is encrypted as everything is', async () => {
    const files = new Map<string, Uint8Array>();
    const store = encrypted(memoryStore(files), keysOf('one'), randomIds);
    await inTheMiddle({ files, store }, async ({ one, two, backup }) => {
      const [key = ''] = piecesIn(files);
      expect(textOf(files.get(key)?.subarray(0, 4))).toBe('KYE1');
      expect(textOf(files.get(key))).not.toContain('INFO');
      expect(await logAt(two, backup)).toEqual(await logAt(one, backup));
    });
  });
});

describe('a store that takes no pieces', () => {
  const onlyPieces = (store: ObjectStore, put: ObjectStore['putIfAbsent']) =>
    changed(store, { putIfAbsent: (...given) => (isOfPiece(given[0]) ? put(...given) : store.putIfAbsent(...given)) });

  it('costs a run nothing: other replicas say who has the log', async () => {
    const files = new Map<string, Uint8Array>();
    const store = onlyPieces(memoryStore(files), () => Promise.reject(new StoreUnavailable('no answer')));
    await inTheMiddle({ files, store }, async ({ one, two, backup, clock, open }) => {
      const there = follow(two, backup);
      await clock.pass(10_000);
      expect(await logAt(two, backup, { timestamps: false })).toEqual([
        'INFO it is carried out by one, and nothing of its log has come here yet\n',
      ]);
      expect(there.lines).toEqual([]);
      open();
      await eventually(clock, () => there.isOver);
      const done = await one.ended(backups, 'shop', 'b');
      expect(done.status).toMatchObject({ phase: 'Completed', warnings: 0, errors: 0 });
      expect(there.lines).toEqual(await logAt(one, done));
    });
  });

  it('and does not answer, ends no run and keeps none for long', async () => {
    const files = new Map<string, Uint8Array>();
    const store = onlyPieces(memoryStore(files), () => new Promise(() => {}));
    await inTheMiddle({ files, store }, async ({ one, clock, open }) => {
      open();
      await clock.pass(5_000);
      expect((await one.ended(backups, 'shop', 'b')).status).toMatchObject({ phase: 'Completed' });
    });
  });

  it('as far as it says shows no line twice', async () => {
    const files = new Map<string, Uint8Array>();
    const plain = memoryStore(files);
    const lost = new Set<string>();
    const store = onlyPieces(plain, async (key, ...rest) => {
      const outcome = await plain.putIfAbsent(key, ...rest);
      if (lost.has(key)) return outcome;
      lost.add(key);
      throw new StoreUnavailable('the answer was lost');
    });
    await inTheMiddle({ files, store }, async ({ one, two, backup, clock, open }) => {
      const there = follow(two, backup);
      await clock.pass(20_000);
      open();
      await eventually(clock, () => there.isOver);
      expect(there.lines).toEqual(await logAt(one, await one.ended(backups, 'shop', 'b')));
    });
  });
});
