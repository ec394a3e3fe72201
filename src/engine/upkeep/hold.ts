/** Holds a Backup against expiry and deletion, and lets it go again. */
import { rfc3339 } from '../../base/clock.ts';
import { ApiError, conflict, quote } from '../../machinery/errors.ts';
import { groupResource } from '../../machinery/keys.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { requireMatch, requireMatchToDelete } from '../../machinery/writing/preconditions.ts';
import type { Backup } from '../../resources/backup.ts';
import type { HoldChange } from '../../resources/services.ts';
import type { EngineParts } from '../parts.ts';
import { recordEvent } from '../runs/events.ts';
import { isDeleted, refOf, statusOf } from '../runs/run-status.ts';

type Change = (object: KubeObject) => KubeObject;

export async function holdBackup(
  parts: EngineParts,
  backup: KubeObject,
  reason: string | undefined,
  { user, dryRun, preconditions }: HoldChange,
  signal: AbortSignal,
): Promise<KubeObject> {
  const what = groupResource(parts.backups);
  const change: Change = (object) => {
    requireMatch(parts.backups, object, preconditions);
    if (isDeleted(object)) throw conflict(what, object.metadata.name, 'it is being deleted');
    const before = (object as Backup).status.hold;
    if (before && (before.reason ?? '') === (reason ?? '')) return object;
    const hold = { ...(reason && { reason }), since: before?.since ?? rfc3339(parts.clock.now()), by: user.name };
    return { ...object, status: { ...statusOf(object), hold } };
  };
  const message = `It is held by ${user.name}${reason ? `: ${reason}` : ''}.`;
  return changed(parts, backup, change, dryRun, { reason: 'Held', message }, signal);
}

export async function releaseBackup(
  parts: EngineParts,
  backup: KubeObject,
  { user, dryRun, preconditions }: HoldChange,
  signal: AbortSignal,
): Promise<KubeObject> {
  const change: Change = (object) => {
    requireMatchToDelete(parts.backups, object, preconditions);
    const { hold, ...status } = statusOf(object);
    if (hold === undefined) throw notHeld(parts, object);
    return { ...object, status };
  };
  return changed(parts, backup, change, dryRun, { reason: 'Released', message: `It is no longer held: ${user.name} released it.` }, signal);
}

/** Rejects with ApiError 404 where the object is gone by now, or not held. */
async function changed(
  parts: EngineParts,
  backup: KubeObject,
  change: Change,
  dryRun: boolean,
  event: { readonly reason: string; readonly message: string },
  signal: AbortSignal,
): Promise<KubeObject> {
  if (dryRun) return change(backup);
  let isNew = false;
  const counted: Change = (object) => {
    const next = change(object);
    isNew = next !== object;
    return next;
  };
  const written = await parts.objects.update(parts.backups, refOf(backup), 'status', counted, signal);
  if (!written) throw notHeld(parts, backup);
  if (isNew) void recordEvent(parts, written, { type: 'Normal', ...event }, AbortSignal.any([]));
  return written;
}

function notHeld({ backups }: EngineParts, { metadata }: KubeObject): ApiError {
  const { group, resource } = groupResource(backups);
  return new ApiError(404, 'NotFound', `backup ${quote(metadata.name)} is not held`, { name: metadata.name, group, kind: resource });
}
