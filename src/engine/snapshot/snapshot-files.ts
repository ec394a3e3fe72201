/** The files of a Snapshot that lies in the object store, for who looks into it: lists, files, folders as tar files. */
import { ApiError, badRequest, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { partsOf, PathRefused, pathText } from '../../repository/reading/paths.ts';
import type { Download, FileList, FileQuery, SnapshotFile } from '../../resources/services.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { CopiedFiles } from '../copy/copied-files.ts';
import { SnapshotCopies } from '../copy/snapshot-copies.ts';
import type { EngineParts } from '../parts.ts';
import { notFoundBecause, requireEnded } from '../runs/require-ended.ts';
import { repositoryOf } from '../stores/stores.ts';
import { MovedFiles } from './moved-files.ts';
import { openMovedTree } from './moved-tree.ts';
import type { VolumeTree } from './volume-tree.ts';

/** Errors of the store pass; all others are ApiErrors: 404 for what a path does not name. */
export class SnapshotFiles {
  readonly #parts: EngineParts;
  readonly #copies: SnapshotCopies;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#copies = new SnapshotCopies(parts);
  }

  page(snapshot: KubeObject, query: FileQuery, signal: AbortSignal): Promise<FileList> {
    const asked = { ...query, limit: Math.max(1, query.limit) };
    return this.#found(snapshot, query.path, signal, (tree, parts) => tree.page(parts, asked, signal));
  }

  download(snapshot: KubeObject, path: string, signal: AbortSignal): Promise<Download> {
    return this.#found(snapshot, path, signal, (tree, parts) => tree.download(parts, signal));
  }

  entry(snapshot: KubeObject, path: string, signal: AbortSignal): Promise<SnapshotFile> {
    return this.#found(snapshot, path, signal, (tree, parts) => tree.entry(parts, signal));
  }

  async #found<T>(
    snapshot: KubeObject,
    path: string,
    signal: AbortSignal,
    find: (tree: VolumeTree, parts: readonly string[]) => Promise<T | undefined>,
  ): Promise<T> {
    const parts = namesIn(path);
    const found = await find(await this.#treeOf(snapshot as Snapshot, signal), parts);
    if (found !== undefined) return found;
    throw new ApiError(404, 'NotFound', `snapshot ${quote(snapshot.metadata.name)} holds no file ${quote(pathText(parts))}`, {});
  }

  /** Throws ApiError where its files are elsewhere, and says why. */
  async #treeOf(snapshot: Snapshot, signal: AbortSignal): Promise<VolumeTree> {
    const { snapshots } = this.#parts;
    requireEnded(snapshots, snapshot);
    const { method, handle = '', volumeSnapshotName = '' } = snapshot.status;
    if (method === 'Copy') return new CopiedFiles(await this.#copies.open(snapshot, signal), handle);
    if (method === 'File') return new MovedFiles(await openMovedTree(this.#parts, repositoryOf(snapshot), handle, signal));
    const cure = `a Snapshot with spec.source.volumeSnapshotName ${volumeSnapshotName} and spec.moveData copies them there`;
    const why = `its files are not in the object store, because the CSI driver keeps it; ${cure}`;
    throw notFoundBecause(snapshots, snapshot.metadata.name, why);
  }
}

/** Of which a path is made. */
function namesIn(path: string): readonly string[] {
  try {
    return partsOf(path);
  } catch (error) {
    if (error instanceof PathRefused) throw badRequest(error.message, error);
    throw error;
  }
}
