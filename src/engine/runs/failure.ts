/** Why a run ends early: each way to end has its own class, so that its end can be told from a fault of the program. */

import { messageOf } from '../../base/lifetime.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { ApiError } from '../../machinery/errors.ts';
import { StoreError, StoreFull, StoreUnavailable } from '../../objectstore/objectstore.ts';
import { FolderTooLarge } from '../../repository/reading/folder.ts';
import { RepositoryKeyError } from '../../repository/repositories.ts';
import { ArchiveDamaged } from '../archive/archive.ts';

/** The run cannot go on: phase Failed, with a reason in CamelCase and a message for people. */
export class RunFailed extends Error {
  override readonly name = 'RunFailed';
  readonly reason: string;
  constructor(reason: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** The object was deleted, or another replica goes on with it: nothing more is written about this run. */
export class RunAbandoned extends Error {
  override readonly name = 'RunAbandoned';
}

/** What is told about any end that was not meant: who failed, in one word, and its own words. */
export function failureOf(error: unknown): { readonly reason: string; readonly message: string } {
  if (error instanceof RunFailed || error instanceof RepositoryKeyError) return { reason: error.reason, message: error.message };
  if (error instanceof ClusterError) return { reason: error.code === 403 ? 'Forbidden' : 'ClusterError', message: error.message };
  if (error instanceof StoreUnavailable || error instanceof StoreFull || error instanceof FolderTooLarge)
    return { reason: error.name, message: error.message };
  if (error instanceof StoreError || error instanceof ArchiveDamaged) return { reason: 'StoreError', message: error.message };
  return { reason: error instanceof ApiError ? error.reason : 'InternalError', message: messageOf(error) };
}

/** Throws why `signal` aborted, if it did. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason;
}
