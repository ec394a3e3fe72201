/** Archives of which nothing but the archive itself is left, or a part of it. */
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ArchiveReader, NewItem } from '../../../src/engine/archive/archive.ts';
import { parseKey } from '../../../src/engine/archive/item-key.ts';
import { salvage } from '../../../src/engine/archive/salvage.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { StoreDamaged } from '../../../src/objectstore/objectstore.ts';
import { changed } from '../../objectstore/changed.ts';
import { all, bytesOf, collect, folder, manyItems, never, newItem, openMemory, writeArchive } from './archives.ts';

const long = 'n'.repeat(253);
const large = newItem({
  name: 'large',
  content: Array.from({ length: 1_400_000 }, (_, n) => String.fromCharCode(32 + ((n * n) % 94))).join(''),
});
const items: readonly NewItem[] = [
  ...manyItems(300).map((item) => real(item, {})),
  real(newItem({ name: long, namespace: long }), {}),
  real(large, {}),
  real(newItem({ name: 'gear', resource: 'widgets', group: 'example.test', kind: 'Widget', version: 'v2', namespace: '' }), {}),
  ...manyItems(300, { resource: 'secrets', kind: 'Secret' }).map((item) => real(item, {})),
];

/** With a manifest that says what the item is, as those of a cluster do. */
function real(item: NewItem, more: object): NewItem {
  const { group, version, kind, uid, labels, name, namespace } = item;
  const metadata = { name, ...(namespace && { namespace }), uid, labels };
  const object = { apiVersion: group ? `${group}/${version}` : version, kind, metadata, ...more, content: bytesOf(item).toString() };
  return { ...item, manifest: [Buffer.from(JSON.stringify(object))] };
}

const key = `${folder}/archive.tar.gz`;
const salvaged = (bytes: Uint8Array) =>
  salvage(memoryStore(new Map([[key, bytes]])), folder, { store: memoryStore(), key: 'items' }, never);

/** Of the items that were written those that are found, each with the bytes that it had. */
async function foundIn(reader: ArchiveReader): Promise<Set<string>> {
  const found = new Set<string>();
  for (const resource of reader.resources().keys())
    for await (const { item, manifest } of reader.entries(resource, never)) {
      const written = items.find((one) => one.resource === item.resource && one.name === item.name);
      expect(Buffer.from(manifest).equals(bytesOf(written!)), item.name).toBe(true);
      found.add(`${item.resource}/${item.name}`);
    }
  return found;
}

/** The bytes of an archive of its own. */
async function archiveOf(items: readonly NewItem[]): Promise<Buffer> {
  const { store, objects } = openMemory();
  await writeArchive(store, items);
  return Buffer.from(objects.get(key)!);
}

describe('an archive alone', () => {
  let whole: Buffer;
  let written: ArchiveReader;

  beforeAll(async () => {
    const { store, objects } = openMemory();
    written = await writeArchive(store, items);
    whole = Buffer.from(objects.get(key)!);
  });

  it('has all that its list and its manifest say of it', async () => {
    const { reader, lost } = await salvaged(whole);
    expect(lost).toEqual([]);
    expect((await reader.items(all, never)).items).toEqual((await written.items(all, never)).items);
    expect(reader.resources()).toEqual(written.resources());
    expect(await foundIn(reader)).toEqual(await foundIn(written));
  });

  it('of which a part is other bytes, or zeros, or cut off, has all that lies outside of it, and says what cannot be read', async () => {
    const harms = fc.record({
      at: fc.nat({ max: whole.length - 1 }),
      length: fc.integer({ min: 1, max: 300_000 }),
      kind: fc.constantFrom('flipped', 'zeros', 'cut', 'left out'),
    });
    const records = (await collect(written.records('', '', never))).flat();
    await fc.assert(
      fc.asyncProperty(harms, async ({ at, length, kind }) => {
        const { reader, lost } = await salvaged(harmed(whole, at, length, kind));
        const found = await foundIn(reader);
        const end = kind === 'flipped' ? at + 1 : kind === 'cut' ? whole.length : at + length;
        const outside = records.filter(({ member: [offset, bytes] }) => offset + bytes <= at || offset >= end);
        for (const { key } of outside) expect(found, key).toContain(nameIn(key));
        if (found.size < records.length && kind !== 'cut' && kind !== 'left out') expect(lost).not.toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  it.each([0, 1, 2])('of which the store cannot read chunk %i has all that lies outside of it', async (chunk) => {
    const plain = memoryStore(new Map([[key, whole]]));
    const bad = { start: chunk << 16, end: (chunk + 1) << 16 };
    const store = changed(plain, {
      read: async (name, signal, range) => {
        const { start = 0, length = whole.length } = range ?? {};
        if (start < bad.end && start + length > bad.start)
          throw new StoreDamaged(`${name} is damaged: its chunk is not what was written there`);
        return plain.read(name, signal, range);
      },
    });
    const { reader, lost } = await salvage(store, folder, { store: memoryStore(), key: 'items' }, never);
    const found = await foundIn(reader);
    const records = (await collect(written.records('', '', never))).flat();
    const outside = records.filter(({ member: [offset, bytes] }) => offset + bytes <= bad.start || offset >= bad.end);
    for (const { key } of outside) expect(found, key).toContain(nameIn(key));
    expect(lost.length).toBeGreaterThan(0);
    expect(found.size).toBeLessThan(items.length);
  });

  it.each([0, 1])('of which a part is damaged believes no member that somebody has put into the content of an item (%i)', async (index) => {
    const forged = await archiveOf([
      real(newItem({ name: 'forged', group: 'rbac.authorization.k8s.io', resource: 'clusterroles', namespace: '' }), {}),
    ]);
    const records = (await collect(written.records('', '', never))).flat();
    const offsets = [...new Set(records.map(({ member: [offset] }) => offset))].sort((one, other) => one - other);
    const bytes = Buffer.from(whole);
    forged.copy(bytes, offsets[index]! + 500);
    const { reader, lost } = await salvaged(bytes);
    expect(lost).toHaveLength(1);
    expect([...reader.resources().keys()]).not.toContain('clusterroles.rbac.authorization.k8s.io');
    expect((await foundIn(reader)).size).toBeGreaterThan(items.length / 2);
  });

  it('is given up when it is told to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const store = memoryStore(new Map([[key, whole]]));
    await expect(salvage(store, folder, { store: memoryStore(), key: 'items' }, stop.signal)).rejects.toThrow('stopped');
  });

  it('of which nothing is left says so', async () => {
    await expect(salvage(memoryStore(), folder, { store: memoryStore(), key: 'items' }, never)).rejects.toThrow(`${key}: it is missing`);
    const { reader, lost } = await salvaged(Buffer.alloc(200_000, 7));
    expect(lost).toEqual([`200000 bytes at 0 of ${key} cannot be read`]);
    expect(reader.summary.items).toBe(0);
  });
});

/** Of a key, the resource and the name. */
function nameIn(key: string): string {
  const { resource, name } = parseKey(key);
  return `${resource}/${name}`;
}

function harmed(whole: Buffer, at: number, length: number, kind: string): Buffer {
  const bytes = Buffer.from(whole);
  const end = Math.min(at + length, bytes.length);
  if (kind === 'flipped') bytes[at]! ^= 0x10;
  if (kind === 'zeros') bytes.fill(0, at, end);
  if (kind === 'cut') return bytes.subarray(0, at);
  return kind === 'left out' ? Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]) : bytes;
}
