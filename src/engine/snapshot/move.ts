/** Copies a volume into the repository of its namespace: what the driver has just taken of it, its clone, or the volume itself as it is used. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import { StoreError } from '../../objectstore/objectstore.ts';
import type { Snapshot, SnapshotStatus } from '../../resources/snapshot.ts';
import { summaryIn } from '../mover/mover-log.ts';
import type { MoverSummary } from '../mover/mover-log.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { runAsOf } from '../mover/mover-pod.ts';
import { runMover, senderOf } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import type { RunStatus } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf } from '../selection/fields.ts';
import { repositoryOf } from '../stores/stores.ts';
import type { Cloned } from './clone.ts';
import { createIntermediate, intermediateClaim } from './intermediate.ts';
import { volumeSnapshots } from './known.ts';
import { openMovedTree } from './moved-tree.ts';
import { findLiveClaim, userOf } from './live-claim.ts';
import { inMebibytes } from './restore-size.ts';
import type { Taken } from './take.ts';

type Claim = NonNullable<SnapshotStatus['claim']>;

/** Of what the driver keeps for the Snapshot, which is not needed any more afterwards. */
export async function moveTaken(work: Work, { claim, ready }: Taken): Promise<Partial<RunStatus>> {
  const { parts, creator, object, signal } = work;
  const intermediate = intermediateClaim(object, claimSpecFor(claim, ready), undefined);
  await createIntermediate(parts, parts.cluster.as(creator), object, intermediate, signal);
  return moveIntermediate(work, claim, intermediate, fieldsOf(ready['status'])['creationTime']);
}

/** Of a clone, which is not needed any more afterwards. The driver says no more of its moment than when it was asked for. */
export function moveCloned(work: Work, { claim, clone }: Cloned): Promise<Partial<RunStatus>> {
  return moveIntermediate(work, claim, clone, clone.metadata['creationTimestamp']);
}

async function moveIntermediate(work: Work, claim: Claim, { metadata }: ClusterObject, creationTime: unknown): Promise<Partial<RunStatus>> {
  const user = await userOf(work, claim.name);
  return move(work, claim, { claimName: metadata.name, runAs: user && runAsOf(user) }, creationTime);
}

/** Of the volume of a claim while it may be written to: what is written meanwhile may be in it or not. */
export async function moveLive(work: Work, claimName: string): Promise<Partial<RunStatus>> {
  const { claim, place } = await findLiveClaim(work, claimName);
  await work.save({ claim });
  return move(work, claim, place);
}

/** `creationTime`: RFC 3339; undefined for a volume that may be written to meanwhile. */
async function move(
  work: Work,
  claim: Claim,
  more: Pick<Errand, 'claimName' | 'node' | 'runAs'>,
  creationTime?: unknown,
): Promise<Partial<RunStatus>> {
  const { throttle } = (work.object as Snapshot).spec;
  const isBlock = claim.volumeMode === 'Block';
  const errand: Errand = {
    owner: work.object,
    repository: repositoryOf(work.object),
    forClaim: claim.name,
    isBlock,
    way: 'backup',
    args: [claim.name],
    throttle,
    ...more,
  };
  const log = await runMover(senderOf(work), errand);
  const summary = await requireWritten(work, summaryIn(log), claim);
  const moved = { ...statusOf(summary, claim), ...(creationTime !== undefined && { creationTime }) };
  // Written down before the Pod goes that could tell it once more.
  await work.save(moved);
  await openMoved(work, summary);
  return moved;
}

/** Whoever may make Pods in the namespace can play the mover, and name what was copied for others: it would go with this Snapshot. */
async function requireWritten({ parts, object, signal }: Work, said: MoverSummary | undefined, { name }: Claim): Promise<MoverSummary> {
  if (!said) throw new RunFailed('MoverFailed', `the mover of the claim ${quote(name)} did not say what it has made`);
  const { uid = '' } = object.metadata;
  if (await parts.repositories.isWrittenFor(repositoryOf(object), said.snapshotId, uid, signal)) return said;
  throw new RunFailed('MoverFailed', `the mover of the claim ${quote(name)} named a copy that it has not written`);
}

/** So that who looks into it first does not wait for the indexes that it has added. What goes wrong is told to who looks. */
async function openMoved({ parts, object, signal }: Work, { snapshotId }: MoverSummary): Promise<void> {
  await openMovedTree(parts, repositoryOf(object), snapshotId, signal).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });
}

function statusOf({ snapshotId, files, bytesRead, bytesAdded, bytesStored }: MoverSummary, claim: Claim): Partial<RunStatus> {
  return {
    method: 'File',
    readyToUse: true,
    handle: snapshotId,
    restoreSize: claim.volumeMode === 'Block' ? claim.capacity : inMebibytes(bytesRead),
    files,
    bytesRead,
    bytesAdded,
    bytesStored,
    progress: { bytesDone: bytesRead, totalBytes: bytesRead },
  };
}

/** Of a claim like the one that was taken, for one reader of what the driver keeps. */
export function claimSpecFor({ storageClassName, volumeMode, capacity }: Partial<Claim>, { metadata, status }: ClusterObject): object {
  return {
    accessModes: ['ReadWriteOnce'],
    ...(storageClassName && { storageClassName }),
    ...(volumeMode && { volumeMode }),
    resources: { requests: { storage: capacity ?? fieldsOf(status)['restoreSize'] } },
    dataSource: { apiGroup: volumeSnapshots.group, kind: volumeSnapshots.kind, name: metadata.name },
  };
}
