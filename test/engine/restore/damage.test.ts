/** What comes of a Restore where the files of its Backup are not what they were: a phase, a reason or a result for each object, and all else is done. */
import { describe, expect, it } from 'vitest';
import { restores } from '../../../src/resources/restore.ts';
import { sampleCluster } from '../sample-cluster.ts';
import { createWorkbench, resultsOf, whileRunning } from '../workbench.ts';

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

/** Brings all back into another namespace, after a file of the backup was changed. */
async function restored(file: string, edit: Edit) {
  const cluster = sampleCluster();
  const bench = createWorkbench({ cluster });
  return whileRunning(bench.engine, async () => {
    const backup = await bench.backUp('shop', 'b');
    const [key = ''] = [...bench.files.keys()].filter((one) => one.endsWith(`/${file}`));
    const changed = edit(Buffer.from(bench.files.get(key)!));
    if (changed) bench.files.set(key, changed);
    else bench.files.delete(key);
    const { status } = await bench.restore('shop', 'r', { backupName: 'b', namespaceMapping: { shop: 'copy' } });
    const results = async () => resultsOf(bench.engine, (await bench.get(restores, 'shop', 'r'))!);
    return { items: backup.status.items ?? 0, status, results, made: cluster.names('configmaps', 'copy') };
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
    ['list of items', 'items', lost, /^StoreError: .*items: it is missing$/],
    ['list of items', 'items', half, /^StoreError: .*items: it /],
    ['list of items', 'items', zeros, /^StoreError: .*items: /],
    ['manifest', 'manifest.json', lost, /^StoreError: .*manifest\.json/],
    ['manifest', 'manifest.json', half, /^StoreError: .*manifest\.json.*not JSON/],
    ['manifest', 'manifest.json', lie(() => ({ items: 1 })), /^StoreError: .*manifest\.json.*do not add up to 1/],
    ['manifest', 'manifest.json', lie(() => ({ formatVersion: 99 })), /^StoreError: .*format version 99/],
    ['manifest', 'manifest.json', lie(({ items }) => ({ resources: { secrets: items } })), /^StoreError: .*instead of/],
  ])('whose %s is not right fails before it does anything, and names it (%s %#)', async (_, file, edit, reason) => {
    const { status, made } = await restored(file, edit);
    expect(status).toMatchObject({ phase: 'Failed', failureReason: expect.stringMatching(reason) });
    expect(made).toEqual([]);
  });
});
