/** An index that is damaged while it is in use: nothing wrong is served, nothing wrong is written, and it is made anew. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { currentKey, versionKey } from '../../src/catalog/local-index/index-keys.ts';
import { levelFolder } from '../../src/catalog/local-index/level-kv.ts';
import { memoryStore } from '../../src/objectstore/memory.ts';
import { collect } from '../conformance/storage-samples.ts';
import { CatalogFixture } from './fixture.ts';

const signal = AbortSignal.any([]);
const key = { resource: 'widgets.example.com', namespace: 'ns', name: 'a' };

let fixture: CatalogFixture;
beforeEach(() => {
  fixture = new CatalogFixture();
});
afterEach(() => fixture.destroy());

async function damage(index: string, entry: string): Promise<void> {
  const db = new Level(await fixture.path(index));
  const kept = await db.get(entry);
  expect(kept).toContain('right');
  await db.put(entry, kept.replace('right', 'wrong'));
  await db.close();
}

async function written(objects: Map<string, Uint8Array>): Promise<void> {
  const catalog = await fixture.open(memoryStore(objects), { index: 'kept' });
  const rv = await catalog.write({ op: 'create', key, json: '{"is":"right"}' }, signal);
  await catalog.write({ op: 'update', key, json: '{"is":"right too"}', expect: rv }, signal);
  await catalog.close();
}

const ended = (catalog: Catalog) => catalog.ended.then(({ message }) => message);

describe('an entry that is not what was put', () => {
  it('is not served and not built upon, and ends the catalog; the next one is right', async () => {
    const objects = new Map<string, Uint8Array>();
    await written(objects);
    await damage('kept', currentKey(key));
    const catalog = await fixture.open(memoryStore(objects), { index: 'kept' });
    expect(() => catalog.peek(key)).toThrow('the index cannot be read: the entry');
    await expect(catalog.write({ op: 'update', key, json: '{}', expect: 3 }, signal)).rejects.toThrow('index');
    expect(await ended(catalog)).toContain('the index is damaged and is made anew');
    await catalog.close();
    const again = await fixture.open(memoryStore(objects), { index: 'kept' });
    expect((await again.get(key, signal))?.json).toBe('{"is":"right too"}');
    expect(await again.write({ op: 'update', key, json: '{"is":"new"}', expect: 3 }, signal)).toBe(4);
    expect((await (await fixture.open(memoryStore(objects))).get(key, signal))?.json).toBe('{"is":"new"}');
  });

  it('is not served out of history either', async () => {
    const objects = new Map<string, Uint8Array>();
    await written(objects);
    await damage('kept', versionKey(key, 2));
    const catalog = await fixture.open(memoryStore(objects), { index: 'kept' });
    const reading = async () => collect(await catalog.list({ resource: key.resource, at: { rv: 2, exact: true } }, signal));
    await expect(reading()).rejects.toThrow('index');
    expect(await ended(catalog)).toContain('the index is damaged');
    await catalog.close();
    const again = await fixture.open(memoryStore(objects), { index: 'kept' });
    expect((await collect(await again.list({ resource: key.resource, at: { rv: 2, exact: true } }, signal)))[0]?.json).toBe(
      '{"is":"right"}',
    );
  });

  it('is found wherever its bits are turned in the files of LevelDB', async () => {
    const folder = await fixture.path('bits');
    const kv = await levelFolder(folder).open();
    const text = 'x'.repeat(500);
    await kv.batch([{ type: 'put', key: 'k', value: text }], { durable: true });
    await kv.close();
    const table = (await readdir(folder)).find((name) => name.endsWith('.ldb')) ?? '';
    const bytes = await readFile(join(folder, table));
    let noticed = 0;
    for (let at = 0; at < 60; at += 3) {
      const turned = Buffer.from(bytes);
      turned[at] = (turned[at] ?? 0) ^ 1;
      await writeFile(join(folder, table), turned);
      const again = await levelFolder(folder).open();
      try {
        expect([undefined, text]).toContain(again.get('k'));
      } catch {
        noticed++;
      }
      await again.close();
    }
    expect(noticed).toBeGreaterThan(0);
  });
});
