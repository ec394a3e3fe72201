/** Reads an archive that is complete: by manifest.json, then by range. */
import { createHash, hash } from 'node:crypto';
import type { ByteRange, ObjectStore } from '../../objectstore/objectstore.ts';
import type { ItemKey, ItemPage, ItemQuery } from '../../resources/services.ts';
import { ArchiveDamaged } from './archive.ts';
import type { ArchiveReader, ArchiveSummary } from './archive.ts';
import { manifestReader, readEntries, readManifest } from './entries.ts';
import type { Entry, OnDamage } from './entries.ts';
import { archiveFile, itemsFile, logFile, manifestFile } from './files.ts';
import { hasKey, keyOf } from './item-key.ts';
import { queryItems } from './item-query.ts';
import type { ItemRecord } from './item-record.ts';
import { openItems } from './items-reader.ts';
import type { Block } from './items-format.ts';
import type { ItemsReader } from './items-reader.ts';
import { decodeManifest } from './manifest.ts';
import type { FileSum, Manifest } from './manifest.ts';
import { storedFile } from './stored-file.ts';
import type { StoredFile } from './stored-file.ts';

/** Records that are read at first; more at a time as the reading goes on. */
const firstBatch = 500;

/** Reads the manifest alone; the rest when it is asked for. Rejects with StoreNotFound where there is no manifest. */
export async function openArchive(store: ObjectStore, folder: string, signal: AbortSignal): Promise<ArchiveReader> {
  const key = `${folder}/${manifestFile}`;
  const bytes = await store.read(key, signal);
  const manifest = decodeManifest(bytes, key);
  const file = (name: keyof Manifest['files']) => storedFile(store, `${folder}/${name}`, manifest.files[name].bytes);
  return readerOf({ archive: file(archiveFile), items: file(itemsFile), log: file(logFile) }, manifest, bytes.length);
}

export interface ArchiveFiles {
  readonly archive: StoredFile;
  readonly items: StoredFile;
  readonly log: StoredFile;
}

/** `manifestBytes`: what the manifest itself takes in the store. */
export const readerOf = (files: ArchiveFiles, manifest: Manifest, manifestBytes: number): ArchiveReader =>
  new FolderReader(files, manifest, manifestBytes);

class FolderReader implements ArchiveReader {
  readonly summary: ArchiveSummary;
  readonly #manifest: Manifest;
  readonly #archive: StoredFile;
  readonly #itemsFile: StoredFile;
  readonly #log: StoredFile;
  #items: ItemsReader | undefined;

  constructor(stored: ArchiveFiles, manifest: Manifest, manifestBytes: number) {
    const { files, items, contentBytes, formatVersion } = manifest;
    this.#manifest = manifest;
    this.#archive = stored.archive;
    this.#itemsFile = stored.items;
    this.#log = stored.log;
    const storedBytes = Object.values(files).reduce((sum, { bytes }) => sum + bytes, manifestBytes);
    this.summary = { key: this.#archive.key, ...files[archiveFile], items, contentBytes, formatVersion, storedBytes };
  }

  async stream(range: ByteRange | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.#archive.stream(range, signal);
    return range ? body : verified(body, this.#manifest.files[archiveFile], this.#archive.key);
  }

  async items(query: ItemQuery, signal: AbortSignal): Promise<ItemPage> {
    return queryItems(await this.#openItems(signal), query, signal);
  }

  async item(key: ItemKey, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (!hasKey(key)) return undefined;
    const items = await this.#openItems(signal);
    const record = await items.find(keyOf(key), signal);
    return record && readManifest(this.#archive, record, signal);
  }

  resources(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#manifest.resources));
  }

  async *entries(resource: string, signal: AbortSignal, onDamage?: OnDamage): AsyncIterable<Entry> {
    yield* readEntries(this.#archive, await this.#openItems(signal), resource, signal, onDamage);
  }

  async *records(prefix: string, after: string, signal: AbortSignal): AsyncIterable<readonly ItemRecord[]> {
    const items = await this.#openItems(signal);
    const mayHold = ({ first, last }: Block) => last > after && last >= prefix && (first <= prefix || first.startsWith(prefix));
    for await (const records of items.inOrder(mayHold, firstBatch, signal))
      yield records.filter(({ key }) => key > after && key.startsWith(prefix));
  }

  async namespaces(resource: string, signal: AbortSignal): Promise<readonly string[]> {
    return (await this.#openItems(signal)).namespaces(resource, signal);
  }

  manifests(): (record: ItemRecord, signal: AbortSignal) => Promise<Uint8Array> {
    return manifestReader(this.#archive);
  }

  async log(signal: AbortSignal): Promise<string> {
    const { bytes, sha256 } = this.#manifest.files[logFile];
    const text = await this.#log.read(0, bytes, signal);
    if (hash('sha256', text) !== sha256) throw new ArchiveDamaged(`${this.#log.key}: its bytes are not those that were written (sha256)`);
    return Buffer.from(text).toString();
  }

  async #openItems(signal: AbortSignal): Promise<ItemsReader> {
    this.#items ??= this.#checked(await openItems(this.#itemsFile, this.#manifest.items, signal));
    return this.#items;
  }

  #checked(items: ItemsReader): ItemsReader {
    const found = items.counts();
    const told = this.resources();
    const differs = [...new Set([...found.keys(), ...told.keys()])].find((resource) => found.get(resource) !== told.get(resource));
    if (differs === undefined) return items;
    const counts = `${found.get(differs) ?? 0} ${differs} instead of ${told.get(differs) ?? 0}`;
    throw new ArchiveDamaged(`${this.#itemsFile.key}: it has ${counts}, which ${manifestFile} names`);
  }
}

/** The same bytes; rejects at the end when they were not those that were written. */
async function* verified(body: AsyncIterable<Uint8Array>, { sha256 }: FileSum, key: string): AsyncIterable<Uint8Array> {
  const sum = createHash('sha256');
  for await (const piece of body) {
    sum.update(piece);
    yield piece;
  }
  if (sum.digest('hex') !== sha256) throw new ArchiveDamaged(`${key}: its bytes are not those that were written (sha256)`);
}
