/** Whether the creator of a backup may have it: the right to create backups wherever it reaches, asked when it begins. */
import type { ResourceDefinition } from '../machinery/resource.ts';
import type { Authorizer, User } from '../machinery/user.ts';
import { RunFailed } from './failure.ts';
import { inParallel } from './parallel.ts';

const questionsAtOnce = 8;

/** Rejects with RunFailed, reason Forbidden, that names a place where the right is missing. Undefined stands for the whole cluster. */
export async function checkRights(
  authorizer: Authorizer,
  definition: ResourceDefinition,
  user: User,
  places: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  const { group, version, plural: resource } = definition;
  await inParallel(places, questionsAtOnce, async (namespace) => {
    const attributes = { verb: 'create', group, version, resource, ...(namespace !== undefined && { namespace }) };
    const { allowed, reason } = await authorizer.authorize(user, attributes, signal);
    if (allowed) return;
    const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
    throw new RunFailed('Forbidden', `User "${user.name}" cannot create ${resource} ${where}${reason && `: ${reason}`}`);
  });
}
