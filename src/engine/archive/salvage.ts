/**
 * Reads an archive of which the items file or the manifest is lost, or says what cannot be: the archive is gone through from its first byte to its last,
 * and an items file is made of it anew, elsewhere.
 */
import { hash } from 'node:crypto';
import { parseExactly } from '../../base/exact-json.ts';
import { TarScanner } from '../../base/tar-scanner.ts';
import type { ScannedEntry } from '../../base/tar-scanner.ts';
import { TarFault } from '../../base/tar-scanner.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { ArchiveDamaged } from './archive.ts';
import type { ArchiveReader } from './archive.ts';
import { archiveFile, itemsFile, logFile } from './files.ts';
import { hasKey, keyOf, parseKey } from './item-key.ts';
import type { ItemRecord } from './item-record.ts';
import { ItemsWriter } from './items-writer.ts';
import { formatVersion } from './manifest.ts';
import { membersIn } from './member-walk.ts';
import type { FoundMember } from './member-walk.ts';
import { readerOf } from './reader.ts';
import { storedFile } from './stored-file.ts';

export interface Salvaged {
  readonly reader: ArchiveReader;
  /** Parts of the archive that cannot be read, in words: what they held is not among the items. */
  readonly lost: readonly string[];
}

/** Where the new items file goes: a key that nobody else uses. */
export interface Scratch {
  readonly store: ObjectStore;
  readonly key: string;
}

/** Of the folder of a Backup. Rejects with ArchiveDamaged where there is no archive. */
export async function salvage(store: ObjectStore, folder: string, scratch: Scratch, signal: AbortSignal): Promise<Salvaged> {
  const key = `${folder}/${archiveFile}`;
  const size = await store.size(key, signal);
  if (size === undefined) throw new ArchiveDamaged(`${key}: it is missing`);
  const archive = storedFile(store, key, size);
  const items = new ItemsWriter(scratch.store, scratch.key, signal);
  const counts = new Counts();
  const lost = new Lost();
  try {
    for await (const found of membersIn(archive, signal)) {
      const records = found.raw && recordsIn(found);
      if (!records) lost.add(`${found.length} bytes at ${found.offset} of ${key} cannot be read`);
      for (const record of records ?? []) {
        counts.add(record);
        await items.add(record);
      }
    }
  } catch (error) {
    items.fail(error);
    throw error;
  }
  const written = await items.finish();
  const none = { bytes: 0, sha256: '' };
  const files = { [archiveFile]: { ...none, bytes: size }, [itemsFile]: written, [logFile]: none };
  const manifest = { formatVersion, features: [], files, ...counts.all };
  const itemsAnew = storedFile(scratch.store, scratch.key, written.bytes);
  return {
    reader: readerOf({ archive, items: itemsAnew, log: storedFile(store, `${folder}/${logFile}`, 0) }, manifest, 0),
    lost: lost.texts,
  };
}

/** Of so many it is told which they are. */
const mostTold = 100;

class Lost {
  readonly #told: string[] = [];
  #more = 0;

  add(text: string): void {
    if (this.#told.length < mostTold) this.#told.push(text);
    else this.#more += 1;
  }

  get texts(): readonly string[] {
    return this.#more > 0 ? [...this.#told, `and so it is with ${this.#more} more parts of it`] : this.#told;
  }
}

class Counts {
  #items = 0;
  #contentBytes = 0;
  readonly #resources = new Map<string, number>();

  add({ key, bytes }: ItemRecord): void {
    const resource = key.slice(0, key.indexOf('/'));
    this.#items += 1;
    this.#contentBytes += bytes;
    this.#resources.set(resource, (this.#resources.get(resource) ?? 0) + 1);
  }

  get all() {
    return { items: this.#items, contentBytes: this.#contentBytes, resources: Object.fromEntries(this.#resources) };
  }
}

/** Undefined where they are no part of a tar file. */
function recordsIn(member: FoundMember): ItemRecord[] | undefined {
  const entries: ScannedEntry[] = [];
  try {
    new TarScanner({ entry: (entry) => void entries.push(entry) }).push(member.raw);
  } catch (error) {
    if (error instanceof TarFault) return undefined;
    throw error;
  }
  return entries.flatMap((entry) => recordOf(member, entry) ?? []);
}

const pathPattern = /^resources\/(.+)\.json$/s;

/** Undefined for what is no item: an item is an object under its own name. */
function recordOf({ offset, length, raw }: FoundMember, { path, at, size }: ScannedEntry): ItemRecord | undefined {
  const [, key = ''] = pathPattern.exec(path.toString()) ?? [];
  const content = raw.subarray(at, at + size);
  const object = content.length === size ? fieldsOf(parsed(content)) : {};
  if (!isNamed(object, key)) return undefined;
  return { key, ...descriptionOf(object), bytes: size, sha256: hash('sha256', content), member: [offset, length], at };
}

function isNamed({ metadata }: Fields, key: string): boolean {
  const { name, namespace = '' } = fieldsOf(metadata);
  const item = parseKey(key);
  return hasKey(item) && keyOf(item) === key && name === item.name && namespace === item.namespace;
}

function descriptionOf({ apiVersion, kind, metadata }: Fields): Pick<ItemRecord, 'version' | 'kind' | 'uid' | 'labels'> {
  const { uid, labels } = fieldsOf(metadata);
  const version = (textOf(apiVersion) ?? '').split('/').at(-1) ?? '';
  return { version, kind: textOf(kind) ?? '', uid: textOf(uid) ?? '', labels: fieldsOf(labels) as ItemRecord['labels'] };
}

function parsed(content: Buffer): unknown {
  try {
    return parseExactly(content.toString());
  } catch {
    return undefined;
  }
}
