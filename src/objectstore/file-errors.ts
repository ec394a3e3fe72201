/** What the file system says, in the terms of an object store. */
import { causeOf, codeOf } from '../base/system-errors.ts';
import { StoreDenied, StoreError, StoreFull, StoreNotFound, StoreUnavailable } from './objectstore.ts';

const classOf: Readonly<Record<string, typeof StoreError>> = {
  ENOSPC: StoreFull,
  EDQUOT: StoreFull,
  EACCES: StoreDenied,
  EPERM: StoreDenied,
  EROFS: StoreDenied,
  ENOENT: StoreNotFound,
  ENOTDIR: StoreNotFound,
  EISDIR: StoreNotFound,
  ENAMETOOLONG: StoreError,
};

export function storeErrorOf(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const Translated = classOf[codeOf(error) ?? ''] ?? StoreUnavailable;
  return new Translated(`${what}: ${causeOf(error)}`, { cause: error });
}
