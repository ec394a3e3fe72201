/** The files of one snapshot: by path, page by page, and what is in them. */
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { asRoot, idBytes } from './entries.ts';
import type { FileEntry } from './entries.ts';
import type { Folder } from './folder.ts';
import { inOrder } from './in-order.ts';
import type { BlobStep } from './in-order.ts';
import { partsOf, pathText } from './paths.ts';
import type { RepositoryReader } from './repository-reader.ts';
import { contentOf, tarOf } from './tar-of.ts';
import type { TarContent, TarForm, TarParts } from './tar-of.ts';

export interface FilePage {
  readonly entries: readonly FileEntry[];
  /** The number of the entry with which the next page begins; undefined on the last one. */
  readonly next: number | undefined;
}

/** Which bytes of a file. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** Everything rejects with a StoreError; with StoreDamaged where something is missing, or is not what was written. */
export class FileTree {
  readonly #repository: RepositoryReader;
  readonly #root: FileEntry;

  constructor(repository: RepositoryReader, root: FileEntry) {
    this.#repository = repository;
    this.#root = root;
  }

  /** The tree of what is called so here, be it a folder or a file; undefined where there is nothing. */
  async below(name: string, signal: AbortSignal): Promise<FileTree | undefined> {
    const found = await this.entry(name, signal);
    return found && new FileTree(this.#repository, asRoot(found));
  }

  /** What a path names; undefined where there is nothing. A symbolic link is told, and never followed. Rejects with PathRefused. */
  async entry(path: string, signal: AbortSignal): Promise<FileEntry | undefined> {
    let entry = this.#root;
    for (const [depth, part] of partsOf(path).entries()) {
      if (entry.type !== 'dir') return undefined;
      const found = (await this.#folderOf(entry, pathText(partsOf(path).slice(0, depth)), signal)).find(part);
      if (!found) return undefined;
      entry = found;
    }
    return entry;
  }

  /** What a folder holds, from the entry of a number on, in order of names. */
  async list(
    folder: FileEntry,
    path: string,
    { limit, start }: { readonly limit: number; readonly start: number },
    signal: AbortSignal,
  ): Promise<FilePage> {
    const listed = await this.#folderOf(folder, path, signal);
    const end = start + limit;
    return { entries: listed.slice(start, end), next: end < listed.length ? end : undefined };
  }

  /** The bytes of a file, or some of them, in constant memory. */
  async *content(file: FileEntry, path: string, span: Span | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const wanted = span ?? { start: 0, length: file.size };
    let [skip, left] = [0, wanted.length];
    for await (const step of inOrder(covering(this.#steps(file, path), wanted), (blobs) => this.#repository.read(blobs, signal))) {
      if ('skip' in step) skip = step.skip;
      else {
        const part = step.subarray(skip, skip + left);
        [skip, left] = [0, left - part.length];
        yield part;
      }
    }
    if (left > 0) throw new StoreDamaged(`${path}: its pieces end ${left} bytes before they should`);
  }

  /** A tar file of a file, or of a folder with all below it. */
  archive(entry: FileEntry, path: string, form: TarForm, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return tarOf({ ...this.#tarParts(signal), form }, entry, path);
  }

  /** What such a tar file with the root would hold. */
  contentOf(entry: FileEntry, path: string, signal: AbortSignal): Promise<TarContent> {
    return contentOf(this.#tarParts(signal), entry, path);
  }

  #tarParts(signal: AbortSignal): Omit<TarParts, 'form'> {
    return { repository: this.#repository, steps: (file, where) => this.#steps(file, where), signal };
  }

  *#steps({ content }: FileEntry, path: string): Generator<BlobStep> {
    for (let at = 0; at < content.length; at += idBytes) yield { blob: this.#repository.locate(content.subarray(at, at + idBytes), path) };
  }

  #folderOf({ subtree }: FileEntry, path: string, signal: AbortSignal): Promise<Folder> {
    if (!subtree) throw new StoreDamaged(`${path}: it is a folder of which no list was written`);
    return this.#repository.folder(subtree, path, signal);
  }
}

/** The pieces in which a span lies; in front of them, how much of the first one is not in it. */
function* covering(steps: Iterable<BlobStep>, { start, length }: Span): Generator<BlobStep | { readonly skip: number }> {
  let at = 0;
  for (const step of steps) {
    const end = at + step.blob.place.plainLength;
    if (at <= start && end > start) yield { skip: start - at };
    if (end > start && at < start + length) yield step;
    at = end;
    if (at >= start + length) return;
  }
}
