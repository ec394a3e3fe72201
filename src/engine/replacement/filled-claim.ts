/**
 * A new claim with what lies in the repository. Its volume is filled through the intermediate claim of the Restore, so that nobody finds
 * the claim before all is in it.
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { Restore } from '../../resources/restore.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { senderOf } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { fill } from '../snapshot/fill.ts';
import {
  awaitIntermediate,
  createIntermediate,
  discardIntermediate,
  findIntermediate,
  intermediateClaim,
} from '../snapshot/intermediate.ts';
import { rebind } from '../snapshot/rebind.ts';
import { awaitBound, remakeClaim } from './claim.ts';
import { liveClaim, ownClaim, placeOf } from './place.ts';
import type { Place } from './place.ts';

/** Milliseconds that the volume of a claim may take to be there, once it is used. */
const patience = 60_000;

/** `wanted`: the claim as it is to be. Goes on from wherever a run before has stopped. Rejects with RunFailed. */
export async function makeFilledClaim(work: Work, snapshot: Snapshot, wanted: ClusterObject): Promise<void> {
  const place = placeOf(work.parts, work.object, work.signal);
  const { name } = wanted.metadata;
  const live = await liveClaim(place, name);
  if (live && !(await ownClaim(place, live))) throw claimExists(name);
  const intermediate = live ? await findIntermediate(work.parts, work.object, work.signal) : await filled(work, place, snapshot, wanted);
  if (intermediate) await handOver(place, intermediate, wanted);
  await discardIntermediate(work.parts, work.object, work.signal);
}

export function claimExists(name: string): RunFailed {
  const cure = 'name another one in spec.claim.name, or set spec.existingResourcePolicy to Update';
  return new RunFailed('ClaimExists', `the claim ${quote(name)} exists already: ${cure}`);
}

async function filled(work: Work, { creator }: Place, snapshot: Snapshot, { spec }: ClusterObject): Promise<ClusterObject> {
  const { parts, object, signal } = work;
  const intermediate = intermediateClaim(object, fieldsOf(spec), undefined);
  await createIntermediate(parts, creator, object, intermediate, signal);
  await fill(senderOf(work), object as Restore, intermediate, snapshot);
  return awaitIntermediate(parts, object, patience, signal);
}

async function handOver(place: Place, intermediate: ClusterObject, { metadata, spec }: ClusterObject): Promise<void> {
  const volumeName = textOf(fieldsOf(intermediate['spec'])['volumeName']) ?? '';
  const claim = await remakeClaim(place, metadata.name, { metadata: {}, spec: fieldsOf(spec) }, volumeName);
  await rebind(place.parts, volumeName, intermediate.metadata.uid ?? '', claim, place.signal);
  await awaitBound(place, metadata.name, volumeName);
}
