/** When a Backup or a Snapshot may go: spec.ttl after its end. */
import { rfc3339 } from '../../base/clock.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Backup } from '../../resources/backup.ts';
import { parseDuration } from '../../resources/durations.ts';

/** RFC 3339; undefined for one that has not ended, or has no ttl. */
export function expirationOf(object: KubeObject): string | undefined {
  const { spec, status } = object as Backup;
  const ttl = parseDuration(spec?.ttl ?? '');
  const end = Date.parse(status?.completionTimestamp ?? '');
  return ttl === undefined || Number.isNaN(end) ? undefined : rfc3339(end + ttl);
}

/** When it will be deleted, as things are: a held one not at all. */
export function dueAt(object: KubeObject): string | undefined {
  return (object as Backup).status?.hold === undefined ? expirationOf(object) : undefined;
}

/** The object with the expiration that follows from it; the same one where it has that already. */
export function withExpiration(object: KubeObject): KubeObject {
  const { status } = object as Backup;
  const expiration = expirationOf(object);
  if (status?.expiration === expiration) return object;
  const { expiration: _, ...others } = status;
  return { ...object, status: { ...others, ...(expiration !== undefined && { expiration }) } };
}
