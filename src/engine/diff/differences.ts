/** Answers who asks what has changed since a backup: may they, and what is it compared with. */
import { denied } from '../../machinery/denial.ts';
import { notFound } from '../../machinery/errors.ts';
import { groupResource } from '../../machinery/keys.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { User } from '../../machinery/user.ts';
import type { Backup } from '../../resources/backup.ts';
import type { DifferencePage, DifferenceQuery } from '../../resources/services.ts';
import type { ArchiveReader } from '../archive/archive.ts';
import { byPlural, heldResources } from '../archive/held-resources.ts';
import type { EngineParts } from '../parts.ts';
import { backupSide } from './backup-side.ts';
import { comparePage, Warnings } from './diff.ts';
import type { Discovered } from '../discovered.ts';
import { liveSide } from './live-side.ts';

export interface Question {
  readonly parts: EngineParts;
  readonly discovered: Discovered;
  readonly archiveOf: (backup: KubeObject, signal: AbortSignal) => Promise<ArchiveReader>;
  readonly backup: KubeObject;
  readonly query: DifferenceQuery;
  readonly user: User;
}

export async function differencesOf(question: Question, signal: AbortSignal): Promise<DifferencePage> {
  const { parts, discovered, archiveOf, user } = question;
  const backup = question.backup as Backup;
  const warnings = new Warnings();
  const { against } = question.query;
  const other = against === undefined ? undefined : await otherBackup(question, against, signal);
  const reader = await archiveOf(backup, signal);
  const discovery = await discovered.forPage(question.query.continue === '', signal);
  const held = question.query.resource === undefined ? [] : await heldResources(reader, discovery.resources, signal);
  const query = byPlural(question.query, [...discovery.resources, ...held]);
  const side = other
    ? await backupSide({ discovery, backup, reader: await archiveOf(other, signal) }, signal)
    : await liveSide({ discovery, cluster: parts.cluster.as(user), backup, reader, query, warn: (text) => warnings.add(text) }, signal);
  return comparePage({ reader, side, query, warnings, clock: parts.clock, signal });
}

/** Who may not see it does not learn either whether it is there. */
async function otherBackup({ parts, backup, user }: Question, name: string, signal: AbortSignal): Promise<KubeObject> {
  const { group, version } = parts.backups;
  const what = groupResource(parts.backups);
  const { namespace = '' } = backup.metadata;
  const right = { verb: 'get', group, version, resource: what.resource, subresource: 'diff', namespace, name };
  const verdict = await parts.authorizer.authorize(user, right, signal);
  if (!verdict.allowed) throw denied(user, right, verdict);
  const other = await parts.objects.get(parts.backups, namespace, name, signal);
  if (!other) throw notFound(what, name);
  return other;
}
