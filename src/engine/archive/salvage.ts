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
  const lost: string[] = [];
  try {
    for await (const { offset, length, raw } of membersIn(archive, signal)) {
      const records = raw && recordsIn({ offset, length, raw });
      if (!records) lost.push(`${length} bytes at ${offset} of ${key} cannot be read`);
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
  return { reader: readerOf({ archive, items: itemsAnew, log: storedFile(store, `${folder}/${logFile}`, 0) }, manifest, 0), lost };
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

const pathPattern = /^resources\/(.+)\.json$/;

/** Undefined for what is no item. */
function recordOf({ offset, length, raw }: FoundMember, { path, at, size }: ScannedEntry): ItemRecord | undefined {
  const [, key = ''] = pathPattern.exec(path.toString()) ?? [];
  const content = raw.subarray(at, at + size);
  const object = content.length === size ? parsed(content) : undefined;
  if (!object || !hasKey(parseKey(key)) || keyOf(parseKey(key)) !== key) return undefined;
  const { apiVersion, kind, metadata } = fieldsOf(object);
  const { uid, labels } = fieldsOf(metadata);
  const version = (textOf(apiVersion) ?? '').split('/').at(-1) ?? '';
  return {
    key,
    version,
    kind: textOf(kind) ?? '',
    uid: textOf(uid) ?? '',
    labels: fieldsOf(labels) as ItemRecord['labels'],
    bytes: size,
    sha256: hash('sha256', content),
    member: [offset, length],
    at,
  };
}

function parsed(content: Buffer): unknown {
  try {
    return parseExactly(content.toString());
  } catch {
    return undefined;
  }
}
