/** The files of one Snapshot, wherever in the object store they lie. */
import type { Download, FileList, FileQuery, SnapshotFile } from '../../resources/services.ts';

/** Paths are as partsOf makes them of what a client has written; undefined is what names nothing. Everything rejects with a StoreError or an ApiError. */
export interface VolumeTree {
  entry(parts: readonly string[], signal: AbortSignal): Promise<SnapshotFile | undefined>;
  /** Of a folder, a page of what it holds; of anything else that alone. */
  page(parts: readonly string[], query: FileQuery, signal: AbortSignal): Promise<FileList | undefined>;
  download(parts: readonly string[], signal: AbortSignal): Promise<Download | undefined>;
}
