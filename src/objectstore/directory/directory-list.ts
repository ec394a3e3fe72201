/** The files of a folder as keys, in the order of their bytes, one folder in memory at a time on each level. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/system-errors.ts';
import type { StoredKey } from '../objectstore.ts';

interface Selection {
  readonly prefix: string;
  readonly startAfter: string;
  /** A name in the root that is not listed. */
  readonly hidden: string;
}

export async function* listDirectory(root: string, selection: Selection, signal: AbortSignal): AsyncGenerator<StoredKey> {
  const slash = selection.prefix.lastIndexOf('/');
  yield* listFolder(root, selection.prefix.slice(0, slash + 1), selection, signal);
}

/** Files that are asked for their size at once: few at first, since many a reader wants only the first of them. */
const firstAtOnce = 4;
const mostAtOnce = 128;

/** `folder` is empty or ends in a slash. */
async function* listFolder(root: string, folder: string, selection: Selection, signal: AbortSignal): AsyncGenerator<StoredKey> {
  const paths = await pathsOf(root, folder, selection);
  for (let at = 0, count = firstAtOnce; at < paths.length; at += count, count = mostAtOnce) {
    signal.throwIfAborted();
    const group = paths.slice(at, at + count);
    const files = await Promise.all(group.map((path) => fileAt(root, path)));
    for (const [index, path] of group.entries()) {
      const file = files[index];
      if (path.endsWith('/')) yield* listFolder(root, path, selection, signal);
      else if (file !== undefined) yield file;
    }
  }
}

/** What may hold a selected key: files, and folders with a slash behind, because that is how their keys sort. */
async function pathsOf(root: string, folder: string, selection: Selection): Promise<readonly string[]> {
  const entries = await unlessGone(readdir(join(root, folder), { withFileTypes: true }));
  return (entries ?? [])
    .filter((entry) => folder !== '' || entry.name !== selection.hidden)
    .flatMap((entry) => pathOf(folder, entry))
    .filter((path) => isSelected(path, selection))
    .sort();
}

function pathOf(folder: string, entry: Dirent): readonly string[] {
  if (entry.isDirectory()) return [`${folder}${entry.name}/`];
  return entry.isFile() ? [`${folder}${entry.name}`] : [];
}

function isSelected(path: string, { prefix, startAfter }: Selection): boolean {
  const isFolder = path.endsWith('/');
  const fits = path.startsWith(prefix) || (isFolder && prefix.startsWith(path));
  return fits && (path > startAfter || (isFolder && startAfter.startsWith(path)));
}

/** Undefined where it is a folder, or gone. */
async function fileAt(root: string, path: string): Promise<StoredKey | undefined> {
  const found = path.endsWith('/') ? undefined : await unlessGone(stat(join(root, path)));
  return found && { key: path, size: found.size, modified: Math.floor(found.mtimeMs) };
}

/** A list is no snapshot: what is deleted meanwhile is left out. */
async function unlessGone<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
