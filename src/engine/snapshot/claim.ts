/** The claim whose volume is taken: read as the creator of the Snapshot, and refused, with the reason, where its volume cannot be taken. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { SnapshotStatus } from '../../resources/snapshot.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { VolumeNotCSI } from './driver-takes-none.ts';
import { claims, volumes } from './known.ts';

export interface Source {
  /** As the status keeps it. */
  readonly claim: NonNullable<SnapshotStatus['claim']>;
  readonly annotations: Readonly<Record<string, unknown>>;
  /** CSI driver of its volume. */
  readonly driver: string;
  /** By which the driver knows the volume. */
  readonly volumeHandle: string;
}

export function findClaim({ parts, creator, object, signal }: Work, name: string): Promise<ClusterObject | undefined> {
  return parts.cluster.as(creator).get(claims, object.metadata.namespace ?? '', name, signal);
}

/** As the status keeps it. Rejects with RunFailed where it has no volume. */
export async function findBoundClaim(work: Work, name: string): Promise<Source['claim']> {
  return claimAsTaken(await requireBound(work, name));
}

async function requireBound(work: Work, name: string): Promise<ClusterObject> {
  const claim = await findClaim(work, name);
  if (!claim) throw new RunFailed('ClaimNotFound', notFound(claims, name).message);
  const fault = faultOf(claim);
  if (fault) throw new RunFailed(...fault);
  return claim;
}

/** Rejects with RunFailed. */
export async function findSource(work: Work, name: string): Promise<Source> {
  const { cluster } = work.parts;
  const claim = await requireBound(work, name);
  const volumeName = textOf(fieldsOf(claim['spec'])['volumeName']) ?? '';
  const volume = await cluster.get(volumes, '', volumeName, work.signal);
  if (!volume) throw new RunFailed('VolumeNotFound', notFound(volumes, volumeName).message);
  const driver = driverOf(volume);
  if (driver === undefined)
    throw new VolumeNotCSI(
      `the volume ${quote(volumeName)} of the claim ${quote(name)} is not of a CSI driver: only those take snapshots; the methods File and Copy need none`,
    );
  const volumeHandle = textOf(csiOf(volume)['volumeHandle']) ?? '';
  return { claim: claimAsTaken(claim), annotations: fieldsOf(claim.metadata['annotations']), driver, volumeHandle };
}

/** Of a PersistentVolume; undefined for one that is not of a CSI driver. */
export const driverOf = (volume: ClusterObject) => textOf(csiOf(volume)['driver']);

const csiOf = ({ spec }: ClusterObject) => fieldsOf(fieldsOf(spec)['csi']);

/** Why its volume cannot be taken: in one word, and for people. */
export function faultOf({ metadata, spec, status }: ClusterObject): [reason: string, message: string] | undefined {
  const phase = textOf(fieldsOf(status)['phase']) ?? 'Pending';
  const claim = `the claim ${quote(metadata.name)}`;
  if (metadata['deletionTimestamp'] !== undefined) return ['ClaimBeingDeleted', `${claim} is being deleted`];
  if (phase === 'Lost') return ['ClaimLost', `${claim} is Lost: its volume is gone`];
  return phase === 'Bound' && fieldsOf(spec)['volumeName'] ? undefined : ['ClaimPending', `${claim} is ${phase}: it has no volume yet`];
}

/** As the status keeps it. */
export function claimAsTaken({ metadata, spec, status }: ClusterObject): Source['claim'] {
  const { storageClassName, volumeMode, accessModes } = fieldsOf(spec) as Partial<Source['claim']>;
  const capacity = textOf(fieldsOf(fieldsOf(status)['capacity'])['storage']);
  return {
    name: metadata.name,
    uid: metadata.uid ?? '',
    ...(storageClassName && { storageClassName }),
    ...(volumeMode && { volumeMode }),
    ...(accessModes && { accessModes }),
    ...(capacity && { capacity }),
  };
}
