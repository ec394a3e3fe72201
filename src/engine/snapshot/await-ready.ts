/** Waits until the driver has taken what a VolumeSnapshot or a VolumeGroupSnapshot asks for. */
import { messageOf } from '../../base/lifetime.ts';
import type { ApiResource, ClusterObject } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import { isTransient } from '../retry.ts';
import { recordEvent } from '../runs/events.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';

/** Milliseconds between looks at one that is not ready: each a fifth longer than the one before, so that no more than that is lost. */
const firstPause = 200;
const longestPause = 2_000;
const growth = 1.2;

export interface Awaited {
  readonly resource: ApiResource;
  readonly name: string;
  readonly look: () => Promise<ClusterObject | undefined>;
  /** Name of the content that it is bound to. */
  readonly contentNameOf: (found: ClusterObject) => string | undefined;
}

/** Resolves to it as soon as volumes can be made of it; rejects with RunFailed when that does not come, or not within `ms`. */
export async function awaitReady(work: Work, awaited: Awaited, ms: number): Promise<ClusterObject> {
  const { clock } = work.parts;
  const deadline = clock.monotonic() + ms;
  let said = '';
  for (let pause = firstPause; ; pause = Math.min(pause * growth, longestPause)) {
    const found = await patiently(work, awaited);
    if (found && isReady(found, awaited)) return found;
    const error = found && errorOf(found);
    if (error && error !== said) tell(work, error);
    said = error ?? said;
    if (clock.monotonic() >= deadline)
      throw new RunFailed(
        'Timeout',
        `the ${called(awaited)} is not ready to use after ${ms / 1_000} s${said && `; its driver says: ${said}`}`,
      );
    await clock.sleep(pause, work.signal);
  }
}

/** Undefined where the cluster does not answer for a moment. */
async function patiently({ run, signal }: Work, awaited: Awaited): Promise<ClusterObject | undefined> {
  try {
    return required(await awaited.look(), awaited);
  } catch (error) {
    if (signal.aborted || !isTransient(error)) throw error;
    run.log.warn(`${awaited.name} could not be read: ${messageOf(error)}`);
    return undefined;
  }
}

function required(found: ClusterObject | undefined, awaited: Awaited): ClusterObject {
  const { resource, name } = awaited;
  if (!found) throw new RunFailed(`${resource.kind}NotFound`, notFound(resource, name).message);
  if (found.metadata['deletionTimestamp'] === undefined) return found;
  throw new RunFailed(`${resource.kind}BeingDeleted`, `the ${called(awaited)} is being deleted`);
}

const called = ({ resource, name }: Awaited) => `${resource.kind} ${quote(name)}`;

const isReady = (found: ClusterObject, { contentNameOf }: Awaited) =>
  fieldsOf(found['status'])['readyToUse'] === true && contentNameOf(found) !== undefined;

const errorOf = ({ status }: ClusterObject) => textOf(fieldsOf(fieldsOf(status)['error'])['message']);

/** Drivers are asked again after an error, so it is not the end. Only a Snapshot has a place for it in its status. */
function tell({ parts, run, object, report }: Work, driverError: string): void {
  run.log.warn(driverError);
  if (object.kind === parts.snapshots.kind) report({ driverError });
  void recordEvent(parts, object, { type: 'Warning', reason: 'DriverError', message: driverError }, run.signal);
}
