/** A repository that is open: its key, where its blobs lie, and the folders that were looked at last. */
import type { KeyObject } from 'node:crypto';
import { RecentlyUsed } from '../../base/recently-used.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { Folder, FolderTooLarge } from './folder.ts';
import { IndexFiles } from './index-files.ts';
import type { KeptIndexes } from './kept-indexes.ts';
import { openMasterKey } from './master-key.ts';
import { nameOf, readBlobs } from './packs.ts';
import type { Blob } from './packs.ts';
import { isId, readSealed } from './stored-files.ts';
import type { Location } from './stored-files.ts';

/** Bytes of folders that are kept. One that is larger is read each time. */
const keptBytes = 16 << 20;
/** Of the list of one folder: some 350000 entries. */
const largestFolder = 128 << 20;
/** restic cuts files into pieces of 8 MiB at most. */
const largestPiece = 16 << 20;
/** Of folders that are read before they are asked for. */
const mostAhead = 4 << 20;

/** Tries the password against the keys of the repository, which takes about a second. Rejects with a StoreError. */
export async function openRepository(
  location: Location,
  password: string,
  kept: KeptIndexes,
  signal: AbortSignal,
): Promise<RepositoryReader> {
  return new RepositoryReader(location, await openMasterKey(location, password, signal), kept);
}

export class RepositoryReader {
  readonly #location: Location;
  readonly #key: KeyObject;
  readonly #index: IndexFiles;
  /** By id. */
  readonly #folders = new RecentlyUsed<string, Folder>(keptBytes, ({ bytes }) => bytes);

  constructor(location: Location, key: KeyObject, kept: KeptIndexes) {
    this.#location = location;
    this.#key = key;
    this.#index = new IndexFiles(location, key, kept);
  }

  /** How many blobs it knows, which is what its memory goes by. */
  get blobs(): number {
    return this.#index.size;
  }

  /** The id of the folder that a snapshot is of. What was added to the repository until now is known from then on. */
  async rootOf(snapshotId: string, signal: AbortSignal): Promise<Buffer> {
    if (!isId(snapshotId))
      throw new StoreDamaged(`${this.#location.prefix}snapshots/: ${JSON.stringify(snapshotId)} is no id that restic gives`);
    const [content] = await Promise.all([
      readSealed(this.#location, 'snapshots', snapshotId, this.#key, signal),
      this.#index.refresh(signal),
    ]);
    const tree = treeIn(content);
    if (tree !== undefined) return Buffer.from(tree, 'hex');
    throw new StoreDamaged(`${this.#location.prefix}snapshots/${snapshotId}: what is in it is no snapshot of restic's`);
  }

  /** `where` names it in errors. Rejects with a StoreError, such as FolderTooLarge. */
  async folder(id: Buffer, where: string, signal: AbortSignal): Promise<Folder> {
    const name = id.toString('hex');
    const known = this.#folders.get(name);
    if (known) return known;
    const blob = this.#locate(id, where);
    const bytes = bytesOf(blob);
    if (bytes > largestFolder)
      throw new FolderTooLarge(
        `the list of the folder ${JSON.stringify(where)} has ${bytes} bytes, more than the ${largestFolder} that can be read`,
      );
    const [text] = await this.read([blob], signal);
    return this.#folders.put(name, await Folder.of(text ?? Buffer.alloc(0), where));
  }

  /** Reads folders that will be asked for soon, as far as they are small, in a few requests. */
  async readAhead(ids: readonly Buffer[], where: string, signal: AbortSignal): Promise<void> {
    const blobs: Blob[] = [];
    let room = mostAhead;
    for (const id of ids.filter((one) => !this.#folders.has(one.toString('hex')))) {
      const blob = this.#locate(id, where);
      room -= bytesOf(blob);
      if (room < 0) break;
      blobs.push(blob);
    }
    for (const [index, text] of (await this.read(blobs, signal)).entries()) {
      const id = Buffer.from(blobs[index]?.id ?? []).toString('hex');
      if (!this.#folders.has(id)) this.#folders.put(id, await Folder.of(text, where));
    }
  }

  /** A piece of a file. Throws StoreDamaged. */
  locate(id: Uint8Array, where: string): Blob {
    const blob = this.#locate(id, where);
    const bytes = bytesOf(blob);
    if (bytes <= largestPiece) return blob;
    const { prefix } = this.#location;
    throw new StoreDamaged(
      `${prefix}index/: the blob ${shown(id)} of ${where} has ${bytes} bytes, more than the ${largestPiece} that can be read`,
    );
  }

  #locate(id: Uint8Array, where: string): Blob {
    const place = this.#index.find(id);
    if (place) return { id, place };
    throw new StoreDamaged(`${this.#location.prefix}index/: no file there names the blob ${shown(id)}, which ${where} is made of`);
  }

  /** What is in them, in their order. */
  async read(blobs: readonly Blob[], signal: AbortSignal): Promise<readonly Buffer[]> {
    const source = { location: this.#location, key: this.#key, placesOf: (id: Uint8Array) => this.#index.all(id) };
    const read = await readBlobs(source, blobs, signal);
    return blobs.map(({ place }) => read.get(nameOf(place)) ?? Buffer.alloc(0));
  }
}

const shown = (id: Uint8Array) => `${Buffer.from(id).toString('hex').slice(0, 16)}…`;

/** Of memory that it takes to read it, by what the index says. */
const bytesOf = ({ place }: Blob) => Math.max(place.plainLength, place.length);

function treeIn(text: Buffer): string | undefined {
  try {
    const { tree } = JSON.parse(text.toString()) as { tree?: unknown };
    return typeof tree === 'string' && isId(tree) ? tree : undefined;
  } catch {
    return undefined;
  }
}
