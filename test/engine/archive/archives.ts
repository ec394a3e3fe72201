/** Archives for tests: items, a store that counts what is read, and ways to damage what is stored. */
import { randomIds } from '../../../src/base/ids.ts';
import type { Ids } from '../../../src/base/ids.ts';
import type { ArchiveReader, NewItem } from '../../../src/engine/archive/archive.ts';
import { openArchive } from '../../../src/engine/archive/reader.ts';
import { createArchiveWriter } from '../../../src/engine/archive/writer.ts';
import { memoryStore } from '../../../src/objectstore/memory.ts';
import type { ObjectStore } from '../../../src/objectstore/objectstore.ts';
import type { ItemQuery } from '../../../src/resources/services.ts';
import { changed } from '../../objectstore/changed.ts';

export const never = new AbortController().signal;
export const folder = 'd/cluster/backups/1';
export const all: ItemQuery = { limit: 10_000, continue: '', labelSelector: '' };

export function newItem(given: Partial<NewItem> & { readonly name: string; readonly content?: string }): NewItem {
  const { content = `content of ${given.name}`, ...rest } = given;
  const manifest = [Buffer.from(JSON.stringify({ metadata: { name: given.name, namespace: given.namespace }, content }))];
  return { group: '', resource: 'configmaps', namespace: 'x', version: 'v1', kind: 'ConfigMap', uid: 'u', labels: {}, manifest, ...rest };
}

/** The bytes of an item, as they are read back. */
export const bytesOf = ({ manifest }: NewItem): Buffer => Buffer.concat(manifest);

/** `count` items `PREFIX00000`, `PREFIX00001` …, whose manifests hardly compress. */
export function manyItems(count: number, given: Partial<NewItem> = {}, prefix = 'item-'): NewItem[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${prefix}${String(index).padStart(5, '0')}`;
    return newItem({ ...given, name, uid: `uid-${index}`, labels: { parity: index % 2 ? 'odd' : 'even' }, content: noise(index) });
  });
}

export async function writeArchive(
  store: ObjectStore,
  items: readonly NewItem[],
  ids: Pick<Ids, 'hex'> = randomIds,
): Promise<ArchiveReader> {
  const writer = await createArchiveWriter(store, folder, ids, never);
  for (const item of items) await writer.add(item);
  await writer.finish('the log');
  return openArchive(store, folder, never);
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** A memory store with its objects, and the names of the files that were read from, one for each request. */
export function openMemory() {
  const objects = new Map<string, Uint8Array>();
  const store = memoryStore(objects);
  const reads: string[] = [];
  const counted = changed(store, {
    read: (key, ...given) => {
      reads.push(key.slice(folder.length + 1));
      return store.read(key, ...given);
    },
  });
  const change = (file: string, edit: (bytes: Buffer) => Uint8Array) => {
    const key = `${folder}/${file}`;
    objects.set(key, edit(Buffer.from(objects.get(key) ?? [])));
  };
  return { objects, store: counted, reads, change };
}

/** Text that differs from index to index and does not compress well. */
function noise(index: number): string {
  let state = index + 1;
  const words = Array.from({ length: 60 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state.toString(36);
  });
  return words.join('');
}
