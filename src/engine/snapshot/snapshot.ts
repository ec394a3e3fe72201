/** The work of a Snapshot: taken by the driver, copied into the repository, or first the one and then the other. What is copied is what the driver has taken, else a clone, else the volume itself. */
import type { ResourceDefinition } from '../../machinery/resource.ts';
import { parseDuration } from '../../resources/durations.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { copyVolume } from '../copy/copy.ts';
import { recordEvent } from '../runs/events.ts';
import type { RunStatus } from '../runs/run-status.ts';
import type { Task, Work } from '../runs/run.ts';
import { withExpiration } from '../upkeep/ttl.ts';
import { cloneToMove, NotCloned } from './clone.ts';
import { discardMeans, discardSnapshot } from './discard.ts';
import { DriverTakesNone, VolumeNotCSI } from './driver-takes-none.ts';
import { isMoved } from './fill.ts';
import { moveCloned, moveLive, moveTaken } from './move.ts';
import { adopt, adoptToMove, take, takeToMove } from './take.ts';

export function snapshotTask(definition: ResourceDefinition): Task {
  return {
    word: 'snapshot',
    definition,
    atOnce: 16,
    expires: true,
    hasLog: false,
    timeout: () => undefined,
    // Nearly all of it is waiting for a driver, or for a Pod.
    execute: (work) => work.aside(() => takeSnapshot(work)),
    finish: withExpiration,
    discard: discardSnapshot,
  };
}

async function takeSnapshot(work: Work): Promise<Partial<RunStatus>> {
  const { spec } = work.object as Snapshot;
  const { volumeSnapshotName: adopted, persistentVolumeClaimName: claimName = '' } = spec.source;
  const ms = parseDuration(spec.timeout ?? '') ?? 0;
  if (adopted !== undefined)
    return spec.moveData ? moved(work, async () => moveTaken(work, await adoptToMove(work, adopted, ms))) : adopt(work, adopted, ms);
  if (spec.method === 'Copy') return copied(work, () => copyVolume(work, claimName));
  if (spec.method === 'File') return moved(work, () => moveLive(work, claimName));
  return spec.moveData ? moved(work, () => move(work, claimName, ms)) : take(work, claimName, ms);
}

async function move(work: Work, claimName: string, ms: number): Promise<Partial<RunStatus>> {
  try {
    return await moveTaken(work, await takeToMove(work, claimName, ms));
  } catch (error) {
    const { method } = (work.object as Snapshot).spec;
    if (method === 'CSI' || !(error instanceof DriverTakesNone)) throw error;
    return error instanceof VolumeNotCSI ? moveInUse(work, claimName, error.message) : moveClone(work, claimName, ms, error.message);
  }
}

async function moveClone(work: Work, claimName: string, ms: number, why: string): Promise<Partial<RunStatus>> {
  try {
    return await moveCloned(work, await cloneToMove(work, claimName, ms));
  } catch (error) {
    if (!(error instanceof NotCloned)) throw error;
    return moveInUse(work, claimName, `${why}; it was not cloned: ${error.message}`);
  }
}

function moveInUse(work: Work, claimName: string, why: string): Promise<Partial<RunStatus>> {
  warn(work, `the volume is copied while it may be in use: ${why}`);
  return moveLive(work, claimName);
}

/** At once, too: a run that begins anew behind the copy knows nothing of it. */
function warn({ parts, object, run, signal }: Work, message: string): void {
  run.log.warn(message);
  void recordEvent(parts, object, { type: 'Warning', reason: 'Warnings', message }, signal);
}

/** Milliseconds between looks at whether it is gone. */
const pollEvery = 500;

/** Also by a run before. */
const moved = (work: Work, move: () => Promise<Partial<RunStatus>>) =>
  copied(work, async () => (isMoved(work.object as Snapshot) ? {} : move()));

/** Once it is copied, what was needed for that goes, and what the driver keeps. */
async function copied(work: Work, copy: () => Promise<Partial<RunStatus>>): Promise<Partial<RunStatus>> {
  const { parts, object, signal } = work;
  const found = await copy();
  while ((await discardMeans(parts, object, signal)) !== undefined) await parts.clock.sleep(pollEvery, signal);
  return found;
}
