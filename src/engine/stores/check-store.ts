/** Has a store tried, and writes into the status of its BackupStore what was found. */
import { rfc3339 } from '../../base/clock.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { BackupStore, BackupStoreStatus } from '../../resources/backup-store.ts';
import { withCondition } from '../../resources/conditions.ts';
import type { EngineParts } from '../parts.ts';
import { recordEvent } from '../runs/events.ts';
import { refOf } from '../runs/run-status.ts';

/** Resolves to the BackupStore with its new status. */
export async function checkStore(parts: EngineParts, store: KubeObject, signal: AbortSignal): Promise<BackupStore> {
  const fault = await parts.stores.faultOf(store.metadata.name, signal);
  return recordCheck(parts, store as BackupStore, fault, signal);
}

/** `fault`: why it cannot be used; undefined where it can. An Event tells where that has changed. */
export async function recordCheck(
  parts: EngineParts,
  store: BackupStore,
  fault: string | undefined,
  signal: AbortSignal,
): Promise<BackupStore> {
  const change = (object: KubeObject): KubeObject => ({ ...object, status: statusOf(object as BackupStore, fault, parts.clock.now()) });
  const written = ((await parts.objects.update(parts.backupStores, refOf(store), 'status', change, signal)) ?? store) as BackupStore;
  const { phase } = written.status ?? {};
  if (phase === undefined || phase === store.status?.phase) return written;
  const type = fault === undefined ? 'Normal' : 'Warning';
  await recordEvent(parts, written, { type, reason: phase, message: messageFor(fault) }, signal);
  return written;
}

const messageFor = (fault: string | undefined) => fault ?? 'It was read and written.';

function statusOf({ metadata, status = {} }: BackupStore, fault: string | undefined, at: number): BackupStoreStatus {
  const { message: _, ...before } = status;
  const now = rfc3339(at);
  const observedGeneration = metadata.generation ?? 0;
  const phase = fault === undefined ? 'Available' : 'Unavailable';
  const aspect = { status: fault === undefined ? 'True' : 'False', reason: phase, message: messageFor(fault) } as const;
  const conditions = ['Available', 'Ready'].reduce(
    (others, type) => withCondition(others, { type, ...aspect }, now),
    before.conditions ?? [],
  );
  return {
    ...before,
    phase,
    ...(fault !== undefined && { message: fault }),
    lastValidationTime: now,
    observedGeneration,
    conditions: conditions.map((one) => ({ ...one, observedGeneration })),
  };
}
