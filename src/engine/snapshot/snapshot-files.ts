/** The files of a Snapshot that was moved to the object store, for who looks into it: lists, files, folders as tar files. */
import { hash } from 'node:crypto';
import { rfc3339 } from '../../base/clock.ts';
import { begun } from '../../base/pieces.ts';
import { ApiError, badRequest, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { EntryType, FileEntry } from '../../repository/reading/entries.ts';
import type { FileTree } from '../../repository/reading/file-tree.ts';
import { partsOf, PathRefused, pathText } from '../../repository/reading/paths.ts';
import type { Download, FileList, FileQuery, FileType, SnapshotFile } from '../../resources/services.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { notFoundBecause, requireEnded } from '../runs/require-ended.ts';
import { repositoryOf } from '../stores/stores.ts';
import { openMovedTree } from './moved-tree.ts';

/** Errors of the store pass; all others are ApiErrors. */
export class SnapshotFiles {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  async page(snapshot: KubeObject, query: FileQuery, signal: AbortSignal): Promise<FileList> {
    const { tree, entry, path } = await this.#find(snapshot, query.path, signal);
    if (entry.type !== 'dir') return { items: [fileOf(entry, path)], continue: '' };
    const start = query.continue === '' ? 0 : numberIn(query.continue, entry);
    const { entries, next } = await tree.list(entry, path, { limit: Math.max(1, query.limit), start }, signal);
    const items = entries.map((one) => fileOf(one, `${path === '/' ? '' : path}/${one.name}`));
    return { items, continue: next === undefined ? '' : tokenOf(entry, next) };
  }

  async download(snapshot: KubeObject, given: string, signal: AbortSignal): Promise<Download> {
    const { tree, entry, path } = await this.#find(snapshot, given, signal);
    const { name, size, type } = entry;
    if (type === 'dir') return { name, file: undefined, read: (_, reading) => begun(tree.archive(entry, path, reading)) };
    if (type !== 'file') throw badRequest(`path: ${quote(path)} is a ${shownTypes[type]}, which has no content and is not followed`);
    const file = { size, tag: hash('sha256', entry.content) };
    return { name, file, read: (range, reading) => begun(tree.content(entry, path, range, reading)) };
  }

  /** What a path names. ApiError 404 where there is nothing. */
  async entry(snapshot: KubeObject, path: string, signal: AbortSignal): Promise<FileEntry> {
    return (await this.#find(snapshot, path, signal)).entry;
  }

  async #find(snapshot: KubeObject, given: string, signal: AbortSignal): Promise<{ tree: FileTree; entry: FileEntry; path: string }> {
    const path = pathOf(given);
    const tree = await this.#treeOf(snapshot, signal);
    const entry = await tree.entry(path, signal);
    if (entry) return { tree, entry, path };
    throw new ApiError(404, 'NotFound', `snapshot ${quote(snapshot.metadata.name)} holds no file ${quote(path)}`, {});
  }

  async #treeOf(snapshot: KubeObject, signal: AbortSignal): Promise<FileTree> {
    const id = this.#requireFiles(snapshot as Snapshot);
    return openMovedTree(this.#parts, repositoryOf(snapshot), id, signal);
  }

  /** The id of what was moved. Throws ApiError where nothing was, and says why. */
  #requireFiles(snapshot: Snapshot): string {
    const { snapshots } = this.#parts;
    requireEnded(snapshots, snapshot);
    const { method, handle = '' } = snapshot.status;
    if (method === 'File') return handle;
    throw notFoundBecause(snapshots, snapshot.metadata.name, 'its files are not in the object store, because the CSI driver keeps it');
  }
}

/** Without what it may have too much. */
function pathOf(given: string): string {
  try {
    return pathText(partsOf(given));
  } catch (error) {
    if (error instanceof PathRefused) throw badRequest(error.message, error);
    throw error;
  }
}

const shownTypes: Readonly<Record<EntryType, FileType>> = {
  file: 'File',
  dir: 'Directory',
  symlink: 'SymbolicLink',
  dev: 'BlockDevice',
  chardev: 'CharDevice',
  fifo: 'NamedPipe',
  socket: 'Socket',
};

function fileOf({ name, type, size, mode, uid, gid, user, group, modified, linkTarget }: FileEntry, path: string): SnapshotFile {
  return {
    name: name || path,
    path,
    type: shownTypes[type],
    size,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    ...(user && { user }),
    ...(group && { group }),
    ...(modified !== undefined && { modificationTime: rfc3339(modified) }),
    ...(linkTarget && { linkTarget: linkTarget.toString() }),
  };
}

/** A folder never changes, so the number of an entry says where a page begins. */
const tokenOf = (folder: FileEntry, next: number) => Buffer.from(`${digitsOf(folder)}/${next}`).toString('base64url');
const digitsOf = ({ subtree }: FileEntry) => subtree?.toString('hex', 0, 8) ?? '';

function numberIn(token: string, folder: FileEntry): number {
  const [digits, number = ''] = Buffer.from(token, 'base64url').toString().split('/');
  if (digits === digitsOf(folder) && /^\d{1,10}$/.test(number)) return Number(number);
  throw badRequest('continue key is not valid: it is not one that this server gave for this path');
}
