/**
 * Gives claims whose `dataSourceRef` names a Snapshot their volume, as every volume populator of Kubernetes does: the driver makes it through
 * an intermediate claim, and it becomes that of the claim. Each look takes the next step from what is there: nothing is remembered, and
 * replicas that do the same are not in each other's way.
 */
import { messageOf } from '../../base/lifetime.ts';
import type { ClusterObject, ObjectChange } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectRef } from '../../machinery/objects.ts';
import { groupVersion } from '../../machinery/resource.ts';
import { StoreError } from '../../objectstore/objectstore.ts';
import { RepositoryKeyError } from '../../repository/repositories.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { EngineParts } from '../parts.ts';
import { discardMover } from '../mover/mover.ts';
import { selectedNode } from '../restore/cleaning-rules.ts';
import { recordEvent } from '../runs/events.ts';
import { failureOf, RunFailed } from '../runs/failure.ts';
import type { Aside } from '../runs/queue.ts';
import { WorkQueue } from '../runs/queue.ts';
import { refOf } from '../runs/run-status.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { fillOn, isMoved } from '../snapshot/fill.ts';
import { requireSameData } from '../snapshot/content.ts';
import { createIntermediate, discardIntermediate, findIntermediate, intermediateClaim } from '../snapshot/intermediate.ts';
import { claims, referenceTo, volumeSnapshots } from '../snapshot/known.ts';
import { claimsLentTo, isElsewhere, lendToClaim, takeBack } from '../snapshot/lent.ts';
import { dataSourceOf, isMadeAtOnce, requireSameDriver } from '../snapshot/new-claim.ts';
import { rebind } from '../snapshot/rebind.ts';
import { findVolumeSnapshot } from '../snapshot/volume-snapshot.ts';
import { isWaiting, requireRoom, snapshotFor, sourceOf } from './claim.ts';
import type { SnapshotSource } from './claim.ts';

const queueLimit = 10_000;
const atOnce = 8;
/** Milliseconds until it is looked whether the driver, or the binder, has done its part. */
const lookSoon = 1_000;
/** Milliseconds until it is looked whether what was wrong is mended. */
const lookAgain = 15_000;
/** Milliseconds until the claims are followed again. */
const followAgain = 10_000;

export class Populator {
  readonly #parts: EngineParts;
  readonly #queue: WorkQueue<ObjectRef>;
  /** What was said last about each claim, by uid: nothing is said twice. As many as wait. */
  readonly #told = new Map<string, string>();

  constructor(parts: EngineParts) {
    const { clock, log } = parts;
    this.#parts = parts;
    this.#queue = new WorkQueue<ObjectRef>({
      name: 'the volume of a claim',
      concurrency: atOnce,
      limit: queueLimit,
      clock,
      log,
      groupOf: ({ namespace }) => namespace,
      work: (target, signal, aside) => this.#look(target, signal, aside),
    });
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#queue.run(signal), this.#follow(signal)]);
  }

  /** A claim for which there is no room is seen again when the server ends the watch. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { cluster, clock, log } = this.#parts;
    while (!signal.aborted) {
      try {
        for (const target of await claimsLentTo(this.#parts, signal)) this.#queue.add(target.uid, target);
        for await (const change of cluster.follow(claims, signal)) this.#see(change);
      } catch (error) {
        if (!signal.aborted) log.debug('claims are followed again', { error: messageOf(error) });
      }
      await clock.sleep(followAgain, signal).catch(() => {});
    }
  }

  #see({ type, object }: ObjectChange): void {
    if (sourceOf(object, this.#parts.snapshots) === undefined) return;
    const target = refOf(object);
    if (type === 'DELETED') this.#told.delete(target.uid);
    this.#queue.add(target.uid, target);
  }

  /** Resolves to the milliseconds after which to look again, if that is needed. */
  async #look(target: ObjectRef, signal: AbortSignal, aside: Aside): Promise<number | undefined> {
    const { cluster, snapshots } = this.#parts;
    const claim = await cluster.get(claims, target.namespace, target.name, signal);
    if (claim?.metadata.uid !== target.uid) return this.#takeBack(goneClaim(target), signal);
    const source = sourceOf(claim, snapshots);
    if (!source) return undefined;
    if (fieldsOf(claim['status'])['phase'] === 'Bound') {
      this.#told.delete(target.uid);
      await discardMover(this.#parts, claim, signal);
      await discardIntermediate(this.#parts, claim, signal);
      return this.#takeBack(claim, signal);
    }
    return isWaiting(claim) ? this.#proceed(claim, source, signal, aside) : undefined;
  }

  async #takeBack(claim: KubeObject, signal: AbortSignal): Promise<number | undefined> {
    return (await takeBack(this.#parts, claim, signal)) ? undefined : lookSoon;
  }

  async #proceed(claim: ClusterObject, source: SnapshotSource, signal: AbortSignal, aside: Aside): Promise<number | undefined> {
    try {
      const intermediate = await findIntermediate(this.#parts, claim, signal);
      if (!intermediate) return await this.#begin(claim, source, signal);
      const isMade = await aside(() => this.#isMade(claim, intermediate, source, signal));
      return isMade ? await this.#hand(claim, intermediate, signal) : lookSoon;
    } catch (error) {
      if (!(error instanceof RunFailed || error instanceof RepositoryKeyError || error instanceof StoreError)) throw error;
      const { reason, message } = failureOf(error);
      this.#tell(claim, 'Warning', reason, message, signal);
      return lookAgain;
    }
  }

  /** Where the class waits for the first Pod, the scheduler says by an annotation for which node: that is a change of the claim, which is seen. */
  async #begin(claim: ClusterObject, source: SnapshotSource, signal: AbortSignal): Promise<number | undefined> {
    const { cluster } = this.#parts;
    const snapshot = await this.#snapshotFor(claim, source, signal);
    const node = nodeOf(claim);
    if (node === undefined && !(await isMadeAtOnce(cluster, claim, signal))) return undefined;
    const volumeSnapshot = isMoved(snapshot) ? undefined : await this.#volumeSnapshotFor(claim, snapshot, signal);
    if (!isMoved(snapshot) && !volumeSnapshot) return lookSoon;
    const intermediate = withOwner(intermediateClaim(claim, specFor(claim, volumeSnapshot), node), claim);
    const how = `Its volume is made of the snapshot ${quote(source.name)}, through the claim ${quote(intermediate.metadata.name)}.`;
    if (await createIntermediate(this.#parts, cluster, claim, intermediate, signal)) this.#tell(claim, 'Normal', 'Populating', how, signal);
    return lookSoon;
  }

  /** What a driver has is in the volume from the beginning; what lies in the object store is brought there. */
  async #isMade(claim: ClusterObject, intermediate: ClusterObject, source: SnapshotSource, signal: AbortSignal): Promise<boolean> {
    if (fieldsOf(intermediate['spec'])['dataSource'] !== undefined) return true;
    const parts = this.#parts;
    const snapshot = await snapshotFor(parts, claim, source, signal);
    const sender = { parts, cluster: parts.cluster, onProgress: () => {}, warn: () => {}, signal };
    return fillOn(sender, claim, intermediate, snapshot);
  }

  /** Rejects with RunFailed where no volume of this claim can be made of it. */
  async #snapshotFor(claim: ClusterObject, source: SnapshotSource, signal: AbortSignal): Promise<Snapshot> {
    const snapshot = await snapshotFor(this.#parts, claim, source, signal);
    requireRoom(claim, snapshot);
    await requireSameDriver(this.#parts.cluster, claim, snapshot, signal);
    return snapshot;
  }

  /** Of which the driver makes the volume: that of the Snapshot, or one that is lent to the namespace of the claim; undefined where that is not ready yet. */
  async #volumeSnapshotFor(claim: ClusterObject, snapshot: Snapshot, signal: AbortSignal): Promise<ClusterObject | undefined> {
    const parts = this.#parts;
    if (isElsewhere(snapshot, claim)) return this.#lent(claim, snapshot, signal);
    const { volumeSnapshotName = '' } = snapshot.status;
    const found = await parts.cluster.get(volumeSnapshots, claim.metadata.namespace ?? '', volumeSnapshotName, signal);
    if (!found)
      throw new RunFailed('VolumeSnapshotNotFound', `${notFound(volumeSnapshots, volumeSnapshotName).message}: a Restore makes it again`);
    await requireSameData({ parts, signal }, snapshot, found);
    return found;
  }

  async #lent(claim: ClusterObject, snapshot: Snapshot, signal: AbortSignal): Promise<ClusterObject | undefined> {
    const parts = this.#parts;
    await lendToClaim(parts, claim, snapshot, signal);
    const found = await findVolumeSnapshot(parts, claim, signal);
    const { readyToUse, error } = fieldsOf(found?.['status']);
    const message = textOf(fieldsOf(error)['message']);
    if (message !== undefined) this.#tell(claim, 'Warning', 'DriverError', message, signal);
    if (!found || readyToUse !== true) return undefined;
    await requireSameData({ parts, signal }, snapshot, found);
    return found;
  }

  /** Its volume, once it has one, becomes that of the claim. */
  async #hand(claim: ClusterObject, intermediate: ClusterObject, signal: AbortSignal): Promise<number> {
    const volumeName = textOf(fieldsOf(intermediate['spec'])['volumeName']);
    if (volumeName === undefined && nodeOf(intermediate) !== nodeOf(claim)) {
      // The scheduler has chosen again.
      await discardIntermediate(this.#parts, claim, signal);
      return lookAgain;
    }
    if (volumeName === undefined || fieldsOf(intermediate['status'])['phase'] === 'Pending') return lookSoon;
    const isNew = await rebind(this.#parts, volumeName, intermediate.metadata.uid ?? '', claim, signal);
    if (isNew) this.#tell(claim, 'Normal', 'Populated', `It gets the volume ${quote(volumeName)}.`, signal);
    return lookSoon;
  }

  #tell(claim: ClusterObject, type: 'Normal' | 'Warning', reason: string, message: string, signal: AbortSignal): void {
    const { uid = '' } = claim.metadata;
    const text = `${reason}: ${message}`;
    if (this.#told.get(uid) === text) return;
    if (this.#told.size >= queueLimit) this.#told.clear();
    this.#told.set(uid, text);
    void recordEvent(this.#parts, claim, { type, reason, message }, signal);
  }
}

const nodeOf = ({ metadata }: ClusterObject) => textOf(fieldsOf(metadata['annotations'])[selectedNode]);

/** The garbage collector deletes it when the claim is deleted before it has its volume. */
function withOwner(intermediate: ClusterObject, claim: ClusterObject): ClusterObject {
  return { ...intermediate, metadata: { ...intermediate.metadata, ownerReferences: [referenceTo(claim)] } };
}

/** One of which nothing is known but that it is gone. */
const goneClaim = ({ namespace, name, uid }: ObjectRef): KubeObject => ({
  apiVersion: groupVersion(claims),
  kind: claims.kind,
  metadata: { namespace, name, uid },
});

/** As the claim, of what the driver keeps, where it keeps it. */
function specFor(claim: ClusterObject, volumeSnapshot: ClusterObject | undefined): object {
  const { accessModes, resources, storageClassName, volumeMode, volumeAttributesClassName } = fieldsOf(claim['spec']);
  return {
    accessModes,
    resources,
    storageClassName,
    volumeMode,
    volumeAttributesClassName,
    ...(volumeSnapshot && { dataSource: dataSourceOf(volumeSnapshot.metadata.name) }),
  };
}
