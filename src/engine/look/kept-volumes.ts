/**
 * Volumes made of what a driver keeps of Snapshots, for who looks into them: with the first look a claim, and a Pod that has it, which stay for those that
 * follow: by the claim, which no Pod outlives, is found what is left of both. What has not been used for minutes goes, whichever replica has made it.
 */
import { messageOf } from '../../base/lifetime.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import { unavailable } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { User } from '../../machinery/user.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { mountedIn } from '../copy/mounted-volume.ts';
import type { MountedVolume } from '../copy/mounted-volume.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { runAsOf } from '../mover/mover-pod.ts';
import { findMover, makePod, startTime, whyNot } from '../mover/mover.ts';
import type { Sender } from '../mover/mover.ts';
import { isOver, phaseOf } from '../mover/pod-state.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { createdAt, fieldsOf, textOf } from '../selection/fields.ts';
import {
  createIntermediate,
  discardIntermediate,
  findIntermediate,
  intermediateClaim,
  intermediateName,
  letGo,
} from '../snapshot/intermediate.ts';
import { claims, madeFor, pods } from '../snapshot/known.ts';
import { listed } from '../snapshot/listed.ts';
import { userOf } from '../snapshot/live-claim.ts';
import { claimSpecFor } from '../snapshot/move.ts';
import { remove } from '../snapshot/removal.ts';
import { findKept } from '../snapshot/revive.ts';
import { repositoryOf } from '../stores/stores.ts';
import { lookLabels, lookPod, lookSelector } from './look-pod.ts';

const pollEvery = 500;
/** Milliseconds between looks for what is not used any more. */
const tidyEvery = 60_000;
/** Milliseconds that a driver may take for the volume, after which all is given up. */
const longestMade = 3_600_000;

export interface KeptVolume {
  readonly sender: Sender;
  readonly mounted: MountedVolume;
}

/** What there is for a Snapshot. */
interface Made {
  readonly claim: ClusterObject | undefined;
  readonly pod: ClusterObject | undefined;
}

export class KeptVolumes {
  readonly #parts: EngineParts;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Made as the user, where it is not there. Rejects with ApiError 503 where it was not there within `ms`, and with RunFailed or ClusterError where it never will be. */
  async open(snapshot: Snapshot, user: User, ms: number, signal: AbortSignal): Promise<KeptVolume> {
    const { clock, cluster, log } = this.#parts;
    const sender: Sender = { parts: this.#parts, cluster: cluster.as(user), onProgress: () => {}, warn: (text) => log.warn(text), signal };
    for (const deadline = clock.monotonic() + ms; ; await clock.sleep(pollEvery, signal)) {
      const made = await this.#made(snapshot, signal);
      const { claim, pod } = made;
      const mounted = claim && pod && mountedIn(pod, claim.metadata.name);
      if (mounted) return { sender, mounted };
      if (pod && isOver(pod)) await remove(cluster, pods, pod, signal);
      else await this.#make(sender, snapshot, user, made);
      if (clock.monotonic() >= deadline)
        throw unavailable(`a volume is being made of what the driver keeps${pod ? whyNot(pod) : ''}; try again`);
    }
  }

  /** Rejects as `open` does where nothing could be made. */
  async rehearse(snapshot: Snapshot, user: User, signal: AbortSignal): Promise<void> {
    requireImage(this.#parts);
    await findKept({ parts: this.#parts, creator: user, object: snapshot, signal }, snapshot);
  }

  /** Takes away what is not used any more, from time to time, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(tidyEvery, signal).catch(() => {});
      if (!signal.aborted) await this.#tidy(signal).catch((error: unknown) => this.#warn(error, signal));
    }
  }

  async #made(owner: KubeObject, signal: AbortSignal): Promise<Made> {
    const parts = this.#parts;
    const claim = await retried(parts.clock, signal, () => findIntermediate(parts, owner, signal));
    return { claim, pod: claim && (await retried(parts.clock, signal, () => findMover(parts, owner, signal))) };
  }

  /** What is missing. The claim goes again where no Pod can be made for it. */
  async #make(sender: Sender, snapshot: Snapshot, user: User, { claim, pod }: Made): Promise<void> {
    if (claim && (pod || claim.metadata['deletionTimestamp'] !== undefined)) return;
    const parts = this.#parts;
    const { signal } = sender;
    const image = requireImage(parts);
    const isNew = !claim && (await this.#makeClaim(sender, snapshot, user));
    try {
      const errand = await this.#errand(snapshot, user, signal);
      await makePod(sender, errand, (isRestricted) => lookPod(errand, image, isRestricted));
    } catch (error) {
      if (isNew) await discardIntermediate(parts, snapshot, signal);
      throw error;
    }
  }

  /** Resolves to whether it was not there. */
  async #makeClaim(sender: Sender, snapshot: Snapshot, user: User): Promise<boolean> {
    const { parts, cluster, signal } = sender;
    const ready = await findKept({ parts, creator: user, object: snapshot, signal }, snapshot);
    const claim = intermediateClaim(snapshot, claimSpecFor(snapshot.status.claim ?? {}, ready), undefined);
    const labels = { ...fieldsOf(claim.metadata['labels']), ...lookLabels };
    return createIntermediate(parts, cluster, snapshot, { ...claim, metadata: { ...claim.metadata, labels } }, signal);
  }

  async #errand(snapshot: Snapshot, user: User, signal: AbortSignal): Promise<Errand> {
    const parts = this.#parts;
    const { claim } = snapshot.status;
    const using = claim && (await userOf({ parts, creator: user, object: snapshot, signal }, claim.name));
    return {
      owner: snapshot,
      repository: repositoryOf(snapshot),
      claimName: intermediateName(snapshot),
      isBlock: claim?.volumeMode === 'Block',
      way: 'backup',
      args: [],
      runAs: using && runAsOf(using),
    };
  }

  /** One that cannot be taken away leaves the others their turn. */
  async #tidy(signal: AbortSignal): Promise<void> {
    for (const claim of await listed<ClusterObject>(this.#parts.cluster, claims, { labelSelector: lookSelector }, signal))
      await this.#discardUnused(claim, signal).catch((error: unknown) => this.#warn(error, signal));
  }

  /** Only what Kylon has made, and nothing that has come in its place since it was listed. A claim waits for its Pod. */
  async #discardUnused(seen: ClusterObject, signal: AbortSignal): Promise<void> {
    const { claim, pod } = await this.#made(ownerOf(seen), signal);
    if (!claim || claim.metadata.uid !== seen.metadata.uid) return;
    const isUnused = pod ? isOver(pod) || (phaseOf(pod) === 'Pending' && this.#isOlder(pod, longestMade)) : this.#isOlder(claim, startTime);
    if (!isUnused) return;
    if (pod) await remove(this.#parts.cluster, pods, pod, signal);
    await letGo(this.#parts, claim, signal);
  }

  #isOlder(object: ClusterObject, ms: number): boolean {
    return this.#parts.clock.now() - createdAt(object) > ms;
  }

  #warn(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted)
      this.#parts.log.warn('what somebody looked into a Snapshot through was not taken away', { error: messageOf(error) });
  }
}

/** As far as is needed to find what was made for it, and to prove that. */
function ownerOf({ metadata }: ClusterObject): KubeObject {
  const uid = textOf(fieldsOf(metadata['labels'])[madeFor]) ?? '';
  return { apiVersion: '', kind: '', metadata: { name: '', namespace: metadata.namespace ?? '', uid } };
}

function requireImage({ mover }: EngineParts): string {
  if (mover) return mover.image;
  const cure = 'restore it to a new claim, and take that with the method Copy';
  const why = 'its files are with the CSI driver, and Kylon was not told by which image to look into that: --mover-image';
  throw new RunFailed('MoversNotSet', `${why}; or ${cure}`);
}
