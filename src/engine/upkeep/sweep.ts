/**
 * Once an hour: tells what lies in the stores and belongs to nobody, and removes what it has told an hour before and is of no use. A
 * whole backup that the catalog does not know is never removed so: maybe the catalog was lost, and it is all that is left.
 */
import { messageOf } from '../../base/lifetime.ts';
import { StoreError } from '../../objectstore/objectstore.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { EngineParts } from '../parts.ts';
import { storeNames } from '../stores/stores.ts';
import type { Orphan, OrphanSurvey } from './orphans.ts';
import { findOrphans, removeOrphan } from './orphans.ts';

/** Milliseconds after the start: whoever looks on is told of what was left long before an hour is over. */
const firstLook = 300_000;
const lookEvery = 3_600_000;
/** Orphans that a line of the log names. */
const named = 20;

export class Sweep {
  readonly #parts: EngineParts;
  #last: Omit<OrphanSurvey, 'orphans'> = { folders: 0, bytes: 0 };
  /** When each was told first, by the monotonic clock; by store and path. As many as the surveys name. */
  #told: ReadonlyMap<string, number> = new Map();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { metrics } = parts;
    metrics.gauge(
      'kylon_orphaned_folders',
      'Folders in the object store that belong to no Backup, Restore or Snapshot.',
      () => this.#last.folders,
    );
    metrics.gauge(
      'kylon_orphaned_bytes',
      'Bytes in the object store that belong to no Backup, Restore or Snapshot.',
      () => this.#last.bytes,
    );
  }

  /** Looks from time to time until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    for (let pause = firstLook; !signal.aborted; pause = lookEvery) {
      await clock.sleep(pause, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#look(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('orphans in the store were not looked for', { error: messageOf(error) });
      });
    }
  }

  /** A store that does not answer keeps none of the others waiting; its figures are missing meanwhile. */
  async #look(signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    const [last, told] = [{ folders: 0, bytes: 0 }, new Map<string, number>()];
    for (const storeName of await storeNames(this.#parts, signal)) {
      const left = await this.#lookInto(storeName, told, signal).catch((error: unknown) => {
        if (signal.aborted || !(error instanceof StoreError)) throw error;
        log.warn('orphans in a store were not looked for', { storeName, error: error.message });
        return { folders: 0, bytes: 0 };
      });
      last.folders += left.folders;
      last.bytes += left.bytes;
    }
    [this.#last, this.#told] = [last, told];
  }

  /** Resolves to what is left. An object has its folder wherever it is: two stores may be the same place. */
  async #lookInto(storeName: string, told: Map<string, number>, signal: AbortSignal): Promise<Omit<OrphanSurvey, 'orphans'>> {
    const { stores, domain, objects, backups, restores, snapshots, clock, log } = this.#parts;
    const kinds = { backup: backups, restore: restores, snapshot: snapshots };
    const store = stores.named(storeName);
    const survey = await findOrphans({ store, domain, objects: (word, signal) => objects.each(kinds[word], signal) }, signal);
    const { orphans, folders, bytes } = survey;
    const now = clock.monotonic();
    const toldAt = ({ path }: Orphan) => this.#told.get(`${storeName}/${path}`) ?? now;
    for (const orphan of orphans) told.set(`${storeName}/${orphan.path}`, toldAt(orphan));
    if (folders === 0) return survey;
    const paths = orphans.slice(0, named).map(({ path }) => path);
    log.warn('data in the store belongs to no Backup, Restore or Snapshot', { storeName, folders, bytes, paths });
    const removed = await this.#remove(
      store,
      orphans.filter((orphan) => !orphan.holdsBackup && now - toldAt(orphan) >= lookEvery),
      signal,
    );
    return { folders: folders - removed.folders, bytes: bytes - removed.bytes };
  }

  async #remove(store: ObjectStore, orphans: readonly Orphan[], signal: AbortSignal): Promise<Omit<OrphanSurvey, 'orphans'>> {
    let [folders, bytes] = [0, 0];
    for (const orphan of orphans) {
      await removeOrphan(store, orphan, signal);
      folders += 1;
      bytes += orphan.bytes;
    }
    if (folders > 0) this.#parts.log.info('data that belonged to nobody was removed', { folders, bytes });
    return { folders, bytes };
  }
}
