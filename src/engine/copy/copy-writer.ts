/** Writes a copy of a volume from the bytes of its tar file, in constant memory: the tar file itself, and beside it an index of what is in it. */
import type { ScannedEntry } from '../../base/tar-scanner.ts';
import { TarFault, TarScanner } from '../../base/tar-scanner.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { compress } from '../archive/compression.ts';
import { putOnce } from '../archive/put-once.ts';
import { RunFailed } from '../runs/failure.ts';
import { removeFiles } from '../runs/files.ts';
import type { CopyIndex, EntryRecord } from './copy-format.ts';
import { formatVersion, indexFile, keyOf, memberBytes, namesOfPath, sha256Of } from './copy-format.ts';
import { EntriesWriter } from './entries-writer.ts';
import { MembersWriter } from './members-writer.ts';

export interface CopySummary {
  /** SHA-256 of the index, by which all of the copy can be proved. */
  readonly handle: string;
  readonly files: number;
  /** Of the content of files. */
  readonly contentBytes: number;
  /** What it takes in the store. */
  readonly storedBytes: number;
}

export class CopyWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #members: MembersWriter;
  readonly #entries: EntriesWriter;
  readonly #scanner = new TarScanner({ entry: (entry) => this.#add(entry) });
  #contentBytes = 0;

  /** `folder` has no slash at its end and nothing in it. */
  constructor(store: ObjectStore, folder: string, signal: AbortSignal) {
    this.#store = store;
    this.#folder = folder;
    this.#signal = signal;
    this.#members = new MembersWriter(store, folder, signal);
    this.#entries = new EntriesWriter(store, folder, signal);
  }

  /** Of the tar file, so far. */
  get tarBytes(): number {
    return this.#members.bytes;
  }

  /** Rejects with RunFailed where it is no tar file that can be kept. */
  async push(piece: Uint8Array): Promise<void> {
    this.#scan(() => this.#scanner.push(piece));
    if (this.#entries.isFull) await this.#entries.spill();
    await this.#members.push(piece);
  }

  /** Whether all of the tar file has come. */
  get isWhole(): boolean {
    return this.#scanner.isEnded;
  }

  /** Last comes the index. */
  async finish(): Promise<CopySummary> {
    const { volume, tarBytes, pages } = await this.#members.finish();
    const entries = await this.#entries.finish();
    const index: CopyIndex = { formatVersion, volume, tarBytes, memberBytes, pages, entries };
    const bytes = await compress(Buffer.from(JSON.stringify(index)));
    await putOnce(this.#store, indexFile(this.#folder), bytes, this.#signal);
    const last = entries.blocks.at(-1);
    const storedBytes = volume.bytes + bytes.length + (last ? last.offset + last.length : 0);
    return { handle: sha256Of(bytes), files: entries.count, contentBytes: this.#contentBytes, storedBytes };
  }

  /** Takes away what was written, so that it can be begun anew. */
  async abort(reason: unknown): Promise<void> {
    await this.#members.abort(reason);
    await removeFiles(this.#store, `${this.#folder}/`, this.#signal);
  }

  #add(entry: ScannedEntry): void {
    const names = namesOfPath(entry.path);
    const target = entry.type === 'link' ? namesOfPath(entry.target ?? new Uint8Array()) : [];
    if (!names || !target || (entry.type === 'link' && target.length === 0)) throw new TarFault('a name in it leads out of the volume');
    this.#contentBytes += entry.size;
    this.#entries.add(recordOf(entry, keyOf(names), keyOf(target)));
  }

  #scan(scan: () => void): void {
    try {
      scan();
    } catch (error) {
      if (!(error instanceof TarFault)) throw error;
      throw new RunFailed('TarRefused', `what tar has written of the volume is no tar file that can be kept: ${error.message}`);
    }
  }
}

/** `target`: the key of what a hard link is another name of. */
function recordOf(entry: ScannedEntry, key: string, target: string): EntryRecord {
  const { type, size, mode, uid, gid, user, group, modified, device, start, at } = entry;
  const own = { key, type, size, mode, uid, gid, modified, start, at };
  return {
    ...own,
    ...(user && { user }),
    ...(group && { group }),
    ...(type === 'link' && { target }),
    ...(type === 'symlink' && { target: Buffer.from(entry.target ?? []).toString('latin1') }),
    ...(device && { device }),
  };
}
