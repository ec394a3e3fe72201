/** The files of a Snapshot that a mover has copied into the repository of its namespace. */
import { hash } from 'node:crypto';
import { begun } from '../../base/pieces.ts';
import type { FileEntry } from '../../repository/reading/entries.ts';
import type { FileTree } from '../../repository/reading/file-tree.ts';
import { pathText } from '../../repository/reading/paths.ts';
import { wholeForm } from '../../repository/reading/tar-of.ts';
import type { Download, FileList, FileQuery, SnapshotFile } from '../../resources/services.ts';
import { noContent } from './file-refusals.ts';
import { startOf, tokenOf } from './page-start.ts';
import { shownFile, shownTypes } from './shown-file.ts';
import type { VolumeTree } from './volume-tree.ts';

export class MovedFiles implements VolumeTree {
  readonly #tree: FileTree;

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  async entry(parts: readonly string[], signal: AbortSignal): Promise<SnapshotFile | undefined> {
    const path = pathText(parts);
    const entry = await this.#tree.entry(path, signal);
    return entry && fileOf(entry, path);
  }

  async page(parts: readonly string[], query: FileQuery, signal: AbortSignal): Promise<FileList | undefined> {
    const path = pathText(parts);
    const entry = await this.#tree.entry(path, signal);
    if (entry?.type !== 'dir') return entry && { items: [fileOf(entry, path)], continue: '' };
    const start = startOf(query, digitsOf(entry));
    const { entries, next } = await this.#tree.list(entry, path, { limit: query.limit, start }, signal);
    const items = entries.map((one) => fileOf(one, `${path === '/' ? '' : path}/${one.name}`));
    return { items, continue: next === undefined ? '' : tokenOf(digitsOf(entry), next) };
  }

  async download(parts: readonly string[], signal: AbortSignal): Promise<Download | undefined> {
    const path = pathText(parts);
    const entry = await this.#tree.entry(path, signal);
    if (!entry) return undefined;
    const { name, size, type } = entry;
    if (type === 'dir') return { name, file: undefined, read: (_, reading) => begun(this.#tree.archive(entry, path, wholeForm, reading)) };
    if (type !== 'file') throw noContent(path, shownTypes[type]);
    const file = { size, tag: hash('sha256', entry.content) };
    return { name, file, read: (range, reading) => begun(this.#tree.content(entry, path, range, reading)) };
  }
}

const fileOf = (entry: FileEntry, path: string): SnapshotFile => shownFile({ ...entry, path, target: entry.linkTarget?.toString() });

const digitsOf = ({ subtree }: FileEntry) => subtree?.toString('hex', 0, 8) ?? '';
