/**
 * Once an hour: tells what lies in the store and belongs to nobody, and removes what it has told an hour before and is of no use. A
 * whole backup that the catalog does not know is never removed so: maybe the catalog was lost, and it is all that is left.
 */
import { messageOf } from '../../base/lifetime.ts';
import type { EngineParts } from '../parts.ts';
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
  /** When each was told first, by the monotonic clock. As many as a survey names. */
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

  async #look(signal: AbortSignal): Promise<void> {
    const { store, domain, objects, backups, restores, snapshots, clock, log } = this.#parts;
    const kinds = { backup: backups, restore: restores, snapshot: snapshots };
    const survey = await findOrphans({ store, domain, objects: (word, signal) => objects.each(kinds[word], signal) }, signal);
    const { orphans, folders, bytes } = survey;
    const now = clock.monotonic();
    const due = orphans.filter(({ path, holdsBackup }) => !holdsBackup && now - (this.#told.get(path) ?? now) >= lookEvery);
    this.#told = new Map(orphans.map(({ path }) => [path, this.#told.get(path) ?? now]));
    this.#last = { folders, bytes };
    if (folders === 0) return;
    log.warn('data in the store belongs to no Backup, Restore or Snapshot', {
      folders,
      bytes,
      paths: orphans.slice(0, named).map(({ path }) => path),
    });
    if (due.length > 0) await this.#remove(due, signal);
  }

  async #remove(orphans: readonly Orphan[], signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    let [folders, bytes] = [0, 0];
    for (const orphan of orphans) {
      await removeOrphan(store, orphan, signal);
      folders += 1;
      bytes += orphan.bytes;
    }
    this.#last = { folders: this.#last.folders - folders, bytes: this.#last.bytes - bytes };
    log.info('data that belonged to nobody was removed', { folders, bytes });
  }
}
