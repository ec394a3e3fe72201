/**
 * Removes what a deleted Backup, Restore or Snapshot left in the cluster and in the store, then lets the object go. A run that still goes on is ended first:
 * here at once, on another replica when that sees the deletion; and Restores that read it come to their end. What fails is shown in the status and tried again.
 */
import { messageOf } from '../../base/lifetime.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectRef } from '../../machinery/objects.ts';
import { StoreError } from '../../objectstore/objectstore.ts';
import { dataFinalizer } from '../../resources/group.ts';
import { recordEvent } from '../runs/events.ts';
import { RunAbandoned } from '../runs/failure.ts';
import { objectFolder, removeFiles } from '../runs/files.ts';
import { hasBegun, isDeleted, statusOf, withStatus } from '../runs/run-status.ts';
import type { RunParts } from '../runs/run.ts';
import { storeOf } from '../stores/stores.ts';
import { readerOf } from './readers.ts';

/** Milliseconds until a run of another replica is looked at again. */
const lookAgain = 10_000;
/** Milliseconds until it is looked whether a Restore still reads it. */
const lookForReaders = 3_000;
/** Milliseconds until it is looked whether the cluster has let go of something. */
const lookSoon = 1_000;

/** Resolves to the milliseconds after which to look again, if that is needed. */
export async function removeData(given: RunParts, target: ObjectRef, signal: AbortSignal): Promise<number | undefined> {
  const { parts, task, claims, runs } = given;
  const object = await parts.objects.get(task.definition, target.namespace, target.name, signal);
  if (!object || object.metadata.uid !== target.uid || !isHeld(object)) return undefined;
  const run = runs.get(target.uid);
  if (!run && !claims.isFree(object)) return lookAgain;
  await run?.stop(new RunAbandoned('it was deleted'));
  await tell(given, target, undefined, signal);
  try {
    const reader = await readerOf(parts, object, signal);
    if (reader !== undefined) {
      await tell(given, target, `Its data is not removed yet: the Restore ${reader} reads it`, signal);
      return lookForReaders;
    }
    const left = await task.discard?.(parts, object, signal);
    if (left !== undefined) {
      await tell(given, target, `Its data is not removed yet: ${left}`, signal);
      return lookSoon;
    }
    await removeStored(given, object, signal);
  } catch (error) {
    if (!signal.aborted) await tellFailure(given, object, target, error, signal);
    throw error;
  }
  await parts.objects.update(task.definition, target, 'object', withoutFinalizer, signal);
  return undefined;
}

/** Where it has not begun, the store is not needed: nothing of it lies there. */
async function removeStored({ parts, task }: RunParts, object: KubeObject, signal: AbortSignal): Promise<void> {
  if (!hasBegun(object)) return;
  await removeFiles(storeOf(parts, object), objectFolder(parts.domain, task.word, object.metadata.uid ?? ''), signal);
}

const forLostStores = `it is tried again; if the store is gone for good, take away the finalizer ${dataFinalizer}: what may lie there stays`;

const isHeld = (object: KubeObject) => isDeleted(object) && (object.metadata.finalizers ?? []).includes(dataFinalizer);

async function tell({ parts, task }: RunParts, target: ObjectRef, message: string | undefined, signal: AbortSignal): Promise<void> {
  const deleting = (object: KubeObject) =>
    statusOf(object).phase === 'Deleting' && message === undefined
      ? object
      : withStatus(object, { phase: 'Deleting' }, parts.clock.now(), message);
  await parts.objects.update(task.definition, target, 'status', deleting, signal);
}

async function tellFailure(given: RunParts, object: KubeObject, target: ObjectRef, error: unknown, signal: AbortSignal): Promise<void> {
  const wayOut = error instanceof StoreError ? `; ${forLostStores}` : '';
  const message = `Its data is not removed yet: ${messageOf(error)}${wayOut}`;
  await tell(given, target, message, signal);
  await recordEvent(given.parts, object, { type: 'Warning', reason: 'DeletionFailed', message }, signal);
}

function withoutFinalizer(object: KubeObject): KubeObject {
  const { finalizers = [], ...metadata } = object.metadata;
  const kept = finalizers.filter((finalizer) => finalizer !== dataFinalizer);
  return { ...object, metadata: { ...metadata, ...(kept.length > 0 && { finalizers: kept }) } };
}
