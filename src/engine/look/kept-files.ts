/** The files of a Snapshot that its driver keeps. */
import { hash } from 'node:crypto';
import { begun } from '../../base/pieces.ts';
import { TarScanner } from '../../base/tar-scanner.ts';
import { pathText } from '../../repository/reading/paths.ts';
import type { Download, FileList, FileQuery, SnapshotFile } from '../../resources/services.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { FilesContent } from '../copy/volume-content.ts';
import { noContent } from '../snapshot/file-refusals.ts';
import { startOf, tokenOf } from '../snapshot/page-start.ts';
import { shownTypes } from '../snapshot/shown-file.ts';
import type { VolumeTree } from '../snapshot/volume-tree.ts';
import { KeptContent } from './kept-content.ts';
import { fileOf } from './kept-entries.ts';
import { KeptReader } from './kept-reader.ts';
import type { KeptVolume } from './kept-volumes.ts';

export class KeptFiles implements VolumeTree {
  readonly #snapshot: Snapshot;
  readonly #reader: KeptReader;

  constructor(snapshot: Snapshot, volume: KeptVolume) {
    this.#snapshot = snapshot;
    this.#reader = new KeptReader(snapshot, volume);
  }

  async entry(parts: readonly string[], signal: AbortSignal): Promise<SnapshotFile | undefined> {
    const names = await this.#reader.namesOf(parts, signal);
    const entry = names && (await this.#reader.entry(names, signal));
    return entry && fileOf(entry, pathText(parts));
  }

  async page(parts: readonly string[], query: FileQuery, signal: AbortSignal): Promise<FileList | undefined> {
    const path = pathText(parts);
    const start = startOf(query, digitsOf(path));
    const names = await this.#reader.namesOf(parts, signal);
    const [entry, ...entries] = (names && (await this.#reader.list(names, start, query.limit + 1, signal))) ?? [];
    if (entry?.type !== 'dir') return entry && { items: [fileOf(entry, path)], continue: '' };
    const items = entries.slice(0, query.limit).map((one) => fileOf(one, `${path === '/' ? '' : path}/${one.name}`));
    return { items, continue: entries.length > query.limit ? tokenOf(digitsOf(path), start + query.limit) : '' };
  }

  async download(parts: readonly string[], signal: AbortSignal): Promise<Download | undefined> {
    const reader = this.#reader;
    const names = await reader.namesOf(parts, signal);
    const entry = names && (await reader.entry(names, signal));
    if (!entry) return undefined;
    const { type, size } = entry;
    const name = parts.at(-1) ?? '';
    if (type === 'dir')
      return {
        name,
        file: undefined,
        read: (_, reading) => begun(reader.archive(names, 'posix', new TarScanner({ entry: () => {} }), reading)),
      };
    const path = pathText(parts);
    if (type !== 'file') throw noContent(path, shownTypes[type]);
    const file = { size, tag: hash('sha256', `${this.#snapshot.metadata.uid} ${this.#snapshot.status.handle} ${path}`) };
    const whole = { start: 0, length: size };
    const read: Download['read'] = (range = whole, reading) =>
      begun(reader.bytes(names, range.start, Math.min(range.length, size - range.start), reading));
    return { name, file, read };
  }

  /** For who brings it into another volume. */
  async content(parts: readonly string[], signal: AbortSignal): Promise<FilesContent | undefined> {
    const names = await this.#reader.namesOf(parts, signal);
    const size = names && (await this.#reader.sizeOf(names, signal));
    return size && new KeptContent(this.#reader, names, size);
  }
}

/** Tells it from other folders of the volume. */
const digitsOf = (path: string) => hash('sha256', path).slice(0, 16);
