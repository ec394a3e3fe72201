/**
 * Checks each repository once a day, and frees what forgotten snapshots held, by a mover for each, one at a time. It runs beside Kylon: whoever
 * reads its Secret can delete all that was moved from that namespace. What has to be pruned is marked in the store, and how far it was checked; what a Pod
 * does is written on it, and its name follows from the repository: so replicas take up each other's, and a mark goes only when a prune that began after it is done.
 */
import { hash } from 'node:crypto';
import { messageOf } from '../../base/lifetime.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import { StoreError } from '../../objectstore/objectstore.ts';
import type { Checked, RepositoryName } from '../../repository/repositories.ts';
import { RepositoryKeyError } from '../../repository/repositories.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { freedIn } from '../mover/mover-log.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { awaitEnd, discardMover, lookAtMover, sendMover } from '../mover/mover.ts';
import type { Ended } from '../mover/mover.ts';
import type { EngineParts } from '../parts.ts';
import { recordEvent } from '../runs/events.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { isInRepository } from '../snapshot/fill.ts';
import { checkNumber, forgottenIds, prunedNamespace, prunedStore } from '../snapshot/known.ts';
import { unlessThere } from '../snapshot/removal.ts';
import { repositoryOf, storeNames } from '../stores/stores.ts';
import { shareOf } from './share.ts';

/** Milliseconds between two looks: so often is tried again what was locked, or whose Pod was killed. */
const lookEvery = ({ maintainEvery }: EngineParts) => Math.min(3_600_000, maintainEvery / 24);
/** Milliseconds after the start: what is restored, or was begun before, comes first. */
const firstLook = (parts: EngineParts) => lookEvery(parts) / 12;
/** Snapshots that are told that their repository is damaged. */
const mostTold = 100;
/** Nothing, or not all, can be read any more. */
const unreadable: ReadonlySet<string> = new Set(['RepositoryDamaged', 'RepositoryKeyLost', 'RepositoryKeyWrong']);

export class Prune {
  readonly #parts: EngineParts;
  /** When each may be pruned or checked again, by the monotonic clock. As many as were within a day. */
  #notBefore: ReadonlyMap<string, number> = new Map();
  #damaged: ReadonlySet<string> = new Set();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const help = 'Repositories of volumes that this replica has seen found damaged or without their key, and not found whole since.';
    parts.metrics.gauge('kylon_repository_check_failed', help, () => this.#damaged.size);
  }

  /** Looks from time to time until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { mover, clock, log } = this.#parts;
    if (mover === undefined) return;
    for (let pause = firstLook(this.#parts); !signal.aborted; pause = lookEvery(this.#parts)) {
      await clock.sleep(pause, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#look(mover.namespace, signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('it was not seen which repositories are to be checked and pruned', { error: messageOf(error) });
      });
    }
  }

  /** A store that does not answer keeps none of the others waiting. */
  async #look(ownNamespace: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const now = clock.monotonic();
    this.#notBefore = new Map([...this.#notBefore].filter(([, at]) => at > now));
    for (const storeName of await storeNames(this.#parts, signal)) {
      const due = await this.#dueIn(storeName, signal).catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
        log.warn('it was not seen which repositories of a store are to be checked and pruned', { storeName, error: error.message });
      });
      if (due) await this.#pruneAll(storeName, due, ownNamespace, signal);
    }
  }

  /** The namespaces whose repositories have something to be freed, or were not checked within a day. */
  async #dueIn(storeName: string, signal: AbortSignal): Promise<readonly string[]> {
    const { repositories } = this.#parts;
    const marked = await repositories.unpruned(storeName, signal);
    const checks = await repositories.checks(storeName, signal);
    const unchecked = [...checks].filter(([, checked]) => this.#isDue(checked)).map(([namespace]) => namespace);
    return [...new Set([...marked, ...unchecked])];
  }

  async #pruneAll(storeName: string, due: readonly string[], ownNamespace: string, signal: AbortSignal): Promise<void> {
    const keys = new Set(due.map((namespace) => keyOf({ storeName, namespace })));
    this.#damaged = new Set([...this.#damaged].filter((key) => keys.has(key) || !key.startsWith(`${storeName}/`)));
    for (const namespace of due) {
      signal.throwIfAborted();
      const repository = { storeName, namespace };
      if (!this.#notBefore.has(keyOf(repository))) await this.#prune(errandFor(repository, ownNamespace), signal);
    }
  }

  async #prune(errand: Errand, signal: AbortSignal): Promise<void> {
    try {
      const end = await this.#outcome(errand, signal);
      if (end === undefined) return;
      if (end.is === 'done' || end.is === 'locked') await this.#noteCheck(errand.repository, end.pod, signal);
      if (end.is === 'done') await this.#finish(errand.repository, end, signal);
      else
        this.#parts.log.info('a repository is pruned later', {
          ...errand.repository,
          why: end.is === 'locked' ? 'it is locked' : 'its Pod was killed',
        });
      await discardMover(this.#parts, errand.owner, signal);
    } catch (error) {
      if (!signal.aborted) await this.#fail(errand, error, signal);
    }
  }

  /** Undefined where nothing is to be done: another replica has done it, or nothing is there. */
  async #outcome(errand: Errand, signal: AbortSignal): Promise<Ended | undefined> {
    const parts = this.#parts;
    const sender = { parts, cluster: parts.cluster, onProgress: () => {}, warn: () => {}, signal };
    if ((await lookAtMover(sender, errand)).is === 'gone') {
      const work = await this.#workOn(errand.repository, signal);
      if (!work) return undefined;
      const annotations = { ...errand.annotations, ...work.annotations };
      await sendMover(sender, { ...errand, args: work.args, annotations }).catch(unlessThere);
    }
    return awaitEnd(sender, errand);
  }

  async #workOn(repository: RepositoryName, signal: AbortSignal): Promise<Pick<Errand, 'annotations' | 'args'> | undefined> {
    const { repositories, clock } = this.#parts;
    const ids = await repositories.forgotten(repository, signal);
    const last = await repositories.lastCheck(repository, signal);
    const freeing = ids.length > 0 && { [forgottenIds]: ids.join(' ') };
    if (last && !this.#isDue(last)) return freeing ? { args: [], annotations: freeing } : undefined;
    const times = (last?.times ?? 0) + 1;
    const { snapshots, bytes } = await repositories.contents(repository, signal);
    if (!freeing && snapshots === 0 && bytes === 0) {
      await repositories.noteCheck(repository, { times, at: clock.now() }, signal);
      return undefined;
    }
    return { args: [shareOf(times, bytes)], annotations: { ...freeing, [checkNumber]: String(times) } };
  }

  /** Where the Pod has checked it, which it does first: whatever has kept it from the rest, it is whole. */
  async #noteCheck(repository: RepositoryName, { metadata }: ClusterObject, signal: AbortSignal): Promise<void> {
    const times = Number(textOf(fieldsOf(metadata['annotations'])[checkNumber]));
    if (!(times > 0)) return;
    await this.#parts.repositories.noteCheck(repository, { times, at: this.#parts.clock.now() }, signal);
    this.#damaged = new Set([...this.#damaged].filter((one) => one !== keyOf(repository)));
  }

  /** The marks go before the Pod: whoever does not see the Pod sees that they are gone. */
  async #finish(repository: RepositoryName, { pod, log }: Extract<Ended, { is: 'done' }>, signal: AbortSignal): Promise<void> {
    await this.#parts.repositories.pruned(repository, idsOn(pod), signal);
    this.#rest(repository);
    this.#parts.log.info('a repository is whole, and was pruned', { ...repository, freed: freedIn(log) ?? 'nothing' });
  }

  /** What is not the end of the Pod, an answer that did not come, is no reason to end it. */
  async #fail({ owner, repository }: Errand, error: unknown, signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    if (!(error instanceof RunFailed || error instanceof RepositoryKeyError))
      return log.warn('a repository is pruned later', { ...repository, error: messageOf(error) });
    this.#rest(repository);
    await discardMover(this.#parts, owner, signal);
    if (!unreadable.has(error.reason)) return log.warn('a repository was not pruned', { ...repository, error: error.message });
    this.#damaged = new Set([...this.#damaged, keyOf(repository)]);
    log.error('a repository cannot be read, or not all of it', { ...repository, error: error.message });
    await this.#tell(repository, error, signal);
  }

  /** Those who have something in it, by an Event. */
  async #tell(repository: RepositoryName, { reason, message }: RunFailed | RepositoryKeyError, signal: AbortSignal): Promise<void> {
    const { objects, snapshots } = this.#parts;
    const found = await objects.list(snapshots, { namespace: repository.namespace }, signal);
    const moved = found.filter((one) => isInRepository(one as Snapshot) && repositoryOf(one).storeName === repository.storeName);
    for (const snapshot of moved.slice(0, mostTold)) await recordEvent(this.#parts, snapshot, { type: 'Warning', reason, message }, signal);
  }

  #isDue({ at }: Checked): boolean {
    return this.#parts.clock.now() - at >= this.#parts.maintainEvery;
  }

  #rest(repository: RepositoryName): void {
    const { clock, maintainEvery } = this.#parts;
    this.#notBefore = new Map([...this.#notBefore, [keyOf(repository), clock.monotonic() + maintainEvery]]);
  }
}

const keyOf = ({ storeName, namespace }: RepositoryName) => `${storeName}/${namespace}`;

/** Named by a hash: a name of a namespace fills a label alone. */
function errandFor(repository: RepositoryName, ownNamespace: string): Errand {
  const uid = `prune-${hash('sha256', keyOf(repository)).slice(0, 16)}`;
  const owner = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: repository.namespace, namespace: ownNamespace, uid } };
  const annotations = { [prunedNamespace]: repository.namespace, [prunedStore]: repository.storeName };
  return { owner, repository, isBlock: false, way: 'prune', args: [], annotations };
}

function idsOn({ metadata }: ClusterObject): readonly string[] {
  return (textOf(fieldsOf(metadata['annotations'])[forgottenIds]) ?? '').split(' ').filter((id) => id !== '');
}
