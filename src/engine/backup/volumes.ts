/** The volumes of a backup: a Snapshot of each that is chosen, made as the creator of the Backup. They belong to it, and go with it. */
import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ApiError } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Backup, BackupVolume } from '../../resources/backup.ts';
import { apiVersion, backupUid } from '../../resources/group.ts';
import type { SnapshotSpec } from '../../resources/snapshot.ts';
import type { VolumeAction } from '../../resources/volume-rules.ts';
import { inParallel } from '../parallel.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { creatorOf, isDeleted, isUnfinished, refOf, statusOf } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { requireRight } from '../selection/rights.ts';
import { discardGroups } from '../snapshot/discard-groups.ts';
import { veleroClass } from '../snapshot/snapshot-class.ts';
import { chooseVolumes, nameOf } from './choose-volumes.ts';
import type { Chosen } from './choose-volumes.ts';
import { takesVolumes } from './volume-choice.ts';
import type { Claim } from './volume-choice.ts';
import { groupsOf } from './volume-groups.ts';
import type { VolumeGroup } from './volume-groups.ts';

type SnapshotMethod = Exclude<VolumeAction, 'Skip'>;

/** As many as are carried out at once. */
const volumesAtOnce = 100;
const deletionsAtOnce = 16;
/** Milliseconds between looks at a Snapshot that is being taken. */
const pollEvery = 500;

/** Resolves when each has ended, to what became of them, in order of the claims; one that failed is an error of the backup. */
export async function takeVolumes(work: Work, claims: readonly Claim[]): Promise<BackupVolume[]> {
  const { log } = work.run;
  const chosen = await chooseVolumes(work, claims);
  const groups = groupsOf(work.object as Backup, chosen);
  const volumes: BackupVolume[] = [];
  await inParallel(chosen.entries(), volumesAtOnce, async ([index, one]) => {
    volumes[index] = await outcomeOf(work, one, groups.get(one.claim));
  });
  await discardUnused(work, groups, volumes);
  const count = (asked: BackupVolume['phase']) => volumes.filter(({ phase }) => phase === asked).length;
  log.info(`volumes: ${count('Completed')} taken, ${count('Failed')} failed, ${count('Skipped')} skipped`);
  return volumes;
}

async function outcomeOf(work: Work, { claim, choice }: Chosen, group: VolumeGroup | undefined): Promise<BackupVolume> {
  const { namespace, name } = claim;
  const volume = { namespace, claim: name, ...(group && { volumeGroup: group.labelled.value }) };
  if (!choice) return { ...volume, phase: 'Failed' };
  if (choice.action === 'Skip') return { ...volume, phase: 'Skipped', message: `skipped by ${choice.by}` };
  const failure = await failureOf(work, claim, choice.action, group);
  if (failure !== undefined) work.run.log.error(`the volume of the claim ${nameOf(claim)} is not in the backup: ${failure}`);
  return { ...volume, snapshotName: snapshotNameOf(work.object, claim), phase: failure === undefined ? 'Completed' : 'Failed' };
}

/** Characters of a claim's name that stand in that of its Snapshot. */
const longestName = 240;

/** It follows from the claim and the Backup, so that a run that begins anew takes no second one, and no other claim has the same. */
const snapshotNameOf = ({ metadata }: KubeObject, { name }: Claim) => `${shortened(name)}-${metadata.uid?.slice(0, 8) ?? ''}`;

function shortened(name: string): string {
  if (name.length <= longestName) return name;
  const end = `-${hash('sha256', name).slice(0, 16)}`;
  return name.slice(0, longestName - end.length).replace(/[.-]+$/, '') + end;
}

/** Takes it, and resolves to why it could not be taken. */
async function failureOf(work: Work, claim: Claim, method: SnapshotMethod, group: VolumeGroup | undefined): Promise<string | undefined> {
  try {
    const persistentVolumeClaimName = claim.name;
    const source = group
      ? { persistentVolumeClaimName, volumeGroupSnapshotContentName: await group.take(work) }
      : { persistentVolumeClaimName };
    const { throttle, storeName } = (work.object as Backup).spec;
    const how = method === 'Move' ? { moveData: true } : { method };
    const copying = { ...(throttle && { throttle }), ...(storeName !== undefined && { storeName }) };
    await createSnapshot(work, claim, { source, ...how, ...(method !== 'CSI' && copying) });
    return await endOf(work, claim);
  } catch (error) {
    if (error instanceof RunFailed || (error instanceof ApiError && error.code < 500)) return `${error.reason}: ${error.message}`;
    throw error;
  }
}

/** One that an earlier run of this Backup has made will do. */
async function createSnapshot({ parts, object, creator, signal }: Work, claim: Claim, what: SnapshotSpec): Promise<void> {
  const { namespace } = claim;
  const { objects, snapshots, authorizer } = parts;
  const { group, version, plural: resource, kind } = snapshots;
  await requireRight(authorizer, creator, { verb: 'create', group, version, resource, namespace }, signal);
  const name = snapshotNameOf(object, claim);
  const metadata = { name, namespace, labels: { [backupUid]: object.metadata.uid ?? '' }, annotations: classesNamed(object) };
  const { csiSnapshotTimeout: timeout } = (object as Backup).spec;
  const spec = { ...what, ...(timeout !== undefined && { timeout }) };
  const snapshot = { apiVersion, kind, metadata, spec };
  // Once begun it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  const made = await objects.create(snapshots, snapshot, creator, { dryRun: false }, AbortSignal.any([])).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
    return objects.get(snapshots, namespace, name, signal);
  });
  if (made) await tellBackup(parts, object, made, signal);
}

/** Velero's, for each driver: https://velero.io/docs/main/csi/ */
function classesNamed({ metadata }: KubeObject): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => name.startsWith(`${veleroClass}_`)));
}

/** In the status of a Snapshot: whose it is, for people. It is taken whether they are told or not. */
async function tellBackup(
  { objects, snapshots, log }: EngineParts,
  object: KubeObject,
  made: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = '', name } = object.metadata;
  const told = (snapshot: KubeObject) =>
    belongsTo(object, snapshot) ? { ...snapshot, status: { ...statusOf(snapshot), backup: { namespace, name } } } : snapshot;
  await objects.update(snapshots, refOf(made), 'status', told, signal).catch((error: unknown) => {
    if (!(error instanceof ApiError)) throw error;
    log.warn('a Snapshot does not say of which Backup it is', { uid: made.metadata.uid, error: error.message });
  });
}

/** Resolves when it has ended, to why it failed; undefined where it did not. */
async function endOf({ parts, object, signal }: Work, claim: Claim): Promise<string | undefined> {
  const name = snapshotNameOf(object, claim);
  for (; ; await parts.clock.sleep(pollEvery, signal)) {
    const snapshot = await parts.objects.get(parts.snapshots, claim.namespace, name, signal);
    if (!snapshot || isDeleted(snapshot)) return 'its Snapshot was deleted';
    if (!belongsTo(object, snapshot) || !isOf(claim, snapshot)) return `another Snapshot has the name ${name}`;
    if (!isUnfinished(snapshot)) return statusOf(snapshot).failureReason;
  }
}

/** Whoever may write Snapshots can set the label; who has made one is recorded by the server. */
const belongsTo = (backup: KubeObject, snapshot: KubeObject) =>
  snapshot.metadata.labels?.[backupUid] === backup.metadata.uid && isDeepStrictEqual(creatorOf(snapshot), creatorOf(backup));

const isOf = ({ name }: Claim, { spec }: KubeObject) => (spec as SnapshotSpec).source.persistentVolumeClaimName === name;

/** A group of which no volume is in the backup goes at once. */
async function discardUnused(work: Work, groups: ReadonlyMap<Claim, VolumeGroup>, volumes: readonly BackupVolume[]): Promise<void> {
  const used = new Set(volumes.filter(({ phase }) => phase === 'Completed').map(({ namespace, claim }) => `${namespace}/${claim}`));
  for (const group of new Set(groups.values())) if (!group.claims.some((claim) => used.has(nameOf(claim)))) await group.discard(work);
}

/** Begins to delete them; resolves to what is not gone yet, in words. */
export async function discardVolumes(parts: EngineParts, backup: KubeObject, signal: AbortSignal): Promise<string | undefined> {
  const { spec } = backup as Backup;
  if (!takesVolumes(spec)) return undefined;
  const snapshots = await discardSnapshots(parts, backup, signal);
  const groups = spec.volumeGroupSnapshotLabelKey === undefined ? 0 : await discardGroups(parts, backup, signal);
  const left = [snapshots > 0 ? `${snapshots} of its Snapshots` : [], groups > 0 ? `${groups} of its groups of volumes` : []].flat();
  return left.length > 0 ? `${left.join(' and ')} are being deleted` : undefined;
}

/** Resolves to how many are not gone yet. */
async function discardSnapshots({ objects, snapshots }: EngineParts, backup: KubeObject, signal: AbortSignal): Promise<number> {
  const labelled = await objects.list(snapshots, { labelSelector: `${backupUid}=${backup.metadata.uid}` }, signal);
  const own = labelled.filter((snapshot) => belongsTo(backup, snapshot));
  await inParallel(
    own.filter((snapshot) => !isDeleted(snapshot)),
    deletionsAtOnce,
    (snapshot) => objects.delete(snapshots, refOf(snapshot), signal),
  );
  return own.length;
}
