/** What the driver of a volume keeps: claim, class or group, VolumeSnapshot, ready, retained. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { RunStatus } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { claimAsTaken, findClaim, findSource } from './claim.ts';
import type { Source } from './claim.ts';
import { contentNameOf, findContent, handleOf, retain } from './content.ts';
import { labelsOf, volumeSnapshotContents, volumeSnapshotNameOf } from './known.ts';
import { findMember } from './member.ts';
import { makeAround } from './revive.ts';
import { chooseClass, listClasses, snapshotClasses, veleroClass } from './snapshot-class.ts';
import { awaitVolumeSnapshot, createVolumeSnapshot, findAdopted, findVolumeSnapshot } from './volume-snapshot.ts';

/** By the driver, of the claim. Rejects with RunFailed. */
export async function take(work: Work, claimName: string, ms: number): Promise<Partial<RunStatus>> {
  const { cluster, clock } = work.parts;
  const { ready } = await takeToMove(work, claimName, ms);
  const content = await contentOf(work, ready);
  await retried(clock, work.signal, () => retain(cluster, volumeSnapshotContents, content, labelsOf(work.object), work.signal));
  return statusOf(ready, content);
}

/** The same, of which nothing outlasts the VolumeSnapshot. Resolves to the claim as it was then, too. */
export async function takeToMove(work: Work, claimName: string, ms: number): Promise<Taken> {
  const find = () => findVolumeSnapshot(work.parts, work.object, work.signal);
  const known = (await find()) && (work.object as Snapshot).status.claim;
  const claim = known ?? (await begin(work, claimName));
  return { claim, ready: await awaitVolumeSnapshot(work, volumeSnapshotNameOf(work.object), find, ms) };
}

export interface Taken {
  readonly claim: Source['claim'];
  /** The VolumeSnapshot. */
  readonly ready: ClusterObject;
}

async function begin(work: Work, claimName: string): Promise<Source['claim']> {
  const source = await findSource(work, claimName);
  const { volumeGroupSnapshotContentName } = (work.object as Snapshot).spec.source;
  if (volumeGroupSnapshotContentName === undefined) await beginAlone(work, source);
  else await beginOfGroup(work, source, volumeGroupSnapshotContentName);
  return source.claim;
}

async function beginAlone(work: Work, source: Source): Promise<void> {
  const classes = await listClasses(work.parts.cluster, snapshotClasses, work.signal);
  const volumeSnapshotClassName = chooseClass(snapshotClasses, classes, source.driver, classNamed(work.object as Snapshot, source));
  const { claim, driver } = source;
  await work.save({ claim, driver, volumeSnapshotClassName, volumeSnapshotName: volumeSnapshotNameOf(work.object) });
  const { parts, object, creator, signal } = work;
  const spec = { volumeSnapshotClassName, source: { persistentVolumeClaimName: claim.name } };
  await createVolumeSnapshot({ parts, cluster: parts.cluster.as(creator), signal }, object, { labels: labelsOf(object) }, spec);
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

function classNamed(
  { metadata, spec }: Snapshot,
  { claim, annotations, driver }: Source,
): { readonly name: string; readonly by: string } | undefined {
  const { volumeSnapshotClassName: name } = spec;
  if (name !== undefined) return { name, by: 'spec.volumeSnapshotClassName' };
  const noted = textOf(annotations[veleroClass]);
  if (noted !== undefined) return { name: noted, by: `the annotation ${veleroClass} of the claim ${quote(claim.name)}` };
  const ofDriver = `${veleroClass}_${driver}`;
  const own = metadata.annotations?.[ofDriver];
  return own !== undefined ? { name: own, by: `the annotation ${ofDriver}` } : undefined;
}

/** What others have made stays theirs: it is read, and nothing of it is changed. */
export async function adopt(work: Work, name: string, ms: number): Promise<Partial<RunStatus>> {
  const ready = await awaitVolumeSnapshot(work, name, () => findAdopted(work, name), ms);
  const claim = await sourceOf(work, ready);
  return { ...statusOf(ready, await contentOf(work, ready)), ...(claim && { claim }) };
}

/** The same, to be copied. Its claim says how a volume is made of it. */
export async function adoptToMove(work: Work, name: string, ms: number): Promise<Taken> {
  const ready = await awaitVolumeSnapshot(work, name, () => findAdopted(work, name), ms);
  const claim = await sourceOf(work, ready);
  const gone = `the claim that the VolumeSnapshot ${quote(name)} was taken of is gone: make one of it, and take that`;
  if (!claim) throw new RunFailed('ClaimNotFound', gone);
  await work.save({ claim });
  return { claim, ready };
}

async function sourceOf(work: Work, { spec }: ClusterObject): Promise<Source['claim'] | undefined> {
  const claimName = textOf(fieldsOf(fieldsOf(spec)['source'])['persistentVolumeClaimName']);
  const claim = claimName === undefined ? undefined : await findClaim(work, claimName);
  return claim && claimAsTaken(claim);
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
    method: 'CSI',
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
