/** The copies of Snapshots: each lies in the folder of the run that has made it. */
import { unlessAborted, withDeadline } from '../../base/lifetime.ts';
import { StoreUnavailable } from '../../objectstore/objectstore.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { Cache } from '../cache.ts';
import type { EngineParts } from '../parts.ts';
import { runFolder } from '../runs/files.ts';
import { statusOf } from '../runs/run-status.ts';
import { storeOf } from '../stores/stores.ts';
import { openCopy } from './stored-copy.ts';
import type { StoredCopy } from './stored-copy.ts';

/** Milliseconds. */
const openWithin = 60_000;
/** Copies that are open at once; each holds its index. */
const mostOpen = 8;

export class SnapshotCopies {
  readonly #parts: EngineParts;
  readonly #open = new Cache<StoredCopy>(mostOpen);

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Opened once for all who ask; who goes away leaves the opening to the others. Rejects with a StoreError. */
  open(snapshot: Snapshot, signal: AbortSignal): Promise<StoredCopy> {
    const { domain, clock } = this.#parts;
    const folder = folderOf(domain, snapshot);
    const lasting = new AbortController().signal;
    const late = () => new StoreUnavailable(`${folder} was not opened within ${openWithin / 1_000} s`);
    const load = () => withDeadline(clock, openWithin, lasting, late, (signal) => openSnapshotCopy(this.#parts, snapshot, signal));
    return unlessAborted(this.#open.get(`${folder} ${snapshot.status.handle}`, load), signal);
  }
}

/** For one who reads it once. Rejects with a StoreError. */
export const openSnapshotCopy = (parts: EngineParts, snapshot: Snapshot, signal: AbortSignal): Promise<StoredCopy> =>
  openCopy(storeOf(parts, snapshot), folderOf(parts.domain, snapshot), snapshot.status.handle ?? '', signal);

const folderOf = (domain: string, snapshot: Snapshot) =>
  runFolder(domain, 'snapshot', snapshot.metadata.uid ?? '', statusOf(snapshot).run?.id ?? '');
