/** What the file system says, in the terms of an object store. */
import { messageOf } from '../base/lifetime.ts';
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

/** As people say it; what is not here is told in the words of the system. */
const causeOf: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ENAMETOOLONG: 'a part of the name is longer than the file system allows',
};

/** The error code of the system, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function storeErrorOf(error: unknown, what: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error) ?? '';
  const Translated = classOf[code] ?? StoreUnavailable;
  return new Translated(`${what}: ${causeOf[code] ?? messageOf(error)}`, { cause: error });
}
