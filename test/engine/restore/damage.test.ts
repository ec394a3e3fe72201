/** What comes of a Restore where the files of its Backup are not what they were: a phase, a reason or a result for each object, and all else is done. */
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { StoreUnavailable } from '../../../src/objectstore/objectstore.ts';
import { restores } from '../../../src/resources/restore.ts';
import { changed } from '../../objectstore/changed.ts';
import { sampleCluster } from '../sample-cluster.ts';
import { createWorkbench, logOf, resultsOf, whileRunning } from '../workbench.ts';

type Edit = (bytes: Buffer) => Uint8Array | undefined;

const half: Edit = (bytes) => bytes.subarray(0, bytes.length >> 1);
const lost: Edit = () => undefined;
const zeros: Edit = (bytes) => bytes.fill(0, 10, bytes.length >> 1);
const lie =
  (change: (manifest: Record<string, unknown>) => object): Edit =>
  (bytes) => {
    const manifest = JSON.parse(bytes.toString()) as Record<string, unknown>;
    return Buffer.from(JSON.stringify({ ...manifest, ...change(manifest) }));
  };

/** Brings all back into another namespace, after a file of the backup was changed, and perhaps another one was lost. */
async function restored(file: string, edit: Edit, alsoLost?: string) {
  const cluster = sampleCluster();
  const bench = createWorkbench({ cluster });
  return whileRunning(bench.engine, async () => {
    const backup = await bench.backUp('shop', 'b');
    const [key = ''] = [...bench.files.keys()].filter((one) => one.endsWith(`/${file}`));
    const changed = edit(Buffer.from(bench.files.get(key)!));
    if (changed) bench.files.set(key, changed);
    else bench.files.delete(key);
    for (const other of bench.files.keys()) if (alsoLost !== undefined && other.endsWith(`/${alsoLost}`)) bench.files.delete(other);
    const { status } = await bench.restore('shop', 'r', { backupName: 'b', namespaceMapping: { shop: 'copy' } });
    const results = async () => resultsOf(bench.engine, (await bench.get(restores, 'shop', 'r'))!);
    const log = async () => logOf(bench.engine, (await bench.get(restores, 'shop', 'r'))!);
    const scratch = () => [...bench.scratch.keys()];
    return { items: backup.status.items ?? 0, status, results, log, scratch, made: cluster.names('configmaps', 'copy') };
  });
}

describe('a Restore of a Backup', () => {
  it.each<[string, Edit, RegExp]>([
    ['has a corrupt member', zeros, /archive\.tar\.gz: member at 0/],
    ['is truncated', half, /archive\.tar\.gz: it (ends at|has)/],
    ['is missing', lost, /archive\.tar\.gz: it is missing/],
    ['is empty', () => Buffer.of(), /archive\.tar\.gz: it (ends at|has)/],
  ])('whose archive %s fails what it cannot read, item by item, and does the rest', async (_, edit, why) => {
    const { items, status, results } = await restored('archive.tar.gz', edit);
    const { failed = 0, created = 0, ...others } = status.counts ?? {};
    expect(status).toMatchObject({ phase: 'PartiallyFailed', errors: failed, progress: { totalItems: items, itemsRestored: items } });
    expect(failed).toBeGreaterThan(0);
    expect(failed + created + Object.values(others).reduce((sum, count) => sum + count, 0)).toBe(items);
    const all = await results();
    const told = all.filter((result) => / failed: /.test(result));
    expect([told.length, all.length]).toEqual([failed, items]);
    for (const result of told) expect(result).toMatch(why);
  });

  it.each<[string, string, Edit, RegExp]>([
    ['list of items', 'items', lost, /items: it is missing; the archive itself is read/],
    ['list of items', 'items', half, /items: it .*; the archive itself is read/],
    ['list of items', 'items', zeros, /items: .*; the archive itself is read/],
    ['manifest', 'manifest.json', lost, /manifest\.json.*; the archive itself is read/],
    ['manifest', 'manifest.json', half, /manifest\.json.*not JSON; the archive itself is read/],
    ['manifest', 'manifest.json', lie(() => ({ items: 1 })), /manifest\.json.*do not add up to 1 items; the archive itself is read/],
    ['manifest', 'manifest.json', lie(({ items }) => ({ resources: { secrets: items } })), /instead of.*; the archive itself is read/],
  ])('whose %s is not right finds all in the archive, and says so (%s %#)', async (_, file, edit, why) => {
    const whole = await restored('log', (bytes) => bytes);
    const { items, status, results, log, scratch } = await restored(file, edit);
    expect(status).toMatchObject({ phase: 'Completed', counts: whole.status.counts, warnings: (whole.status.warnings ?? 0) + 1 });
    expect(await results()).toEqual(await whole.results());
    expect(await results()).toHaveLength(items);
    expect(await log()).toMatch(why);
    expect(scratch()).toEqual([]);
  });

  it('of which both the list and a part of the archive is lost restores what is left, and says that something is missing', async () => {
    const { items, status, results, log } = await restored('archive.tar.gz', zeros, 'items');
    expect(status).toMatchObject({ phase: 'PartiallyFailed' });
    expect((await results()).length).toBeLessThan(items);
    expect(await log()).toMatch(/bytes at \d+ of .*archive\.tar\.gz cannot be read/);
    expect(await log()).toMatch(new RegExp(`\\d+ of the ${items} items of the backup were found in its archive: the others are lost`));
  });

  it.each<[string, string, Edit, RegExp]>([
    ['is of a later format', 'manifest.json', lie(() => ({ formatVersion: 99 })), /^StoreError: .*format version 99/],
    ['needs what this program lacks', 'manifest.json', lie(() => ({ features: ['x'] })), /^StoreError: .*features that this program lacks/],
  ])('that %s fails before it does anything, and names it', async (_, file, edit, reason) => {
    const { status, made } = await restored(file, edit);
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(reason) });
    expect(made).toEqual([]);
  });

  it('is complete though the local disk is not what it was', async () => {
    const scratch = changed(memoryStore(), { delete: () => Promise.reject(new StoreUnavailable('the folder is gone')) });
    const bench = createWorkbench({ cluster: sampleCluster(), scratch });
    const { status } = await whileRunning(bench.engine, async () => {
      await bench.backUp('shop', 'b');
      return bench.restore('shop', 'r', { backupName: 'b', namespaceMapping: { shop: 'copy' } });
    });
    expect(status).toMatchObject({ phase: 'Completed' });
  });

  it('of which neither list nor archive is left fails, and names the archive', async () => {
    const { status, made } = await restored('archive.tar.gz', lost, 'manifest.json');
    expect(status).toMatchObject({
      phase: 'Failed',
      failureReason: expect.stringMatching(/^StoreError: .*archive\.tar\.gz: it is missing/),
    });
    expect(made).toEqual([]);
  });
});
