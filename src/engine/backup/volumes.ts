/** The volumes of a backup: a Snapshot of each claim, made as the creator of the Backup. They belong to it, and go with it. */
import { ApiError } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Backup, BackupVolume } from '../../resources/backup.ts';
import { mostVolumes } from '../../resources/backup.ts';
import { apiVersion, backupUid } from '../../resources/group.ts';
import { inParallel } from '../parallel.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { isDeleted, isUnfinished, refOf, statusOf } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { requireRight } from '../selection/rights.ts';

export interface Claim {
  readonly namespace: string;
  readonly name: string;
}

/** As many as are carried out at once. */
const volumesAtOnce = 100;
const deletionsAtOnce = 16;
/** Milliseconds between looks at a Snapshot that is being taken. */
const pollEvery = 500;

/** Resolves when each has ended, in order of names; one that failed is an error of the backup. */
export async function takeVolumes(work: Work, claims: readonly Claim[]): Promise<BackupVolume[]> {
  const { run } = work;
  if (claims.length > mostVolumes) run.log.error(`of ${claims.length} volumes only the first ${mostVolumes} are taken`);
  const volumes = claims.slice(0, mostVolumes).map((claim) => volumeOf(work.object, claim));
  const failed = new Map<BackupVolume, string>();
  await inParallel(volumes, volumesAtOnce, async (volume) => {
    const failure = await failureOf(work, volume);
    if (failure !== undefined) failed.set(volume, failure);
  });
  for (const [{ namespace, claim }, failure] of failed)
    run.log.error(`the volume of the claim ${namespace}/${claim} is not in the backup: ${failure}`);
  run.log.info(`volumes: ${volumes.length - failed.size} of ${claims.length}`);
  return volumes.map((volume) => (failed.has(volume) ? { ...volume, phase: 'Failed' } : volume));
}

/** The name follows from the claim and the Backup, so that a run that begins anew takes no second one. */
function volumeOf({ metadata }: KubeObject, { namespace, name }: Claim): BackupVolume {
  const snapshotName = `${name.slice(0, 240)}-${metadata.uid?.slice(0, 8) ?? ''}`;
  return { namespace, claim: name, snapshotName, phase: 'Completed' };
}

/** Takes it, and resolves to why it could not be taken. */
async function failureOf(work: Work, volume: BackupVolume): Promise<string | undefined> {
  try {
    await createSnapshot(work, volume);
    return await endOf(work, volume);
  } catch (error) {
    if (error instanceof RunFailed || (error instanceof ApiError && error.code < 500)) return error.message;
    throw error;
  }
}

/** One that an earlier run of this Backup has made will do. */
async function createSnapshot(
  { parts, object, creator, signal }: Work,
  { namespace, claim, snapshotName: name }: BackupVolume,
): Promise<void> {
  const { objects, snapshots, authorizer } = parts;
  const { group, version, plural: resource, kind } = snapshots;
  await requireRight(authorizer, creator, { verb: 'create', group, version, resource, namespace }, signal);
  const metadata = { name, namespace, labels: { [backupUid]: object.metadata.uid ?? '' } };
  const { csiSnapshotTimeout: timeout } = (object as Backup).spec;
  const spec = { source: { persistentVolumeClaimName: claim }, ...(timeout !== undefined && { timeout }) };
  const snapshot = { apiVersion, kind, metadata, spec };
  // Once begun it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  await objects.create(snapshots, snapshot, creator, { dryRun: false }, AbortSignal.any([])).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
  });
}

/** Resolves when it has ended, to why it failed; undefined where it did not. */
async function endOf({ parts, object, signal }: Work, { namespace, snapshotName }: BackupVolume): Promise<string | undefined> {
  for (; ; await parts.clock.sleep(pollEvery, signal)) {
    const snapshot = await parts.objects.get(parts.snapshots, namespace, snapshotName, signal);
    if (!snapshot || isDeleted(snapshot)) return 'its Snapshot was deleted';
    if (!belongsTo(object, snapshot)) return `another Snapshot has the name ${snapshotName}`;
    if (!isUnfinished(snapshot)) return statusOf(snapshot).failureReason;
  }
}

const belongsTo = (backup: KubeObject, snapshot: KubeObject) => snapshot.metadata.labels?.[backupUid] === backup.metadata.uid;

/** Begins to delete them; resolves to what is not gone yet, in words. */
export async function discardVolumes(
  { objects, snapshots }: EngineParts,
  backup: KubeObject,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!(backup as Backup).spec.snapshotVolumes) return undefined;
  const own = await objects.list(snapshots, { labelSelector: `${backupUid}=${backup.metadata.uid}` }, signal);
  await inParallel(
    own.filter((snapshot) => !isDeleted(snapshot)),
    deletionsAtOnce,
    (snapshot) => objects.delete(snapshots, refOf(snapshot), signal),
  );
  return own.length > 0 ? `${own.length} of its Snapshots are being deleted` : undefined;
}
