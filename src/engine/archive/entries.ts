/** Reading manifests out of the archive: one, or all of a resource in the order in which they lie there. */
import { hash } from 'node:crypto';
import type { Item } from '../../resources/services.ts';
import { ArchiveDamaged } from './archive.ts';
import { expand } from './compression.ts';
import { itemOf } from './item-record.ts';
import type { ItemRecord } from './item-record.ts';
import type { ItemsReader } from './items-reader.ts';
import type { StoredFile } from './stored-file.ts';

export interface Entry {
  readonly item: Item;
  readonly manifest: Uint8Array;
}

/** Told of an item that cannot be read; without one, the first such item ends the reading. */
export type OnDamage = (item: Item, damage: ArchiveDamaged) => void;

/** What is read in one request, and so about what is in memory. A single member may be larger. */
const longestSpan = 1 << 20;

/** Rejects with ArchiveDamaged when the bytes are not those that were written. */
export async function readManifest(archive: StoredFile, record: ItemRecord, signal: AbortSignal): Promise<Uint8Array> {
  const [offset, length] = record.member;
  return cut(archive, record, await expandMember(archive, offset, await archive.read(offset, length, signal)));
}

/** As readManifest, for one record after the other: the last member stays expanded for its neighbours. */
export function manifestReader(archive: StoredFile): (record: ItemRecord, signal: AbortSignal) => Promise<Uint8Array> {
  let known: { readonly offset: number; readonly raw: Buffer } | undefined;
  return async (record, signal) => {
    const [offset, length] = record.member;
    if (known?.offset !== offset) known = { offset, raw: await expandMember(archive, offset, await archive.read(offset, length, signal)) };
    return cut(archive, record, known.raw);
  };
}

export async function* readEntries(
  archive: StoredFile,
  items: ItemsReader,
  resource: string,
  signal: AbortSignal,
  onDamage?: OnDamage,
): AsyncIterable<Entry> {
  for await (const records of items.inArchiveOrder(resource, signal))
    for (const span of spansOf(records)) yield* readSpan(archive, span, signal, onDamage);
}

async function* readSpan(
  archive: StoredFile,
  span: readonly ItemRecord[],
  signal: AbortSignal,
  onDamage: OnDamage | undefined,
): AsyncIterable<Entry> {
  const { start, end } = boundsOf(span);
  const bytes = await archive.read(start, end - start, signal).catch((error: unknown) => {
    if (!onDamage || !(error instanceof ArchiveDamaged)) throw error;
  });
  if (bytes) yield* cutSpan(archive, span, start, bytes, onDamage);
  else if (onDamage) yield* readOneByOne(archive, span, signal, onDamage);
}

/** For a part of an archive that ends too early: what lies before its end can still be had. */
async function* readOneByOne(
  archive: StoredFile,
  records: readonly ItemRecord[],
  signal: AbortSignal,
  onDamage: OnDamage,
): AsyncIterable<Entry> {
  for (const record of records) {
    const manifest = await readManifest(archive, record, signal).catch(reportTo(onDamage, record));
    if (manifest) yield { item: itemOf(record), manifest };
  }
}

async function* cutSpan(
  archive: StoredFile,
  span: readonly ItemRecord[],
  start: number,
  bytes: Uint8Array,
  onDamage: OnDamage | undefined,
): AsyncIterable<Entry> {
  let known: { readonly offset: number; readonly raw: Promise<Buffer> } | undefined;
  for (const record of span) {
    const [offset, length] = record.member;
    if (known?.offset !== offset)
      known = { offset, raw: expandMember(archive, offset, bytes.subarray(offset - start, offset - start + length)) };
    const manifest = await known.raw.then((raw) => cut(archive, record, raw)).catch(reportTo(onDamage, record));
    if (manifest) yield { item: itemOf(record), manifest };
  }
}

function reportTo(onDamage: OnDamage | undefined, record: ItemRecord): (error: unknown) => undefined {
  return (error) => {
    if (!onDamage || !(error instanceof ArchiveDamaged)) throw error;
    onDamage(itemOf(record), error);
  };
}

function expandMember(archive: StoredFile, offset: number, bytes: Uint8Array): Promise<Buffer> {
  return expand(bytes, `${archive.key}: member at ${offset}`);
}

function cut(archive: StoredFile, { key, at, bytes, sha256 }: ItemRecord, raw: Uint8Array): Uint8Array {
  const manifest = raw.subarray(at, at + bytes);
  if (manifest.length !== bytes || hash('sha256', manifest) !== sha256)
    throw new ArchiveDamaged(`${archive.key}: the bytes of ${key} are not those that were written (sha256)`);
  return manifest;
}

/** Records whose members lie close enough to be read at once. They come in the order of the archive. */
function spansOf(records: readonly ItemRecord[]): ItemRecord[][] {
  const spans: ItemRecord[][] = [];
  for (const record of records) {
    const span = spans.at(-1);
    const first = span?.[0];
    if (span && first && record.member[0] + record.member[1] - first.member[0] <= longestSpan) span.push(record);
    else spans.push([record]);
  }
  return spans;
}

function boundsOf(span: readonly ItemRecord[]): { readonly start: number; readonly end: number } {
  const [start] = span[0]?.member ?? [0];
  const [offset, length] = span.at(-1)?.member ?? [0, 0];
  return { start, end: offset + length };
}
