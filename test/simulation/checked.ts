/** What a check goes by. */
import type { HistoryWindow } from '../../src/catalog/state/prune.ts';
import type { Bucket } from './bucket.ts';
import type { History } from './history.ts';
import type { TrueLog } from './read-log.ts';
import type { Replica } from './replica.ts';

export interface Violation {
  readonly invariant: string;
  readonly message: string;
}

export interface Finished {
  readonly history: History;
  readonly bucket: Bucket;
  readonly replicas: readonly Replica[];
  readonly window: HistoryWindow;
}

export interface Checked extends Finished {
  readonly log: TrueLog;
  readonly fail: (invariant: string, message: string) => void;
}
