/**
 * Volumes made of what a driver keeps of Snapshots, for who looks into them: with the first look a claim and a Pod that has it, which stay for those that
 * follow. What has not been used for minutes goes, whichever replica has made it.
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
import { discardMover, findMover, makePod, startTime, whyNot } from '../mover/mover.ts';
import type { Sender } from '../mover/mover.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { createIntermediate, discardIntermediate, intermediateClaim, intermediateName } from '../snapshot/intermediate.ts';
import { madeFor, pods } from '../snapshot/known.ts';
import { userOf } from '../snapshot/live-claim.ts';
import { claimSpecFor } from '../snapshot/move.ts';
import { findKept } from '../snapshot/revive.ts';
import { repositoryOf } from '../stores/stores.ts';
import { lookComponent, lookPod } from './look-pod.ts';

const pollEvery = 500;
/** Milliseconds between looks for what is not used any more. */
const tidyEvery = 60_000;

export interface KeptVolume {
  readonly sender: Sender;
  readonly mounted: MountedVolume;
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
      const pod = await findMover(this.#parts, snapshot, signal);
      const mounted = pod && mountedIn(pod, intermediateName(snapshot));
      if (mounted) return { sender, mounted };
      if (pod && hasEnded(pod)) await discardMover(this.#parts, snapshot, signal);
      else await this.#send(sender, snapshot, user);
      if (clock.monotonic() >= deadline)
        throw unavailable(`a volume is being made of what the driver keeps${pod ? whyNot(pod) : ''}; try again`);
    }
  }

  /** Takes away what is not used any more, from time to time, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    while (!signal.aborted) {
      await clock.sleep(tidyEvery, signal).catch(() => {});
      if (signal.aborted) return;
      await this.#tidy(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('Pods through which somebody looked into Snapshots were not looked for', { error: messageOf(error) });
      });
    }
  }

  /** The Pod first: by it what is left of both is found. What is there already will do. */
  async #send(sender: Sender, snapshot: Snapshot, user: User): Promise<void> {
    const parts = this.#parts;
    const { signal } = sender;
    const image = parts.mover?.image ?? noImage(snapshot);
    const { claim = {} } = snapshot.status;
    const ready = await findKept({ parts, creator: user, object: snapshot, signal }, snapshot);
    const errand = await this.#errand(snapshot, user, signal);
    await makePod(sender, errand, (isRestricted) => lookPod(errand, image, isRestricted));
    const intermediate = intermediateClaim(snapshot, claimSpecFor(claim, ready), undefined);
    await createIntermediate(parts, sender.cluster, snapshot, intermediate, signal).catch(async (error: unknown) => {
      await discardMover(parts, snapshot, signal);
      throw error;
    });
  }

  async #errand(snapshot: Snapshot, user: User, signal: AbortSignal): Promise<Errand> {
    const { claim } = snapshot.status;
    const using = claim && (await userOf({ parts: this.#parts, creator: user, object: snapshot, signal }, claim.name));
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

  async #tidy(signal: AbortSignal): Promise<void> {
    const { cluster } = this.#parts;
    const labelSelector = `${madeFor},app.kubernetes.io/component in (${lookComponent})`;
    for await (const { items } of cluster.list(pods, { labelSelector }, signal))
      for (const item of items) await this.#discardUnused(JSON.parse(Buffer.from(item).toString()) as ClusterObject, signal);
  }

  async #discardUnused(pod: ClusterObject, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const hasNotStarted =
      phaseOf(pod) === 'Pending' && clock.now() - Date.parse(textOf(pod.metadata['creationTimestamp']) ?? '') > startTime;
    if (!hasEnded(pod) && !hasNotStarted) return;
    const owner = ownerOf(pod);
    await discardIntermediate(this.#parts, owner, signal);
    await discardMover(this.#parts, owner, signal);
  }
}

/** As far as is needed to find what was made for it, and to prove that. */
function ownerOf({ metadata }: ClusterObject): KubeObject {
  const uid = textOf(fieldsOf(metadata['labels'])[madeFor]) ?? '';
  return { apiVersion: '', kind: '', metadata: { name: '', namespace: metadata.namespace ?? '', uid } };
}

const phaseOf = ({ status }: ClusterObject) => textOf(fieldsOf(status)['phase']);
const hasEnded = (pod: ClusterObject) => /^(Succeeded|Failed)$/.test(phaseOf(pod) ?? '') || pod.metadata['deletionTimestamp'] !== undefined;

function noImage({ status: { volumeSnapshotName = '' } }: Snapshot): never {
  const cure = `a Snapshot with spec.source.volumeSnapshotName ${volumeSnapshotName} and spec.moveData copies them into the object store`;
  const why = 'its files are with the CSI driver, and Kylon was not told by which image to look into that: --mover-image';
  throw new RunFailed('MoversNotSet', `${why}; or ${cure}`);
}
