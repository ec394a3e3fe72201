/** Whether the creator of a backup or a restore may have what it reaches, asked when it begins: rights may have gone since it was created. */
import { denialOf } from '../../machinery/denial.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import type { AccessAttributes, Authorizer, User } from '../../machinery/user.ts';
import { RunFailed } from '../runs/failure.ts';
import { inParallel } from '../parallel.ts';

const questionsAtOnce = 8;

/** Rejects with RunFailed, reason Forbidden, in the words of Kubernetes. */
export async function requireRight(authorizer: Authorizer, user: User, attributes: AccessAttributes, signal: AbortSignal): Promise<void> {
  const { allowed, reason } = await authorizer.authorize(user, attributes, signal);
  if (!allowed) throw new RunFailed('Forbidden', denialOf(user, attributes, reason));
}

/** Whether they may restore a Backup or a Snapshot of this namespace into another one. Rejects as requireRight does. */
export function requireRestoreRight(
  authorizer: Authorizer,
  { group, version, plural: resource }: ResourceDefinition,
  user: User,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<void> {
  return requireRight(authorizer, user, { verb: 'create', group, version, resource, subresource: 'restore', namespace, name }, signal);
}

/**
 * Whether they may save what lies there: create backups in each of the places, of which undefined stands for the whole cluster.
 * Rejects as requireRight does, naming a place where the right is missing.
 */
export async function requireBackupRights(
  authorizer: Authorizer,
  backups: ResourceDefinition,
  user: User,
  places: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  const { group, version, plural: resource } = backups;
  await inParallel(places, questionsAtOnce, (namespace) =>
    requireRight(authorizer, user, { verb: 'create', group, version, resource, ...(namespace !== undefined && { namespace }) }, signal),
  );
}
