/** All that a Snapshot in the object store holds, or a file or folder of it, for who brings it into a volume, and compares it with what is there then. What a driver keeps is in look/kept-content.ts. */
import { endOfTar, gnuEntry, paddingOf, tarEntry } from '../../base/tar.ts';
import type { TarEntry, TarType } from '../../base/tar.ts';
import { quote } from '../../machinery/errors.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import type { FileEntry } from '../../repository/reading/entries.ts';
import type { FileTree } from '../../repository/reading/file-tree.ts';
import { partsOf, pathText } from '../../repository/reading/paths.ts';
import type { TarContent } from '../../repository/reading/tar-of.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { openMovedTree } from '../snapshot/moved-tree.ts';
import { repositoryOf } from '../stores/stores.ts';
import { copiedTar, extentOf } from './copied-tar.ts';
import type { Extent } from './copied-tar.ts';
import { keyOf } from './copy-format.ts';
import type { EntryRecord } from './copy-format.ts';
import { openSnapshotCopy } from './snapshot-copies.ts';
import type { StoredCopy } from './stored-copy.ts';

export type VolumeContent = FilesContent | DeviceContent;

/** Of a volume of blocks. */
export interface DeviceContent {
  readonly is: 'device';
  readonly contentBytes: number;
  /** With all of it as one file. */
  tar(signal: AbortSignal): AsyncIterable<Uint8Array>;
  bytes(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface FilesContent {
  readonly is: 'files';
  /** How many bytes its files have, as far as that is known. */
  readonly contentBytes: number;
  /** How many files, folders and links there are; of all that a mover has copied, once all of the tar file was read. */
  readonly count: number;
  /** Whether GNU tar brings more of it than others: extended attributes, ACLs among them, and fractions of seconds. */
  readonly hasAttributes: boolean;
  /** Names begin with that of the file or folder; `last` comes behind all else. */
  tar(form: ContentForm, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** By the names of which a path in the tar file is made, which have a character for each byte; undefined where there is nothing. */
  find(names: readonly string[], signal: AbortSignal): Promise<Original | undefined>;
}

export interface ContentForm {
  /** Whether it is GNU tar that reads it; otherwise every one understands it. */
  readonly isGnu: boolean;
  /** Whether the root of the volume is in it. */
  readonly hasRoot: boolean;
  readonly last?: TarEntry;
}

/** Of a file with several names, the file itself. */
export interface Original {
  readonly type: TarType | 'socket';
  readonly size: number;
  readonly bytes: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

/** All of it. Rejects with a StoreError. */
export async function openContent(parts: EngineParts, snapshot: Snapshot, signal: AbortSignal): Promise<VolumeContent> {
  const { method, handle = '', bytesRead: contentBytes = 0 } = snapshot.status;
  if (method === 'Copy') return contentOfCopy(await openSnapshotCopy(parts, snapshot, signal), '', signal);
  const tree = await openMovedTree(parts, repositoryOf(snapshot), handle, signal);
  const root = await tree.entry('', signal);
  if (!root) throw new StoreDamaged(`the snapshot ${quote(handle)} of the repository has no volume`);
  // To count a million files takes half a minute: of all of them the status says what is needed before they come.
  return root.type === 'dir' ? new MovedFilesContent(tree, root, '', { contentBytes }) : new MovedDeviceContent(tree, root);
}

/** A file or folder of a volume with files. Rejects with a StoreError. */
export async function openFiles(parts: EngineParts, snapshot: Snapshot, path: string, signal: AbortSignal): Promise<FilesContent> {
  const { method, handle = '' } = snapshot.status;
  if (method === 'Copy') return contentOfCopy(await openSnapshotCopy(parts, snapshot, signal), path, signal);
  const tree = await openMovedTree(parts, repositoryOf(snapshot), handle, signal);
  const entry = (await tree.entry(path, signal)) ?? nothingAt(path);
  return new MovedFilesContent(tree, entry, path, await tree.contentOf(entry, pathText(partsOf(path)), signal));
}

export async function contentOfCopy(copy: StoredCopy, path: string, signal: AbortSignal): Promise<FilesContent> {
  const names = partsOf(path).map((name) => Buffer.from(name).toString('latin1'));
  const record = (await copy.find(keyOf(names), signal)) ?? nothingAt(path);
  return new CopiedFilesContent(copy, names, await extentOf(copy, record, names, signal));
}

function nothingAt(path: string): never {
  throw new StoreDamaged(`what was copied of the volume has no entry for ${quote(pathText(partsOf(path)))}`);
}

class CopiedFilesContent implements FilesContent {
  readonly is = 'files';
  readonly hasAttributes = false;
  readonly #copy: StoredCopy;
  readonly #names: readonly string[];
  readonly #extent: Extent;
  readonly count: number;
  readonly contentBytes: number;

  constructor(copy: StoredCopy, names: readonly string[], extent: Extent) {
    this.#copy = copy;
    this.#names = names;
    this.#extent = extent;
    this.count = extent.count;
    this.contentBytes = extent.contentBytes;
  }

  tar({ hasRoot, last }: ContentForm, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return copiedTar(this.#copy, this.#names, this.#extent, { write: gnuEntry, hasRoot, ...(last && { last }) }, signal);
  }

  async find(names: readonly string[], signal: AbortSignal): Promise<Original | undefined> {
    const found = await this.#copy.find(keyOf([...this.#names.slice(0, -1), ...names]), signal);
    return found && this.#original(await this.#followed(found, signal));
  }

  async #followed(record: EntryRecord, signal: AbortSignal): Promise<EntryRecord> {
    return record.type === 'link' ? ((await this.#copy.find(record.target ?? '', signal)) ?? record) : record;
  }

  #original({ type, size, at }: EntryRecord): Original {
    return { type, size, bytes: (signal) => this.#copy.bytes(at, size, signal) };
  }
}

class MovedDeviceContent implements DeviceContent {
  readonly is = 'device';
  readonly #tree: FileTree;
  readonly #file: FileEntry;

  constructor(tree: FileTree, file: FileEntry) {
    this.#tree = tree;
    this.#file = file;
  }

  get contentBytes(): number {
    return this.#file.size;
  }

  async *tar(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { size } = this.#file;
    yield gnuEntry({ path: Buffer.from('volume'), type: 'file', size, mode: 0o600, uid: 0, gid: 0, user: '', group: '', modified: 0 });
    yield* this.bytes(signal);
    yield new Uint8Array(paddingOf(size));
    yield endOfTar;
  }

  bytes(signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#tree.content(this.#file, '/', undefined, signal);
  }
}

type Known = Pick<TarContent, 'contentBytes'> & Partial<TarContent>;

class MovedFilesContent implements FilesContent {
  readonly is = 'files';
  readonly hasAttributes = true;
  readonly #tree: FileTree;
  readonly #entry: FileEntry;
  readonly #parts: readonly string[];
  readonly #counted: number | undefined;
  readonly contentBytes: number;
  #written = 0;

  /** Where `count` is not known, it is as many as were written last. */
  constructor(tree: FileTree, entry: FileEntry, path: string, { contentBytes, count }: Known) {
    this.#tree = tree;
    this.#entry = entry;
    this.#parts = partsOf(path);
    this.#counted = count;
    this.contentBytes = contentBytes;
  }

  get count(): number {
    return this.#counted ?? this.#written;
  }

  /** Owners are those of the numbers: names may be others in the image of tar. */
  tar({ isGnu, hasRoot, last }: ContentForm, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.#written = 0;
    const write = (entry: TarEntry) => {
      this.#written++;
      return isGnu ? tarEntry({ ...entry, user: '', group: '' }) : gnuEntry(entry);
    };
    return this.#tree.archive(this.#entry, pathText(this.#parts), { write, hasRoot, ...(last && { last }) }, signal);
  }

  async find(names: readonly string[], signal: AbortSignal): Promise<Original | undefined> {
    const path = pathText([...this.#parts.slice(0, -1), ...names.map((name) => Buffer.from(name, 'latin1').toString())]);
    const entry = await this.#tree.entry(path, signal);
    return entry && { type: entry.type, size: entry.size, bytes: (reading) => this.#tree.content(entry, path, undefined, reading) };
  }
}
