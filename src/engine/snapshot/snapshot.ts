/** The work of a Snapshot, stage by stage: claim, class or group, VolumeSnapshot, ready, retained. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import { parseDuration } from '../../resources/durations.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { RunStatus } from '../runs/run-status.ts';
import type { Task, Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { withExpiration } from '../upkeep/ttl.ts';
import { claimAsTaken, findClaim, findSource } from './claim.ts';
import type { Source } from './claim.ts';
import { contentNameOf, findContent, handleOf, retain } from './content.ts';
import { discardSnapshot } from './discard.ts';
import { labelsOf, volumeSnapshotContents, volumeSnapshotNameOf } from './known.ts';
import { findMember } from './member.ts';
import { makeAround } from './revive.ts';
import { chooseClass, listClasses, snapshotClasses, veleroClass } from './snapshot-class.ts';
import { awaitVolumeSnapshot, createVolumeSnapshot, findAdopted, findVolumeSnapshot } from './volume-snapshot.ts';

export function snapshotTask(definition: ResourceDefinition): Task {
  return {
    word: 'snapshot',
    definition,
    // Nearly all of a run is waiting for a driver.
    atOnce: 100,
    expires: true,
    timeout: () => undefined,
    execute: takeSnapshot,
    finish: withExpiration,
    discard: discardSnapshot,
  };
}

async function takeSnapshot(work: Work): Promise<Partial<RunStatus>> {
  const { spec } = work.object as Snapshot;
  const { volumeSnapshotName: adopted, persistentVolumeClaimName = '' } = spec.source;
  const ms = parseDuration(spec.timeout ?? '') ?? 0;
  return adopted === undefined ? take(work, persistentVolumeClaimName, ms) : adopt(work, adopted, ms);
}

async function take(work: Work, claimName: string, ms: number): Promise<Partial<RunStatus>> {
  const { cluster, clock } = work.parts;
  const find = () => findVolumeSnapshot(cluster, work.object, work.signal);
  if (!(await find())) await begin(work, claimName);
  const ready = await awaitVolumeSnapshot(work, volumeSnapshotNameOf(work.object), find, ms);
  const content = await contentOf(work, ready);
  await retried(clock, work.signal, () => retain(cluster, volumeSnapshotContents, content, labelsOf(work.object), work.signal));
  return statusOf(ready, content);
}

async function begin(work: Work, claimName: string): Promise<void> {
  const source = await findSource(work, claimName);
  const { volumeGroupSnapshotContentName } = (work.object as Snapshot).spec.source;
  if (volumeGroupSnapshotContentName !== undefined) return beginOfGroup(work, source, volumeGroupSnapshotContentName);
  const classes = await listClasses(work.parts.cluster, snapshotClasses, work.signal);
  const volumeSnapshotClassName = chooseClass(snapshotClasses, classes, source.driver, classNamed(work.object as Snapshot, source));
  const { claim, driver } = source;
  await work.save({ claim, driver, volumeSnapshotClassName, volumeSnapshotName: volumeSnapshotNameOf(work.object) });
  await createVolumeSnapshot(work, work.object, { volumeSnapshotClassName, source: { persistentVolumeClaimName: claimName } });
}

/** What the driver has of it was taken with the group. */
async function beginOfGroup(work: Work, source: Source, contentName: string): Promise<void> {
  const snapshot = work.object as Snapshot;
  const name = volumeSnapshotNameOf(snapshot);
  const { claim, driver } = source;
  const handle = await findMember(work, source, contentName);
  const found = { claim, driver, handle, volumeSnapshotName: name, volumeSnapshotContentName: name };
  await work.save(found);
  await makeAround(work, { ...snapshot, status: { ...snapshot.status, ...found } });
}

function classNamed({ spec }: Snapshot, { claim, annotations }: Source): { readonly name: string; readonly by: string } | undefined {
  const { volumeSnapshotClassName: name } = spec;
  if (name !== undefined) return { name, by: 'spec.volumeSnapshotClassName' };
  const noted = textOf(annotations[veleroClass]);
  return noted !== undefined ? { name: noted, by: `the annotation ${veleroClass} of the claim ${quote(claim.name)}` } : undefined;
}

/** What others have made stays theirs: it is read, and nothing of it is changed. */
async function adopt(work: Work, name: string, ms: number): Promise<Partial<RunStatus>> {
  const ready = await awaitVolumeSnapshot(work, name, () => findAdopted(work, name), ms);
  const claimName = textOf(fieldsOf(fieldsOf(ready['spec'])['source'])['persistentVolumeClaimName']);
  const claim = claimName && (await findClaim(work, claimName));
  return { ...statusOf(ready, await contentOf(work, ready)), ...(claim && { claim: claimAsTaken(claim) }) };
}

async function contentOf({ parts, object, signal }: Work, volumeSnapshot: ClusterObject): Promise<ClusterObject> {
  const find = () => findContent(parts.cluster, object as Snapshot, volumeSnapshot, signal);
  const content = await retried(parts.clock, signal, find);
  if (content) return content;
  const name = contentNameOf(volumeSnapshot) ?? '';
  throw new RunFailed('VolumeSnapshotContentNotFound', notFound(volumeSnapshotContents, name).message);
}

function statusOf({ metadata, spec, status }: ClusterObject, content: ClusterObject): Partial<RunStatus> {
  const { restoreSize, creationTime } = fieldsOf(status);
  const found = {
    readyToUse: true,
    restoreSize,
    creationTime,
    driver: fieldsOf(content['spec'])['driver'],
    handle: handleOf(content),
    volumeSnapshotName: metadata.name,
    volumeSnapshotClassName: fieldsOf(spec)['volumeSnapshotClassName'],
    volumeSnapshotContentName: content.metadata.name,
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
