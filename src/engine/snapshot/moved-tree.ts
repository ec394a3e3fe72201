/** The files of what was moved into a repository. */
import { unlessAborted, withDeadline } from '../../base/lifetime.ts';
import { quote } from '../../machinery/errors.ts';
import { StoreDamaged, StoreUnavailable } from '../../objectstore/objectstore.ts';
import { resticFolder } from '../../repository/paths.ts';
import type { FileTree } from '../../repository/reading/file-tree.ts';
import type { RepositoryName } from '../../repository/repositories.ts';
import type { EngineParts } from '../parts.ts';

/** Milliseconds. */
const openWithin = 60_000;

/** Under which movers save a volume: a folder with its files, or a file with the bytes of a device. */
const volumeName = 'volume';

type TreeParts = Pick<EngineParts, 'domain' | 'repositories' | 'openRepositories' | 'clock'> & {
  readonly stores: Pick<EngineParts['stores'], 'named'>;
};

/** By the id that restic gave it. Who goes away leaves the opening to the others. Rejects with a StoreError. */
export function openMovedTree(
  { stores, domain, repositories, openRepositories, clock }: TreeParts,
  repository: RepositoryName,
  id: string,
  signal: AbortSignal,
): Promise<FileTree> {
  const { storeName, namespace } = repository;
  const location = { store: stores.named(storeName), prefix: resticFolder({ domain, namespace }) };
  const lasting = new AbortController().signal;
  const late = () => new StoreUnavailable(`${location.prefix} was not opened within ${openWithin / 1_000} s`);
  const opening = withDeadline(clock, openWithin, lasting, late, async (signal) => {
    const permit = { rights: 'read', holder: 'kylon' } as const;
    const password = async () => (await repositories.access(repository, permit, openWithin, signal)).repositoryPassword;
    const tree = await openRepositories.openTree(location, password, id, signal);
    return (await tree.below(volumeName, signal)) ?? noVolume(location.prefix, id);
  });
  return unlessAborted(opening, signal);
}

function noVolume(prefix: string, id: string): never {
  throw new StoreDamaged(`${prefix}snapshots/${id}: there is nothing in it that is called ${quote(volumeName)}`);
}
