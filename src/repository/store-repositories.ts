/** Repositories in an object store, and what serves them to restic. */
import type { Clock } from '../base/clock.ts';
import type { Ids } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { StoreError } from '../objectstore/objectstore.ts';
import { mark, markedAndGone, markedNamespaces, unmark } from './forgotten.ts';
import { fileKey, isFileId } from './paths.ts';
import { createServe } from './protocol/serve.ts';
import { repositoriesPath } from './protocol/target.ts';
import type { Access, Permit, Repositories } from './repositories.ts';
import { SecretFiles } from './secrets.ts';
import { credentialsOf } from './tickets.ts';
import { forgetWriter, writerOf } from './writers.ts';

export interface RepositoryParts {
  readonly store: ObjectStore;
  /** Names the cluster in the store. */
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

  async access(namespace: string, permit: Permit, ms: number, signal: AbortSignal): Promise<Access> {
    const { repositoryPassword, ticketKey } = await this.#secrets.ensure(namespace, signal);
    const expires = Math.ceil((this.#parts.clock.now() + ms) / 1000);
    return {
      path: `${repositoriesPath.slice(1)}${namespace}/`,
      ...credentialsOf({ namespace, ...permit, expires }, ticketKey),
      repositoryPassword,
    };
  }

  async isWrittenFor(namespace: string, snapshotId: string, holder: string, signal: AbortSignal): Promise<boolean> {
    const { store, domain } = this.#parts;
    const place = { domain, namespace };
    const writer = await writerOf(store, place, snapshotId, signal);
    return writer?.holder === holder && (await store.size(fileKey(place, 'snapshots', snapshotId), signal)) !== undefined;
  }

  async forget(namespace: string, snapshotId: string, signal: AbortSignal): Promise<void> {
    if (!isFileId(snapshotId)) throw new StoreError(`"${snapshotId.slice(0, 80)}" is no id of a snapshot of restic`);
    const { store, domain } = this.#parts;
    const place = { domain, namespace };
    await mark(store, place, snapshotId, signal);
    await store.delete(fileKey(place, 'snapshots', snapshotId), signal);
    await forgetWriter(store, place, snapshotId, signal);
  }

  unpruned(signal: AbortSignal): Promise<readonly string[]> {
    return markedNamespaces(this.#parts.store, this.#parts.domain, signal);
  }

  forgotten(namespace: string, signal: AbortSignal): Promise<readonly string[]> {
    const { store, domain } = this.#parts;
    return markedAndGone(store, { domain, namespace }, signal);
  }

  pruned(namespace: string, snapshotIds: readonly string[], signal: AbortSignal): Promise<void> {
    const { store, domain } = this.#parts;
    return unmark(store, { domain, namespace }, snapshotIds, signal);
  }
}
