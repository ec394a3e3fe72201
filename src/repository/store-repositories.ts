/** Repositories in object stores, and what serves them to restic. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { StoreError } from '../objectstore/objectstore.ts';
import { lastCheck, lastChecks, noteCheck } from './checks.ts';
import { mark, markedAndGone, markedNamespaces, unmark } from './forgotten.ts';
import { fileKey, isFileId, kindFolder } from './paths.ts';
import type { Place } from './paths.ts';
import { createServe } from './protocol/serve.ts';
import { repositoriesPath } from './protocol/target.ts';
import type { Access, Checked, Contents, Permit, Repositories, RepositoryName } from './repositories.ts';
import { SecretFiles } from './secrets.ts';
import { credentialsOf } from './tickets.ts';
import { forgetWriter, writerOf } from './writers.ts';

export interface RepositoryParts {
  /** The store of a name. Whether there is one is seen when it is used. */
  readonly storeNamed: (name: string) => ObjectStore;
  /** Names the cluster in each store. */
  readonly domain: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function createRepositories(parts: RepositoryParts) {
  const secrets = new SecretFiles(parts);
  const repositories: Repositories = new StoreRepositories(parts, secrets);
  return { repositories, serve: createServe({ ...parts, secrets }) };
}

class StoreRepositories implements Repositories {
  readonly #parts: RepositoryParts;
  readonly #secrets: SecretFiles;

  constructor(parts: RepositoryParts, secrets: SecretFiles) {
    this.#parts = parts;
    this.#secrets = secrets;
  }

  async access(repository: RepositoryName, permit: Permit, ms: number, signal: AbortSignal): Promise<Access> {
    const { storeName, namespace } = repository;
    const { repositoryPassword, ticketKey } = await this.#secrets.ensure(repository, signal);
    if (permit.rights === 'append') await this.#beginChecks(repository, signal);
    const expires = Math.ceil((this.#parts.clock.now() + ms) / 1000);
    return {
      path: `${repositoriesPath.slice(1)}${storeName}/${namespace}/`,
      ...credentialsOf({ namespace, ...permit, expires }, ticketKey),
      repositoryPassword,
    };
  }

  async isWrittenFor(repository: RepositoryName, snapshotId: string, holder: string, signal: AbortSignal): Promise<boolean> {
    const { store, place } = this.#found(repository);
    const writer = await writerOf(store, place, snapshotId, signal);
    return writer?.holder === holder && (await store.size(fileKey(place, 'snapshots', snapshotId), signal)) !== undefined;
  }

  async forget(repository: RepositoryName, snapshotId: string, signal: AbortSignal): Promise<void> {
    if (!isFileId(snapshotId)) throw new StoreError(`"${snapshotId.slice(0, 80)}" is no id of a snapshot of restic`);
    const { store, place } = this.#found(repository);
    await mark(store, place, snapshotId, signal);
    await store.delete(fileKey(place, 'snapshots', snapshotId), signal);
    await forgetWriter(store, place, snapshotId, signal);
  }

  unpruned(storeName: string, signal: AbortSignal): Promise<readonly string[]> {
    return markedNamespaces(this.#parts.storeNamed(storeName), this.#parts.domain, signal);
  }

  forgotten(repository: RepositoryName, signal: AbortSignal): Promise<readonly string[]> {
    const { store, place } = this.#found(repository);
    return markedAndGone(store, place, signal);
  }

  pruned(repository: RepositoryName, snapshotIds: readonly string[], signal: AbortSignal): Promise<void> {
    const { store, place } = this.#found(repository);
    return unmark(store, place, snapshotIds, signal);
  }

  checks(storeName: string, signal: AbortSignal): Promise<ReadonlyMap<string, Checked>> {
    return lastChecks(this.#parts.storeNamed(storeName), this.#parts.domain, signal);
  }

  lastCheck(repository: RepositoryName, signal: AbortSignal): Promise<Checked | undefined> {
    const { store, place } = this.#found(repository);
    return lastCheck(store, place, signal);
  }

  noteCheck(repository: RepositoryName, checked: Checked, signal: AbortSignal): Promise<void> {
    const { store, place } = this.#found(repository);
    return noteCheck(store, place, checked, signal);
  }

  async contents(repository: RepositoryName, signal: AbortSignal): Promise<Contents> {
    const { store, place } = this.#found(repository);
    let [snapshots, bytes] = [0, 0];
    for await (const _ of store.list(kindFolder(place, 'snapshots'), signal)) snapshots += 1;
    for await (const { size } of store.list(kindFolder(place, 'data'), signal)) bytes += size;
    return { snapshots, bytes };
  }

  /** With the first copy, and in a repository of which nothing is known. */
  async #beginChecks(repository: RepositoryName, signal: AbortSignal): Promise<void> {
    if ((await this.lastCheck(repository, signal)) === undefined)
      await this.noteCheck(repository, { times: 0, at: this.#parts.clock.now() }, signal);
  }

  #found({ storeName, namespace }: RepositoryName): { readonly store: ObjectStore; readonly place: Place } {
    return { store: this.#parts.storeNamed(storeName), place: { domain: this.#parts.domain, namespace } };
  }
}
