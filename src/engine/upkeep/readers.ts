/**
 * The Restores that are bringing back what a Backup or a Snapshot holds: as a claim does that a Pod uses, it stays until they have ended. A Restore is
 * InProgress before it looks at what it reads, and refuses what is being deleted: so none begins that is not seen here.
 */
import type { KubeObject } from '../../machinery/object.ts';
import { backupUid } from '../../resources/group.ts';
import type { Restore } from '../../resources/restore.ts';
import type { EngineParts } from '../parts.ts';
import { statusOf } from '../runs/run-status.ts';

/** One of them, as `NAMESPACE/NAME`. */
export async function readerOf(parts: EngineParts, object: KubeObject, signal: AbortSignal): Promise<string | undefined> {
  if (object.kind !== parts.backups.kind && object.kind !== parts.snapshots.kind) return undefined;
  for (const restore of (await parts.objects.list(parts.restores, {}, signal)) as Restore[]) {
    if (statusOf(restore).phase !== 'InProgress' || !(await reads(parts, restore, object, signal))) continue;
    return `${restore.metadata.namespace}/${restore.metadata.name}`;
  }
  return undefined;
}

async function reads(parts: EngineParts, { metadata, spec }: Restore, object: KubeObject, signal: AbortSignal): Promise<boolean> {
  const { namespace, name, uid, labels } = object.metadata;
  if (spec.snapshotName !== undefined)
    return (
      object.kind === parts.snapshots.kind && spec.snapshotName === name && (spec.snapshotNamespace ?? metadata.namespace) === namespace
    );
  const backup = await parts.objects.get(parts.backups, spec.backupNamespace ?? metadata.namespace ?? '', spec.backupName ?? '', signal);
  return backup !== undefined && (backup.metadata.uid === uid || backup.metadata.uid === labels?.[backupUid]);
}
