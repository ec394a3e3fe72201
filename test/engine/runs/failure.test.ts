/** By which word a run says why it has ended. */
import { expect, it } from 'vitest';
import { ClusterError } from '../../../src/cluster/cluster.ts';
import { failureOf, RunFailed } from '../../../src/engine/runs/failure.ts';
import { StoreDamaged, StoreFull, StoreUnavailable } from '../../../src/objectstore/objectstore.ts';
import { FolderTooLarge } from '../../../src/repository/reading/folder.ts';
import { RepositoryKeyError } from '../../../src/repository/repositories.ts';

it.each<[Error, string]>([
  [new RunFailed('ClaimLost', 'why'), 'ClaimLost'],
  [new RepositoryKeyError('RepositoryKeyLost', 'why'), 'RepositoryKeyLost'],
  [new ClusterError(403, 'Forbidden', 'why'), 'Forbidden'],
  [new ClusterError(409, 'Conflict', 'why'), 'ClusterError'],
  [new StoreUnavailable('why'), 'StoreUnavailable'],
  [new StoreFull('why'), 'StoreFull'],
  [new FolderTooLarge('why'), 'FolderTooLarge'],
  [new StoreDamaged('why'), 'StoreError'],
  [new Error('why'), 'InternalError'],
])('of %o is %s, and its own words', (error, reason) => {
  expect(failureOf(error)).toEqual({ reason, message: 'why' });
});
