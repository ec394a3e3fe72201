/** The files of a Snapshot, for who looks into it: lists, files, folders as tar files. */
import { ApiError, badRequest, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { User } from '../../machinery/user.ts';
import { partsOf, PathRefused, pathText } from '../../repository/reading/paths.ts';
import type { Download, FileList, FileQuery, SnapshotFile } from '../../resources/services.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { CopiedFiles } from '../copy/copied-files.ts';
import { SnapshotCopies } from '../copy/snapshot-copies.ts';
import { openFiles } from '../copy/volume-content.ts';
import type { FilesContent } from '../copy/volume-content.ts';
import { KeptFiles } from '../look/kept-files.ts';
import type { KeptVolumes } from '../look/kept-volumes.ts';
import { startTime } from '../mover/mover.ts';
import type { EngineParts } from '../parts.ts';
import { requireEnded } from '../runs/require-ended.ts';
import { repositoryOf } from '../stores/stores.ts';
import { isMoved } from './fill.ts';
import { MovedFiles } from './moved-files.ts';
import { openMovedTree } from './moved-tree.ts';
import type { VolumeTree } from './volume-tree.ts';

/** Milliseconds that a request waits for a volume of what a driver keeps: kube-apiserver gives it up after 60 seconds. */
const patience = 30_000;

/** Whose files, as whom a volume is made of what a driver keeps, and how many milliseconds that may take. */
interface Asked {
  readonly snapshot: Snapshot;
  readonly path: string;
  readonly user: User;
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** Errors of the store and of the cluster pass; all others are ApiErrors: 404 for what a path does not name. */
export class SnapshotFiles {
  readonly #parts: EngineParts;
  readonly #copies: SnapshotCopies;
  readonly #volumes: KeptVolumes;

  constructor(parts: EngineParts, volumes: KeptVolumes) {
    this.#parts = parts;
    this.#copies = new SnapshotCopies(parts);
    this.#volumes = volumes;
  }

  page(snapshot: KubeObject, query: FileQuery, user: User, signal: AbortSignal): Promise<FileList> {
    const limited = { ...query, limit: Math.max(1, query.limit) };
    const asked = { snapshot: snapshot as Snapshot, path: query.path, user, ms: patience, signal };
    return this.#found(asked, (tree, parts) => tree.page(parts, limited, signal));
  }

  download(snapshot: KubeObject, path: string, user: User, signal: AbortSignal): Promise<Download> {
    const asked = { snapshot: snapshot as Snapshot, path, user, ms: patience, signal };
    return this.#found(asked, (tree, parts) => tree.download(parts, signal));
  }

  /** For a Restore, which has the time. */
  entry(snapshot: Snapshot, path: string, user: User, signal: AbortSignal): Promise<SnapshotFile> {
    return this.#found({ snapshot, path, user, ms: startTime, signal }, (tree, parts) => tree.entry(parts, signal));
  }

  /** The same, to be brought into a volume. */
  content(snapshot: Snapshot, path: string, user: User, signal: AbortSignal): Promise<FilesContent> {
    if (isMoved(snapshot)) return openFiles(this.#parts, snapshot, path, signal);
    const asked = { snapshot, path, user, ms: startTime, signal };
    return found(asked, async (parts) => (await this.#kept(asked)).content(parts, signal));
  }

  /** Of what a driver keeps, whether it could be looked into. */
  rehearse(snapshot: Snapshot, user: User, signal: AbortSignal): Promise<void> {
    return this.#volumes.rehearse(snapshot, user, signal);
  }

  #found<T>(asked: Asked, find: (tree: VolumeTree, parts: readonly string[]) => Promise<T | undefined>): Promise<T> {
    return found(asked, async (parts) => find(await this.#treeOf(asked), parts));
  }

  /** Rejects with ApiError where it has none, and says why. */
  async #treeOf(asked: Asked): Promise<VolumeTree> {
    const { snapshot, signal } = asked;
    requireEnded(this.#parts.snapshots, snapshot);
    const { method, handle = '' } = snapshot.status;
    if (method === 'Copy') return new CopiedFiles(await this.#copies.open(snapshot, signal), handle);
    if (method === 'File') return new MovedFiles(await openMovedTree(this.#parts, repositoryOf(snapshot), handle, signal));
    return this.#kept(asked);
  }

  async #kept({ snapshot, user, ms, signal }: Asked): Promise<KeptFiles> {
    return new KeptFiles(snapshot, await this.#volumes.open(snapshot, user, ms, signal));
  }
}

async function found<T>({ snapshot, path }: Asked, find: (parts: readonly string[]) => Promise<T | undefined>): Promise<T> {
  const parts = namesIn(path);
  const one = await find(parts);
  if (one !== undefined) return one;
  throw new ApiError(404, 'NotFound', `snapshot ${quote(snapshot.metadata.name)} holds no file ${quote(pathText(parts))}`, {});
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
