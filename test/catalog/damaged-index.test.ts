/** An index that is damaged while it is in use: nothing wrong is served, nothing wrong is written, and it is made anew. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.ts';
import { packBlock } from '../../src/catalog/local-index/block.ts';
import { KvDamaged } from '../../src/catalog/local-index/kv.ts';
import { currentKey, lineOf, versionKey } from '../../src/catalog/local-index/index-keys.ts';
import { indexHome } from '../../src/catalog/local-index/index-home.ts';
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
  const db = new Level(join(await fixture.path(index), 'changes'));
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
    const kv = await indexHome(folder).open();
    const text = 'x'.repeat(500);
    await kv.batch([{ type: 'put', key: 'k', value: text }], { durable: true });
    await kv.close();
    const changes = join(folder, 'changes');
    const table = (await readdir(changes)).find((name) => name.endsWith('.ldb')) ?? '';
    const bytes = await readFile(join(changes, table));
    let noticed = 0;
    for (let at = 0; at < 60; at += 3) {
      const turned = Buffer.from(bytes);
      turned[at] = (turned[at] ?? 0) ^ 1;
      await writeFile(join(changes, table), turned);
      const again = await indexHome(folder).open();
      try {
        expect([undefined, text]).toContain(again.get('k'));
      } catch {
        noticed++;
      }
      await again.close();
    }
    expect(noticed).toBeGreaterThan(0);
  });

  it('is found wherever a bit is turned in the blocks of a checkpoint', async () => {
    const folder = await fixture.path('blocks');
    const filled = await indexHome(folder).open();
    const filling = await filled.fill();
    const lines = Buffer.from(lineOf('c\0r\0n\0a', `2\0${'x'.repeat(500)}`));
    await filling.add(await packBlock(lines), lines);
    await filling.end();
    await filled.close();
    const whole = await readFile(join(folder, 'blocks'));
    for (let bit = 0; bit < whole.length * 8; bit += 5) {
      const turned = Buffer.from(whole);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      await writeFile(join(folder, 'blocks'), turned);
      const opened = await indexHome(folder)
        .open()
        .catch((error: unknown) => error as Error);
      if (opened instanceof Error) {
        if (!(opened instanceof KvDamaged)) throw opened;
        continue;
      }
      expect(() => opened.get('c\0r\0n\0a'), `bit ${bit}`).toThrow(KvDamaged);
      await expect(opened.entries({ gte: 'c', lt: 'd' }).next()).rejects.toBeInstanceOf(KvDamaged);
      expect(await opened.damage).toBeInstanceOf(KvDamaged);
      await opened.close();
    }
  });
});
