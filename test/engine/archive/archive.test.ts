import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { NewItem } from '../../../src/engine/archive/archive.ts';
import { randomIds } from '../../../src/base/ids.ts';
import { createArchiveWriter } from '../../../src/engine/archive/writer.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import { all, bytesOf, collect, folder, manyItems, never, newItem, openMemory, writeArchive } from './archives.ts';

const mixed: NewItem[] = [
  ...manyItems(300, { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace: 'foo' }),
  ...manyItems(300, { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace: 'foo-bar' }),
  newItem({ resource: 'namespaces', namespace: '', name: 'foo', kind: 'Namespace' }),
  ...manyItems(400),
  newItem({ name: 'zz-large', content: 'y'.repeat(300_000) }),
  newItem({ name: 'zz-small' }),
];
const keyOf = ({ group, resource, namespace, name }: NewItem) => [group, resource, namespace, name].join('|');
const textOf = async (body: AsyncIterable<Uint8Array>) => Buffer.concat(await collect(body));

describe('an archive', () => {
  it('gives back every item by its key, byte for byte', async () => {
    const { store } = openMemory();
    const reader = await writeArchive(store, mixed);
    for (const item of mixed) expect(await reader.item(item, never)).toEqual(bytesOf(item));
    expect(await reader.item({ ...mixed[0]!, name: 'absent' }, never)).toBeUndefined();
    expect(await reader.item({ ...mixed[0]!, namespace: '' }, never)).toBeUndefined();
    expect(await reader.log(never)).toBe('the log');
  });

  it('gives the entries of one resource in the order in which they came', async () => {
    const reader = await writeArchive(memoryStore(), mixed);
    const entries = await collect(reader.entries('deployments.apps', never));
    const expected = mixed.filter(({ resource }) => resource === 'deployments');
    expect(entries.map(({ item }) => keyOf({ ...expected[0]!, ...item }))).toEqual(expected.map(keyOf));
    expect(entries.every(({ manifest }, index) => Buffer.compare(manifest, bytesOf(expected[index]!)) === 0)).toBe(true);
    expect(await collect(reader.entries('secrets', never))).toEqual([]);
  });

  it('sums itself up', async () => {
    const { store, objects } = openMemory();
    const { summary, ...reader } = await writeArchive(store, mixed).then((reader) => ({
      summary: reader.summary,
      resources: reader.resources(),
    }));
    const bytes = objects.get(`${folder}/archive.tar.gz`)!;
    expect(summary).toEqual({
      key: `${folder}/archive.tar.gz`,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      items: mixed.length,
      contentBytes: mixed.reduce((sum, item) => sum + bytesOf(item).length, 0),
      formatVersion: 1,
      storedBytes: [...objects.values()].reduce((sum, file) => sum + file.length, 0),
    });
    expect([...reader.resources]).toEqual([
      ['deployments.apps', 600],
      ['namespaces', 1],
      ['configmaps', 402],
    ]);
  });

  it('costs one request for an item and one for a page, behind those that open it', async () => {
    const { store, reads } = openMemory();
    const reader = await writeArchive(store, mixed);
    await reader.items({ ...all, limit: 1 }, never);
    expect(reads.splice(0)).toEqual(['manifest.json', 'items', 'items']);
    await reader.item(mixed[450]!, never);
    expect(reads.splice(0)).toEqual(['items', 'archive.tar.gz']);
    await reader.items({ ...all, limit: 100 }, never);
    expect(reads.splice(0)).toEqual(['items']);
  });

  it('is the same bytes for the same items, but for the mark by which its members know each other', async () => {
    const ids = { hex: () => 'a1b2c3d4' };
    const [one, two] = await Promise.all([memoryStore(), memoryStore()].map((store) => writeArchive(store, mixed, ids)));
    expect(one?.summary).toEqual(two?.summary);
    const other = await writeArchive(memoryStore(), mixed);
    expect({ ...other.summary, sha256: '' }).toEqual({ ...one?.summary, sha256: '' });
    expect(other.summary.sha256).not.toBe(one?.summary.sha256);
  });

  it('streams as a whole and in part', async () => {
    const { store, objects } = openMemory();
    const reader = await writeArchive(store, mixed);
    const bytes = Buffer.from(objects.get(`${folder}/archive.tar.gz`)!);
    expect((await textOf(await reader.stream(undefined, never))).equals(bytes)).toBe(true);
    expect((await textOf(await reader.stream({ start: 10, length: 5 }, never))).equals(bytes.subarray(10, 15))).toBe(true);
    await expect(reader.stream({ start: bytes.length }, never)).rejects.toMatchObject({ name: 'StoreRange', size: bytes.length });
  });

  it('may be empty', async () => {
    const reader = await writeArchive(memoryStore(), []);
    expect(await reader.items(all, never)).toEqual({ items: [], continue: '' });
    expect(await reader.item(mixed[0]!, never)).toBeUndefined();
    expect(execFileSync('tar', ['tzf', '-'], { input: await textOf(await reader.stream(undefined, never)) }).toString()).toBe('');
  });

  it.each(['..', 'a/b', ''])('takes no item of the name %j', async (name) => {
    const writer = await createArchiveWriter(memoryStore(), folder, randomIds, never);
    await expect(writer.add(newItem({ name }))).rejects.toThrow('cannot be part of a path');
    await writer.abort();
  });

  it.each(['..', 'a/b', '', '\0'])('holds no item of the name %j', async (name) => {
    const reader = await writeArchive(memoryStore(), mixed);
    expect(await reader.item({ ...mixed[0]!, name }, never)).toBeUndefined();
    expect(await reader.item({ ...mixed[0]!, group: 'a', resource: name }, never)).toBeUndefined();
  });
});

describe('items', () => {
  const pagesOf = async (items: readonly NewItem[], query: object, limit: number) => {
    const reader = await writeArchive(memoryStore(), items);
    const names: string[] = [];
    let token = '';
    do {
      const page = await reader.items({ ...all, ...query, limit, continue: token }, never);
      expect(page.items.length).toBeLessThanOrEqual(limit);
      names.push(...page.items.map(({ namespace, name }) => `${namespace}/${name}`));
      token = page.continue;
    } while (token);
    return names;
  };
  const namesOf = (items: readonly NewItem[]) => items.map(({ namespace, name }) => `${namespace}/${name}`);

  it('come in order of their keys, whatever the order in which they were written', async () => {
    const shuffled = manyItems(900).sort((left, right) => (bytesOf(left).length % 7) - (bytesOf(right).length % 7));
    expect(await pagesOf(shuffled, {}, 100)).toEqual(namesOf(manyItems(900)));
    const names = await pagesOf(mixed, { group: 'apps', resource: 'deployments' }, 70);
    expect(names).toEqual(namesOf(mixed.slice(0, 600)).sort());
  });

  it.each([
    [{ namespace: 'foo' }, 300],
    [{ namespace: '' }, 1],
    [{ group: 'apps' }, 600],
    [{ group: '' }, 403],
    [{ resource: 'configmaps', namespace: 'x' }, 402],
    [{ group: 'apps', resource: 'deployments', namespace: 'foo-bar', name: 'item-00007' }, 1],
    [{ labelSelector: 'parity=odd,parity!=even' }, 500],
    [{ labelSelector: 'parity=odd', namespace: 'foo' }, 150],
    [{ resource: 'secrets' }, 0],
  ])('are chosen by %j', async (query, count) => {
    expect(await pagesOf(mixed, query, 50)).toHaveLength(count);
    expect(await pagesOf(mixed, query, 10_000)).toHaveLength(count);
  });

  it('tell what they are', async () => {
    const item = newItem({ name: 'a', group: 'g.example.com', resource: 'things', namespace: '', labels: { a: 'ü' }, uid: 'u-1' });
    const { items } = await (await writeArchive(memoryStore(), [item])).items(all, never);
    const sha256 = createHash('sha256').update(bytesOf(item)).digest('hex');
    const { manifest: _, ...rest } = item;
    expect(items).toEqual([{ ...rest, bytes: bytesOf(item).length, sha256 }]);
  });

  it.each([{ labelSelector: 'a in' }, { continue: 'nonsense' }])('refuse %j', async (query) => {
    const reader = await writeArchive(memoryStore(), mixed.slice(0, 3));
    await expect(reader.items({ ...all, ...query }, never)).rejects.toMatchObject({ name: 'ApiError' });
  });
});
