/**
 * Data of format 1 as it was written when that was made final: two stores, one encrypted, each with a log, a checkpoint in the
 * midst of it, a backup and a restore; the plain one with an accepted roll-back. Every later version must open them. Nothing
 * in the folder may ever change: a new format gets a folder of its own.
 */
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/machinery/object.ts';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { segmentKey } from '../../src/catalog/paths.ts';
import { openArchive } from '../../src/engine/archive/reader.ts';
import { openResults } from '../../src/engine/archive/results-reader.ts';
import { runFolder } from '../../src/engine/runs/files.ts';
import type { ObjectStore } from '../../src/objectstore/objectstore.ts';
import { openStore } from '../../src/objectstore/open.ts';
import { CatalogFixture } from '../catalog/fixture.ts';
import { collect } from '../conformance/storage-samples.ts';
import { parts, temporaryFolder } from '../objectstore/stores.ts';

const frozen = join(import.meta.dirname, 'format-1');
const signal = AbortSignal.any([]);
const domain = 'playground';
const backupKey = { resource: 'backups.backup.kylon.io', namespace: 'shop', name: 'before-release' };
const restoreKey = { resource: 'restores.backup.kylon.io', namespace: 'shop', name: 'undo' };

/** The segment of the checkpoint, and the number that the catalog stands at. */
const kinds = [
  { kind: 'plain', checkpointed: 41, rv: 1_000_000_047, keys: {} },
  { kind: 'encrypted', checkpointed: 41, rv: 48, keys: { encryptionKeys: join(frozen, 'keys') } },
];

describe.each(kinds)('the $kind store of format 1', ({ kind, checkpointed, rv, keys }) => {
  let folder: string;
  let store: ObjectStore;
  let encrypted: boolean;
  let fixture: CatalogFixture;
  beforeEach(async () => {
    folder = await temporaryFolder();
    await cp(join(frozen, kind), folder, { recursive: true });
    ({ store, encrypted } = await openStore(`file://${folder}`, { ...parts, ...keys }, signal));
    fixture = new CatalogFixture();
  });
  afterEach(async () => {
    await fixture.destroy();
    await store.close();
    await rm(folder, { recursive: true });
  });
  const open = () => fixture.open(store, { domain, encrypted });

  it.each(['with its checkpoint', 'without it'])('is read %s, and written on', async (how) => {
    if (how === 'without it') await rm(join(folder, 'd', domain, 'ckpt'), { recursive: true });
    // What the checkpoint covers is not read.
    else for (let n = 2; n < checkpointed; n++) await writeFile(join(folder, segmentKey(domain, n)), 'damaged');
    const catalog = await open();
    expect(catalog.current()).toBe(rv);
    expect(await widgets(catalog)).toEqual([
      'early-0 {"n":0.0,"text":""}',
      'early-1 {"n":1e2}',
      'early-3 {"n":3.0,"text":"xxx"}',
      'late-0 {"n":0.0,"text":""}',
      'late-1 {"n":1e2}',
      'late-3 {"n":3.0,"text":"xxx"}',
    ]);
    expect(catalog.peek({ resource: 'configmaps', namespace: 'default', name: 'greetings' })).toBeUndefined();
    expect(await catalog.write({ op: 'create', key: { ...backupKey, name: 'new' }, json: '{}' }, signal)).toBe(rv + 1);
  });

  it('gives its backup and its restore', async () => {
    const catalog = await open();
    const backup = runOf(catalog, backupKey);
    const archive = await openArchive(store, runFolder(domain, 'backup', backup.uid, backup.run), signal);
    const prices = { group: '', resource: 'configmaps', namespace: 'shop', name: 'prices' };
    expect(JSON.parse(Buffer.from((await archive.item(prices, signal)) ?? '').toString())).toMatchObject({ kind: 'ConfigMap' });
    const { items } = await archive.items({ limit: 100, continue: '', labelSelector: '' }, signal);
    expect(items).toHaveLength(13);
    for (const resource of archive.resources().keys())
      for await (const { manifest } of archive.entries(resource, signal)) expect(manifest.length).toBeGreaterThan(0);
    expect(await archive.log(signal)).toContain('13');
    const restore = runOf(catalog, restoreKey);
    const results = await openResults(store, runFolder(domain, 'restore', restore.uid, restore.run), signal);
    const page = await results.page({ limit: 100, continue: '' }, signal);
    expect(page.items.map(({ outcome }) => outcome)).toContain('created');
    expect(await results.log(signal)).not.toBe('');
  });
});

async function widgets(catalog: Catalog): Promise<readonly string[]> {
  const page = await catalog.list({ resource: 'widgets.example.com', at: 'latest' }, signal);
  return (await collect(page)).map(({ key, json }) => `${key.name} ${json}`);
}

function runOf(catalog: Catalog, key: typeof backupKey): { readonly uid: string; readonly run: string } {
  const { metadata, status } = JSON.parse(catalog.peek(key)?.json ?? '') as KubeObject & {
    readonly status: { readonly run: { id: string } };
  };
  return { uid: metadata.uid ?? '', run: status.run.id };
}
