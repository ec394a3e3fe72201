/** Repositories that are open, for all who ask: so many that their indexes fit into memory together. */
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { rootOf } from './entries.ts';
import { FileTree } from './file-tree.ts';
import type { KeptIndexes } from './kept-indexes.ts';
import { openRepository } from './repository-reader.ts';
import type { RepositoryReader } from './repository-reader.ts';
import type { Location } from './stored-files.ts';

/** About 130 MB of indexes; one that is larger stays alone. */
const mostBlobs = 3 << 20;
const mostOpen = 8;

interface Open {
  readonly opening: Promise<RepositoryReader>;
  /** Once it is open. */
  reader?: RepositoryReader;
}

export class OpenRepositories {
  /** By store and prefix, the one asked longest ago first. */
  readonly #open = new Map<string, Open>();
  readonly #kept: KeptIndexes;

  constructor(kept: KeptIndexes) {
    this.#kept = kept;
  }

  /**
   * The files of a snapshot, by the id that restic gave it. `password` is asked for a repository that is not open yet, and what is opened
   * is opened for all who ask meanwhile. Rejects with a StoreError; with StoreDamaged where something is missing, is not what was written,
   * or does not open with the password.
   */
  async openTree(location: Location, password: () => Promise<string>, snapshotId: string, signal: AbortSignal): Promise<FileTree> {
    const repository = await this.#reader(location, password, signal);
    try {
      return new FileTree(repository, rootOf(await repository.rootOf(snapshotId, signal)));
    } catch (error) {
      // It may be another repository by now.
      if (error instanceof StoreDamaged) this.#open.delete(keyOf(location));
      throw error;
    } finally {
      this.#closeSome();
    }
  }

  #reader(location: Location, password: () => Promise<string>, signal: AbortSignal): Promise<RepositoryReader> {
    const key = keyOf(location);
    const open = this.#open.get(key) ?? { opening: password().then((text) => openRepository(location, text, this.#kept, signal)) };
    this.#open.delete(key);
    this.#open.set(key, open);
    open.opening.then(
      (reader) => Object.assign(open, { reader }),
      () => {
        if (this.#open.get(key) === open) this.#open.delete(key);
      },
    );
    return open.opening;
  }

  /** The last one stays. */
  #closeSome(): void {
    let [blobs, count] = [0, 0];
    for (const [key, { reader }] of [...this.#open].toReversed()) {
      blobs += reader?.blobs ?? 0;
      count += 1;
      if (count > 1 && (blobs > mostBlobs || count > mostOpen)) this.#open.delete(key);
    }
  }
}

const keyOf = ({ store, prefix }: Location) => `${store.name}\n${prefix}`;
