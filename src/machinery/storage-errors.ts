/** The errors of Storage, as a client gets to see them. */
import {
  ApiError,
  alreadyExists,
  conflict,
  expired,
  forbidden,
  notFound,
  timedOut,
  tooLargeResourceVersion,
  unavailable,
} from './errors.ts';
import type { GroupResource } from './errors.ts';
import {
  StorageConflict,
  StorageExists,
  StorageExpired,
  StorageFuture,
  StorageMissing,
  StorageReadOnly,
  StorageUnavailable,
  StorageUnknown,
} from './storage.ts';

/** Anything else comes back as it is. `name` is empty for a whole resource; `asked` is the number that a reader named. */
export function toApiError(error: unknown, what: GroupResource, name: string, asked = 0): unknown {
  if (error instanceof ApiError) return error;
  if (error instanceof StorageExists) return alreadyExists(what, name);
  if (error instanceof StorageConflict) return conflict(what, name);
  if (error instanceof StorageMissing) return notFound(what, name);
  if (error instanceof StorageExpired) return expired('The resourceVersion for the provided list is too old.');
  if (error instanceof StorageFuture) return tooLargeResourceVersion(asked, error.current);
  if (error instanceof StorageReadOnly) return forbidden(what, name, `the store is read-only: ${error.message}`);
  if (error instanceof StorageUnavailable) return unavailable(`the store is not available: ${error.message}`, error);
  if (error instanceof StorageUnknown) return timedOut(`nobody can tell whether the write was done: ${error.message}`, error);
  return error;
}
