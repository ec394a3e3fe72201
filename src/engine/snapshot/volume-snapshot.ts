/** The VolumeSnapshot of a Snapshot: made as its creator, one and no more however often the work begins anew, and waited for. */
import { messageOf } from '../../base/lifetime.ts';
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { groupVersion } from '../../machinery/resource.ts';
import { isTransient, retried } from '../retry.ts';
import { recordEvent } from '../runs/events.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { contentNameOf } from './content.ts';
import { labelsOf, snapshotUid, volumeSnapshotNameOf, volumeSnapshots } from './known.ts';

/** Milliseconds between looks at one that is not ready: each a fifth longer than the one before, so that no more than that is lost. */
const firstPause = 200;
const longestPause = 2_000;
const growth = 1.2;

/** As the creator of what `work` carries out. */
export async function createVolumeSnapshot({ parts, creator, signal }: Work, snapshot: KubeObject, spec: object): Promise<void> {
  const { namespace = '' } = snapshot.metadata;
  const volumeSnapshot = {
    apiVersion: groupVersion(volumeSnapshots),
    kind: volumeSnapshots.kind,
    metadata: { name: volumeSnapshotNameOf(snapshot), namespace, labels: labelsOf(snapshot) },
    spec,
  };
  // Once sent it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  const lasting = AbortSignal.any([]);
  const create = () => parts.cluster.as(creator).create(volumeSnapshots, namespace, volumeSnapshot, {}, lasting);
  await retried(parts.clock, signal, create).catch((error: unknown) => {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
  });
}

/** The one that was made for this Snapshot, read as Kylon itself. */
export async function findVolumeSnapshot(cluster: Cluster, snapshot: KubeObject, signal: AbortSignal): Promise<ClusterObject | undefined> {
  const { namespace = '', uid } = snapshot.metadata;
  const found = await cluster.get(volumeSnapshots, namespace, volumeSnapshotNameOf(snapshot), signal);
  return fieldsOf(found?.metadata['labels'])[snapshotUid] === uid ? found : undefined;
}

/** One that others have made, read as the creator of the Snapshot. */
export async function findAdopted({ parts, creator, object, signal }: Work, name: string): Promise<ClusterObject | undefined> {
  return parts.cluster.as(creator).get(volumeSnapshots, object.metadata.namespace ?? '', name, signal);
}

/** Resolves to it as soon as volumes can be made of it; rejects with RunFailed when that does not come, or not within `ms`. */
export async function awaitReady(
  work: Work,
  name: string,
  look: () => Promise<ClusterObject | undefined>,
  ms: number,
): Promise<ClusterObject> {
  const { clock } = work.parts;
  const deadline = clock.monotonic() + ms;
  let said = '';
  for (let pause = firstPause; ; pause = Math.min(pause * growth, longestPause)) {
    const found = await patiently(work, name, look);
    if (found && isReady(found)) return found;
    const error = found && errorOf(found);
    if (error && error !== said) tell(work, error);
    said = error ?? said;
    if (clock.monotonic() >= deadline)
      throw new RunFailed(
        'Timeout',
        `the VolumeSnapshot ${quote(name)} is not ready to use after ${ms / 1_000} s${said && `; its driver says: ${said}`}`,
      );
    await clock.sleep(pause, work.signal);
  }
}

/** Undefined where the cluster does not answer for a moment. */
async function patiently(
  { run, signal }: Work,
  name: string,
  look: () => Promise<ClusterObject | undefined>,
): Promise<ClusterObject | undefined> {
  try {
    return required(await look(), name);
  } catch (error) {
    if (signal.aborted || !isTransient(error)) throw error;
    run.log.warn(`${name} could not be read: ${messageOf(error)}`);
    return undefined;
  }
}

function required(found: ClusterObject | undefined, name: string): ClusterObject {
  if (!found) throw new RunFailed('VolumeSnapshotNotFound', notFound(volumeSnapshots, name).message);
  if (found.metadata['deletionTimestamp'] === undefined) return found;
  throw new RunFailed('VolumeSnapshotBeingDeleted', `the VolumeSnapshot ${quote(name)} is being deleted`);
}

const isReady = (found: ClusterObject) => fieldsOf(found['status'])['readyToUse'] === true && contentNameOf(found) !== undefined;

const errorOf = ({ status }: ClusterObject) => textOf(fieldsOf(fieldsOf(status)['error'])['message']);

/** Drivers are asked again after an error, so it is not the end. */
function tell({ parts, run, object, report }: Work, driverError: string): void {
  run.log.warn(driverError);
  report({ driverError });
  void recordEvent(parts, object, { type: 'Warning', reason: 'DriverError', message: driverError }, run.signal);
}
