/** What the subresources of our kinds ask of the engine. */
import type { KubeObject } from '../machinery/object.ts';
import type { User } from '../machinery/user.ts';
import type { Preconditions } from '../machinery/writing/preconditions.ts';

/** Everything rejects with ApiError: 404 for what is not there (yet), 410 for what was deleted, 503 when the store does not answer. */
export interface Services {
  /** The archive of a backup that is Completed or PartiallyFailed. `range` counts bytes of it; ApiError 416 behind the end. */
  archive(
    backup: KubeObject,
    range: { readonly start: number; readonly length?: number } | undefined,
    signal: AbortSignal,
  ): Promise<ArchiveStream>;
  /** A page of what is inside, in order of keys. */
  items(backup: KubeObject, query: ItemQuery, signal: AbortSignal): Promise<ItemPage>;
  /** One manifest, as the bytes that the cluster sent; undefined where the backup holds no such item. */
  item(backup: KubeObject, item: ItemKey, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** A page of what a folder of a snapshot holds, in order of names; of anything else that the path names, that alone. ApiError 400 for a bad path. */
  files(snapshot: KubeObject, query: FileQuery, user: User, signal: AbortSignal): Promise<FileList>;
  /** What a path of a snapshot names, to be read: a file, or a folder as a tar file. ApiError 400 for what is neither. */
  download(snapshot: KubeObject, path: string, user: User, signal: AbortSignal): Promise<Download>;
  /** The log of a backup or a restore, line by line, each with its line break; follows a running one when asked to, wherever that is carried out. */
  log(object: KubeObject, options: LogOptions, signal: AbortSignal): AsyncIterable<string>;
  /** What became of each item of a restore, as far as it got. ApiError 409 where another process carries it out, until it ends. */
  results(
    restore: KubeObject,
    query: { readonly limit: number; readonly continue: string; readonly outcome?: string },
    signal: AbortSignal,
  ): Promise<ResultPage>;
  /** Makes a Restore as POST …/restores by that user would. */
  createRestore(restore: KubeObject, user: User, options: { readonly dryRun: boolean }, signal: AbortSignal): Promise<KubeObject>;
  /** A page of what has changed since the backup, in the live cluster as this user sees it, or in another backup of its namespace. */
  diff(backup: KubeObject, query: DifferenceQuery, user: User, signal: AbortSignal): Promise<DifferencePage>;
  /**
   * Has everything of the backup read and hashed again, and resolves to the backup when that has ended, or when it takes long: it goes
   * on then. While it is going on already, no second one is begun.
   */
  verify(backup: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  /** The store as it is after it was tried. */
  checkStore(store: KubeObject, signal: AbortSignal): Promise<KubeObject>;
  /** The backup held; held already, it gets the new reason. ApiError 409 for one that is being deleted. */
  hold(backup: KubeObject, reason: string | undefined, change: HoldChange, signal: AbortSignal): Promise<KubeObject>;
  /** The backup no longer held. ApiError 404 where it was not. */
  release(backup: KubeObject, change: HoldChange, signal: AbortSignal): Promise<KubeObject>;
}

export interface HoldChange {
  readonly user: User;
  readonly dryRun: boolean;
  /** What the backup must be. */
  readonly preconditions: Preconditions;
}

export interface ArchiveStream {
  /** Of the whole archive, in bytes, whatever the range. */
  readonly size: number;
  readonly sha256: string;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface ItemKey {
  /** Empty for the core group. */
  readonly group: string;
  /** The plural. */
  readonly resource: string;
  /** Empty for what lies in no namespace. */
  readonly namespace: string;
  readonly name: string;
}

export interface Item extends ItemKey {
  readonly version: string;
  readonly kind: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the manifest. */
  readonly bytes: number;
  readonly sha256: string;
}

export interface ItemQuery {
  readonly limit: number;
  /** A token of the page before, or empty. */
  readonly continue: string;
  /** Of the form that `kubectl get -l` takes; empty for all. */
  readonly labelSelector: string;
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export interface ItemPage {
  readonly items: readonly Item[];
  /** Empty on the last page. */
  readonly continue: string;
}

export interface FileQuery {
  readonly limit: number;
  /** A token of the page before, or empty. */
  readonly continue: string;
  /** Empty for the root of the volume. */
  readonly path: string;
}

export const fileTypes = ['File', 'Directory', 'SymbolicLink', 'BlockDevice', 'CharDevice', 'NamedPipe', 'Socket'] as const;
export type FileType = (typeof fileTypes)[number];

/** A file of a volume, as it was. */
export interface SnapshotFile {
  readonly name: string;
  /** From the root of the volume, with a slash in front. */
  readonly path: string;
  readonly type: FileType;
  /** In bytes; 0 for what is no file. */
  readonly size: number;
  /** Four octal digits. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  readonly modificationTime?: string;
  readonly linkTarget?: string;
}

export interface FileList {
  readonly items: readonly SnapshotFile[];
  /** Empty on the last page. */
  readonly continue: string;
}

export interface Download {
  /** Name of the file or of the folder; empty for the root of the volume, which is a file where the volume has no file system. */
  readonly name: string;
  /** Of a file, its length in bytes and what changes with its content, for an ETag; undefined where it is a tar file that is made on the way. */
  readonly file: { readonly size: number; readonly tag: string } | undefined;
  /** All of it, or bytes of a file. */
  readonly read: (
    range: { readonly start: number; readonly length: number } | undefined,
    signal: AbortSignal,
  ) => Promise<AsyncIterable<Uint8Array>>;
}

export interface DifferenceQuery extends ItemQuery {
  /** Name of the other backup; undefined for the live cluster. */
  readonly against?: string;
}

/** Seen from the backup. */
export interface Difference extends ItemKey {
  readonly version: string;
  readonly kind: string;
  readonly change: 'Added' | 'Removed' | 'Changed';
  /** RFC 6902, from the object as it was saved; of what is Changed. */
  readonly patch?: readonly object[];
}

export interface DifferencePage {
  readonly items: readonly Difference[];
  /** Empty on the last page; without it a page may hold less than asked for, and even nothing, for it took its time. */
  readonly continue: string;
  /** What could not be compared, and why. */
  readonly warnings: readonly string[];
}

export interface LogOptions {
  readonly follow: boolean;
  readonly tailLines: number | undefined;
  /** RFC 3339. */
  readonly sinceTime: string | undefined;
  readonly timestamps: boolean;
}

export type Outcome = 'created' | 'updated' | 'recreated' | 'unchanged' | 'skipped' | 'failed';

export interface ItemResult extends ItemKey {
  readonly outcome: Outcome;
  /** Why it was skipped or failed, in the words of the server that said so; what else is to be said of it; mostly empty. */
  readonly message: string;
}

export interface ResultPage {
  readonly items: readonly ItemResult[];
  readonly continue: string;
}
