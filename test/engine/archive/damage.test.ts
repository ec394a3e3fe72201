import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ArchiveDamaged } from '../../../src/engine/archive/archive.ts';
import { decodeFooter, encodeFooter, footerBytes } from '../../../src/engine/archive/items-format.ts';
import type { Block } from '../../../src/engine/archive/items-format.ts';
import type { Manifest } from '../../../src/engine/archive/manifest.ts';
import { openArchive } from '../../../src/engine/archive/reader.ts';
import { StoreDamaged } from '../../../src/objectstore/objectstore.ts';
import type { Item } from '../../../src/resources/services.ts';
import { changed } from '../../objectstore/changed.ts';
import { all, bytesOf, collect, folder, manyItems, never, openMemory, writeArchive } from './archives.ts';

const items = manyItems(600);
const first = items[0]!;
const last = items.at(-1)!;
const archive = `${folder}/archive.tar.gz`;

async function damaged(file: string, edit: ((bytes: Buffer) => Uint8Array) | undefined) {
  const { store, change, objects } = openMemory();
  await writeArchive(store, items);
  if (edit) change(file, edit);
  else objects.delete(`${folder}/${file}`);
  return store;
}
const damage = (message: string) => expect.objectContaining({ name: 'ArchiveDamaged', message: expect.stringContaining(message) });
const flip = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 0x10;
  return bytes;
};
const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2);

describe('a damaged archive', () => {
  it('whose member has a flipped byte loses the items of that member alone', async () => {
    const reader = await openArchive(await damaged('archive.tar.gz', flip(200)), folder, never);
    await expect(reader.item(first, never)).rejects.toEqual(damage(`${archive}: member at 0`));
    expect(await reader.item(last, never)).toEqual(bytesOf(last));
    await expect(collect(reader.entries('configmaps', never))).rejects.toEqual(damage(archive));
    const lost: [Item, ArchiveDamaged][] = [];
    const kept = await collect(reader.entries('configmaps', never, (...found) => lost.push(found)));
    expect(lost.length).toBeGreaterThan(0);
    expect(kept.length + lost.length).toBe(items.length);
    expect(kept.at(-1)?.item.name).toBe(last.name);
  });

  it('that was cut off keeps what lies before its end', async () => {
    const reader = await openArchive(await damaged('archive.tar.gz', half), folder, never);
    expect(await reader.item(first, never)).toEqual(bytesOf(first));
    await expect(reader.item(last, never)).rejects.toEqual(damage(archive));
    await expect(reader.stream(undefined, never)).rejects.toEqual(damage('bytes instead of'));
    const lost: Item[] = [];
    const kept = await collect(reader.entries('configmaps', never, (item) => lost.push(item)));
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.length + lost.length).toBe(items.length);
  });

  it('is noticed at the end of the whole stream', async () => {
    const reader = await openArchive(await damaged('archive.tar.gz', flip(-5)), folder, never);
    await expect(collect(await reader.stream(undefined, never))).rejects.toEqual(damage(`${archive}: its bytes are not those`));
  });

  it.each([
    ['archive.tar.gz', undefined, 'it is missing'],
    ['archive.tar.gz', (bytes: Buffer) => Buffer.concat([bytes, bytes]), ''],
    ['items', undefined, 'items: it is missing'],
    ['items', flip(-1), 'does not end as an items file does'],
    ['items', flip(-10), 'does not end as an items file does'],
    ['items', flip(-40), 'items: index'],
    ['items', flip(100), 'items: block at 0'],
    ['items', half, 'items: it '],
    ['items', (bytes: Buffer) => bytes.subarray(0, 10), 'items: it '],
  ] as const)('names %s and the fault', async (file, edit, message) => {
    const reader = await openArchive(await damaged(file, edit), folder, never);
    const reading = async () => {
      await reader.item(first, never);
      await reader.stream(undefined, never);
    };
    await expect(reading()).rejects.toEqual(damage(message));
  });

  it('whose items file tells of other bytes than there are names the item', async () => {
    const { store, change } = openMemory();
    await writeArchive(store, [first, last]);
    let size = 0;
    change('items', (bytes) => {
      const { indexOffset, indexLength } = decodeFooter(bytes.subarray(-footerBytes), bytes.length)!;
      const [block] = JSON.parse(gunzipSync(bytes.subarray(indexOffset, indexOffset + indexLength)).toString()) as Block[];
      const lines = gunzipSync(bytes.subarray(0, block!.length)).toString();
      const changed = gzipSync(lines.replace(/"sha256":"../, '"sha256":"zz'));
      const index = gzipSync(JSON.stringify([{ ...block, length: changed.length }]));
      const whole = Buffer.concat([changed, index, encodeFooter({ indexOffset: changed.length, indexLength: index.length })]);
      size = whole.length;
      return whole;
    });
    change('manifest.json', (bytes) => {
      const manifest = JSON.parse(bytes.toString()) as Manifest;
      return Buffer.from(JSON.stringify({ ...manifest, files: { ...manifest.files, items: { ...manifest.files.items, bytes: size } } }));
    });
    const reader = await openArchive(store, folder, never);
    await expect(reader.item(first, never)).rejects.toEqual(damage('the bytes of configmaps/namespaces/x/item-00000 are not those'));
    expect(await reader.item(last, never)).toEqual(bytesOf(last));
  });

  it('of which the store itself says that a part is damaged loses the items of that part alone', async () => {
    const { store } = openMemory();
    await writeArchive(store, items);
    const bad = changed(store, {
      read: async (key, signal, range) => {
        const { start = 0 } = range ?? {};
        if (key === archive && start === 0) throw new StoreDamaged(`${key} is damaged: its chunk 0 is not what was written there`);
        return store.read(key, signal, range);
      },
    });
    const lost: Item[] = [];
    const reader = await openArchive(bad, folder, never);
    const kept = await collect(reader.entries('configmaps', never, (item) => lost.push(item)));
    expect(lost.length).toBeGreaterThan(0);
    expect(kept.length + lost.length).toBe(items.length);
    expect(kept.length).toBeGreaterThan(0);
  });

  it('names a log that is not the one that was written', async () => {
    const reader = await openArchive(await damaged('log', flip(0)), folder, never);
    await expect(reader.log(never)).rejects.toEqual(damage(`${folder}/log`));
  });
});

describe('a manifest that is not right', () => {
  const lie = (change: object) => (bytes: Buffer) => Buffer.from(JSON.stringify({ ...JSON.parse(bytes.toString()), ...change }));

  it.each([
    [half, 'not JSON'],
    [() => Buffer.from('[]'), 'format version'],
    [() => Buffer.from('null'), 'not a JSON object'],
    [lie({ formatVersion: '1' }), 'it names no format version'],
    [lie({ files: {} }), 'fields are missing'],
    [lie({ resources: undefined }), 'fields are missing'],
    [lie({ items: 599 }), 'do not add up to 599'],
  ])('is refused (%#)', async (edit, message) => {
    const store = await damaged('manifest.json', edit);
    await expect(openArchive(store, folder, never)).rejects.toEqual(damage(message));
  });

  it.each([
    [lie({ formatVersion: 2 }), 'format version 2'],
    [lie({ features: ['encrypted'] }), 'needs features that this program lacks: ["encrypted"]'],
  ])('of a program that knows more is told from one that is damaged (%#)', async (edit, message) => {
    const store = await damaged('manifest.json', edit);
    await expect(openArchive(store, folder, never)).rejects.toEqual(
      expect.objectContaining({ name: 'FormatUnknown', message: expect.stringContaining(message) }),
    );
  });

  it('that counts otherwise than the items file is noticed', async () => {
    const store = await damaged('manifest.json', lie({ resources: { secrets: 600 } }));
    const reader = await openArchive(store, folder, never);
    await expect(reader.items(all, never)).rejects.toEqual(damage('600 configmaps instead of 0'));
  });

  it('is missing: then there is no archive', async () => {
    await expect(openArchive(await damaged('manifest.json', undefined), folder, never)).rejects.toMatchObject({ name: 'StoreNotFound' });
  });
});
