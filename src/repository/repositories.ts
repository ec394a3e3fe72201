/**
 * What was in volumes, in the object store: a restic repository (https://restic.readthedocs.io/en/stable/100_references.html) for each
 * namespace in each store, under a password of its own. Whoever moves a volume speaks restic's REST protocol with this process, and has no key of the store.
 */
import { StoreDamaged } from '../objectstore/objectstore.ts';

/**
 * Nothing in a repository can be read before its secrets are put back. `RepositoryKeyLost`: they are missing or damaged; `RepositoryKeyWrong`: they
 * are not those of this repository.
 */
export class RepositoryKeyError extends StoreDamaged {
  readonly reason: 'RepositoryKeyLost' | 'RepositoryKeyWrong';
  constructor(reason: RepositoryKeyError['reason'], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/**
 * `read`: to read, and to say so by a lock; `append`: that, and to add what is not there. Neither deletes anything but its own locks and those of the dead. `prune`: to read, and to add and
 * delete data and indexes, but no snapshot. Nothing is replaced by any.
 */
export type Rights = 'append' | 'prune' | 'read';

/** What a ticket is for, and for whom. */
export interface Permit {
  readonly rights: Rights;
  /** Uid of the object for which the work is done: what is written by the ticket counts as written for it. */
  readonly holder: string;
}

/** How restic reaches a repository. All but the path is secret. */
export interface Access {
  /** Below the address of this process, for `restic -r rest:https://ADDRESS/PATH`. Ends with a slash. */
  readonly path: string;
  /** For RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD: good for this repository and these rights, until their time is over. */
  readonly username: string;
  readonly password: string;
  /** For RESTIC_PASSWORD. */
  readonly repositoryPassword: string;
}

/** Each store has one for each namespace. */
export interface RepositoryName {
  readonly storeName: string;
  readonly namespace: string;
}

/** How often a repository was checked, and when last, in milliseconds since the epoch by the wall clock; or made, where it never was. */
export interface Checked {
  readonly times: number;
  readonly at: number;
}

/** What lies in a repository: how many snapshots, and how many bytes of packs. */
export interface Contents {
  readonly snapshots: number;
  readonly bytes: number;
}

export interface Repositories {
  /**
   * Access to a repository for `ms` milliseconds, by any replica of this process. Its passwords are made with the first
   * call, and so is the repository: nobody has to `restic init`. Rejects with a StoreError, such as RepositoryKeyError.
   */
  access(repository: RepositoryName, permit: Permit, ms: number, signal: AbortSignal): Promise<Access>;
  /** Whether a snapshot is there and was written by a ticket of this holder: a Pod may say anything. Rejects with a StoreError. */
  isWrittenFor(repository: RepositoryName, snapshotId: string, holder: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Takes a snapshot, by the id that restic gave it, out of the repository; it is no fault where it is gone. The packs stay until they are pruned, and
   * before anything is deleted it is written down that they have to be. Rejects with a StoreError.
   */
  forget(repository: RepositoryName, snapshotId: string, signal: AbortSignal): Promise<void>;
  /** The namespaces from whose repositories in a store something was forgotten, and not pruned since. Rejects with a StoreError. */
  unpruned(storeName: string, signal: AbortSignal): Promise<readonly string[]>;
  /** The ids of snapshots of such a repository that are gone by now, so that a prune which begins after this frees what they held; the first thousand. Rejects with a StoreError. */
  forgotten(repository: RepositoryName, signal: AbortSignal): Promise<readonly string[]>;
  /** They need no prune any more. Rejects with a StoreError. */
  pruned(repository: RepositoryName, snapshotIds: readonly string[], signal: AbortSignal): Promise<void>;
  /** How far the repositories in a store have been checked, by namespace. Rejects with a StoreError. */
  checks(storeName: string, signal: AbortSignal): Promise<ReadonlyMap<string, Checked>>;
  /** Undefined where that is not known. Rejects with a StoreError. */
  lastCheck(repository: RepositoryName, signal: AbortSignal): Promise<Checked | undefined>;
  /** A check has found it whole. Rejects with a StoreError. */
  noteCheck(repository: RepositoryName, checked: Checked, signal: AbortSignal): Promise<void>;
  /** Lists all of it. Rejects with a StoreError. */
  contents(repository: RepositoryName, signal: AbortSignal): Promise<Contents>;
}
