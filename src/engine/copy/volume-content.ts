/** All that a Snapshot in the object store holds, for who brings it into a volume, and compares it with what is there then. */
import { endOfTar, gnuEntry, paddingOf, tarEntry } from '../../base/tar.ts';
import type { TarEntry, TarType } from '../../base/tar.ts';
import { quote } from '../../machinery/errors.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import type { FileEntry } from '../../repository/reading/entries.ts';
import type { FileTree } from '../../repository/reading/file-tree.ts';
import { pathText } from '../../repository/reading/paths.ts';
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
  /** How many files, folders and links there are, once all of the tar file was read. */
  readonly count: number;
  /** Whether GNU tar brings more of it than others: extended attributes, ACLs among them, and fractions of seconds. */
  readonly hasAttributes: boolean;
  /** As GNU tar understands it, or every one. */
  tar(isGnu: boolean, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** By the names of which a path is made, which have a character for each byte; undefined where there is nothing. */
  find(names: readonly string[], signal: AbortSignal): Promise<Original | undefined>;
}

/** Of a file with several names, the file itself. */
interface Original {
  readonly type: TarType | 'socket';
  readonly size: number;
  readonly bytes: (signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

/** Rejects with a StoreError. */
export async function openContent(parts: EngineParts, snapshot: Snapshot, signal: AbortSignal): Promise<VolumeContent> {
  const { method, handle = '', bytesRead = 0 } = snapshot.status;
  if (method === 'Copy') return contentOfCopy(await openSnapshotCopy(parts, snapshot, signal), signal);
  const tree = await openMovedTree(parts, repositoryOf(snapshot), handle, signal);
  const root = await tree.entry('', signal);
  if (!root) throw new StoreDamaged(`the snapshot ${quote(handle)} of the repository has no volume`);
  if (root.type === 'dir') return new MovedFilesContent(tree, root, bytesRead);
  return new MovedDeviceContent(tree, root);
}

export async function contentOfCopy(copy: StoredCopy, signal: AbortSignal): Promise<FilesContent> {
  const root = await copy.find('', signal);
  if (!root) throw new StoreDamaged('the copy has no entry for the folder of the volume itself');
  return new CopiedFilesContent(copy, await extentOf(copy, root, [], signal));
}

class CopiedFilesContent implements FilesContent {
  readonly is = 'files';
  readonly hasAttributes = false;
  readonly #copy: StoredCopy;
  readonly #extent: Extent;

  constructor(copy: StoredCopy, extent: Extent) {
    this.#copy = copy;
    this.#extent = extent;
  }

  get contentBytes(): number {
    return this.#extent.contentBytes;
  }

  get count(): number {
    return this.#copy.count;
  }

  tar(_: boolean, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return copiedTar(this.#copy, [], this.#extent, { write: gnuEntry, hasRoot: true }, signal);
  }

  async find(names: readonly string[], signal: AbortSignal): Promise<Original | undefined> {
    const found = await this.#copy.find(keyOf(names), signal);
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

class MovedFilesContent implements FilesContent {
  readonly is = 'files';
  readonly hasAttributes = true;
  readonly #tree: FileTree;
  readonly #root: FileEntry;
  readonly contentBytes: number;
  count = 0;

  constructor(tree: FileTree, root: FileEntry, contentBytes: number) {
    this.#tree = tree;
    this.#root = root;
    this.contentBytes = contentBytes;
  }

  /** Owners are those of the numbers: names may be others in the image of tar. */
  tar(isGnu: boolean, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.count = 0;
    const write = (entry: TarEntry) => {
      this.count++;
      return isGnu ? tarEntry({ ...entry, user: '', group: '' }) : gnuEntry(entry);
    };
    return this.#tree.archive(this.#root, '/', { write, hasRoot: true }, signal);
  }

  async find(names: readonly string[], signal: AbortSignal): Promise<Original | undefined> {
    const path = pathText(names.map((name) => Buffer.from(name, 'latin1').toString()));
    const entry = await this.#tree.entry(path, signal);
    return entry && { type: entry.type, size: entry.size, bytes: (reading) => this.#tree.content(entry, path, undefined, reading) };
  }
}
