/** The files of a Snapshot whose volume was copied. */
import { begun } from '../../base/pieces.ts';
import { tarEntry } from '../../base/tar.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import type { Download, FileList, FileQuery, SnapshotFile } from '../../resources/services.ts';
import { noContent, noContinuation } from '../snapshot/file-refusals.ts';
import { replaced, shownFile, shownTypes } from '../snapshot/shown-file.ts';
import type { VolumeTree } from '../snapshot/volume-tree.ts';
import { copiedTar, extentOf } from './copied-tar.ts';
import { childrenKey, keyOf, nameIn, sha256Of } from './copy-format.ts';
import type { EntryRecord } from './copy-format.ts';
import type { StoredCopy } from './stored-copy.ts';

/** As every download is written, whoever has copied the volume. */
const form = { write: tarEntry, hasRoot: false };

interface Found {
  readonly names: readonly string[];
  /** Of a file with several names the one that has its content. */
  readonly record: EntryRecord;
}

export class CopiedFiles implements VolumeTree {
  readonly #copy: StoredCopy;
  readonly #handle: string;

  constructor(copy: StoredCopy, handle: string) {
    this.#copy = copy;
    this.#handle = handle;
  }

  async entry(parts: readonly string[], signal: AbortSignal): Promise<SnapshotFile | undefined> {
    const found = await this.find(parts, signal);
    return found && fileOf(found.record, found.names);
  }

  async page(parts: readonly string[], query: FileQuery, signal: AbortSignal): Promise<FileList | undefined> {
    const found = await this.find(parts, signal);
    if (found?.record.type !== 'dir') return found && { items: [fileOf(found.record, found.names)], continue: '' };
    const prefix = childrenKey(found.names);
    const items: SnapshotFile[] = [];
    for await (const record of this.#copy.entries(prefix, firstOf(query.continue, prefix), signal)) {
      if (items.length === query.limit) return { items, continue: Buffer.from(record.key, 'latin1').toString('base64url') };
      items.push(fileOf(await this.#followed(record, signal), [...found.names, nameIn(record.key)]));
    }
    return { items, continue: '' };
  }

  async download(parts: readonly string[], signal: AbortSignal): Promise<Download | undefined> {
    const found = await this.find(parts, signal);
    if (!found) return undefined;
    const { names, record } = found;
    const name = shown(names.at(-1) ?? '');
    if (record.type === 'dir') return { name, file: undefined, read: async (_, reading) => begun(await this.#archive(found, reading)) };
    if (record.type !== 'file') throw noContent(pathOf(names), shownTypes[record.type]);
    const file = { size: record.size, tag: sha256Of(Buffer.from(`${this.#handle} ${record.at}`)) };
    const whole = { start: 0, length: record.size };
    const read: Download['read'] = async (range = whole, reading) =>
      begun(this.#copy.bytes(record.at + range.start, Math.min(range.length, record.size - range.start), reading));
    return { name, file, read };
  }

  /** What the names of a path lead to, as the volume has them; undefined where there is nothing. */
  async find(parts: readonly string[], signal: AbortSignal): Promise<Found | undefined> {
    const names: string[] = [];
    for (const part of parts) {
      const name = await this.#nameOf(names, part, signal);
      if (name === undefined) return undefined;
      names.push(name);
    }
    const record = await this.#copy.find(keyOf(names), signal);
    return record && { names, record: await this.#followed(record, signal) };
  }

  async #archive({ names, record }: Found, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    return copiedTar(this.#copy, names, await extentOf(this.#copy, record, names, signal), form, signal);
  }

  /** What is shown with U+FFFD is looked for among all that the folder holds. */
  async #nameOf(folder: readonly string[], part: string, signal: AbortSignal): Promise<string | undefined> {
    const name = Buffer.from(part).toString('latin1');
    if (!part.includes(replaced)) return name;
    const prefix = childrenKey(folder);
    for await (const { key } of this.#copy.entries(prefix, prefix, signal)) if (shown(nameIn(key)) === part) return nameIn(key);
    return undefined;
  }

  async #followed(record: EntryRecord, signal: AbortSignal): Promise<EntryRecord> {
    if (record.type !== 'link') return record;
    const first = await this.#copy.find(record.target ?? '', signal);
    if (!first || first.type === 'link') throw new StoreDamaged(`${shown(nameIn(record.key))}: it is another name of what is not there`);
    return { ...first, key: record.key };
  }
}

/** A copy never changes, so the key of an entry says where a page begins. */
function firstOf(token: string, prefix: string): string {
  if (token === '') return prefix;
  const key = Buffer.from(token, 'base64url').toString('latin1');
  if (key.startsWith(prefix)) return key;
  throw noContinuation();
}

const shown = (name: string) => Buffer.from(name, 'latin1').toString();
const pathOf = (names: readonly string[]) => `/${names.map(shown).join('/')}`;

function fileOf(record: EntryRecord, names: readonly string[]): SnapshotFile {
  const { target } = record;
  const name = shown(names.at(-1) ?? '');
  return shownFile({ ...record, name, path: pathOf(names), target: target === undefined ? undefined : shown(target) });
}
