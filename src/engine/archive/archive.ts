/**
 * What a backup leaves in the store, in one folder that no other run uses: `archive.tar.gz`, `items`, `log`, `manifest.json`
 * (written last: a folder without it is garbage). A restore leaves `results` and `log`. docs/format.md has every byte.
 */
import type { ByteRange } from '../../objectstore/objectstore.ts';
import type { Item, ItemKey, ItemPage, ItemQuery, ItemResult, ResultPage } from '../../resources/services.ts';
import type { ItemRecord } from './item-record.ts';

export interface NewItem extends ItemKey {
  readonly version: string;
  readonly kind: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** JSON in pieces, byte for byte as the cluster sent it, but for apiVersion and kind put in front where a list left them out. */
  readonly manifest: readonly Uint8Array[];
}

/** Streams items into the store in bounded memory. */
export interface ArchiveWriter {
  /** Resolves when there is room for the next one. Items of one resource come one after the other. */
  add(item: NewItem): Promise<void>;
  /** Bytes of manifests so far. */
  readonly contentBytes: number;
  /** Nothing more is added: resolves when all of it is stored, and held in memory no more. */
  seal(): Promise<void>;
  /** Writes what is left, the items file, the log and last the manifest. */
  finish(log: string): Promise<ArchiveSummary>;
  /** Stops writing and removes what was written, as far as it can. */
  abort(): Promise<void>;
}

export interface ArchiveSummary {
  /** Of archive.tar.gz. */
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly items: number;
  /** Of the manifests, before compression. */
  readonly contentBytes: number;
  readonly formatVersion: number;
  /** Of all files of the folder. */
  readonly storedBytes: number;
}

/** Reads what a writer left. Everything rejects with a StoreError, or with ArchiveDamaged where the bytes are not what was written. */
export interface ArchiveReader {
  readonly summary: ArchiveSummary;
  /** The file itself, or a part of it. */
  stream(range: ByteRange | undefined, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  items(query: ItemQuery, signal: AbortSignal): Promise<ItemPage>;
  item(key: ItemKey, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** How many items of each `plural.group` there are. */
  resources(): ReadonlyMap<string, number>;
  /** The items of one `plural.group` with their manifests, in the order of the archive, read by range in bounded memory. */
  entries(
    resource: string,
    signal: AbortSignal,
    /** Told of each item that cannot be read; without it the first such one ends the reading. */
    onDamage?: (item: Item, damage: ArchiveDamaged) => void,
  ): AsyncIterable<{ readonly item: Item; readonly manifest: Uint8Array }>;
  /** Records whose keys begin with `prefix` and lie behind `after`, in order of keys, in batches. */
  records(prefix: string, after: string, signal: AbortSignal): AsyncIterable<readonly ItemRecord[]>;
  /** Namespaces in which items of one `plural.group` lie, in order. */
  namespaces(resource: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Reads the manifests of records. Neighbours, asked one after the other, are read and expanded once. */
  manifests(): (record: ItemRecord, signal: AbortSignal) => Promise<Uint8Array>;
  log(signal: AbortSignal): Promise<string>;
}

/** Outcomes of a restore, in the order in which they came. */
export interface ResultsWriter {
  add(result: ItemResult): Promise<void>;
  finish(log: string): Promise<void>;
  abort(): Promise<void>;
}

export interface ResultsReader {
  page(query: { readonly limit: number; readonly continue: string; readonly outcome?: string }, signal: AbortSignal): Promise<ResultPage>;
  log(signal: AbortSignal): Promise<string>;
}

/** The stored bytes are not what was written: names the file and what is wrong with it. */
export class ArchiveDamaged extends Error {
  override readonly name: string = 'ArchiveDamaged';
}

/** Or they were written by a program that knows more than this one. */
export class FormatUnknown extends ArchiveDamaged {
  override readonly name = 'FormatUnknown';
}
