/** What every step of one restore knows, and the first steps: open the backup, look at the cluster, count. */
import type { Cluster } from '../../cluster/cluster.ts';
import { notFound, qualified } from '../../machinery/errors.ts';
import type { Item, ItemKey } from '../../resources/services.ts';
import type { Backup } from '../../resources/backup.ts';
import type { Restore, RestoreSpec } from '../../resources/restore.ts';
import type { ArchiveReader } from '../archive/archive.ts';
import { RunFailed } from '../runs/failure.ts';
import { Backends } from './backends.ts';
import type { ItemChoice } from './item-choice.ts';
import { EarlyItems } from './early-items.ts';
import { Owners } from './owners.ts';
import { isDeleted, statusOf } from '../runs/run-status.ts';
import { requireBackupRights, requireRestoreRight } from '../selection/rights.ts';
import type { Work } from '../runs/run.ts';
import { ServedResources } from './served-resources.ts';
import { surveyOf } from './survey.ts';
import { mapped, targetIn } from './target.ts';
import type { Transform } from './transforms.ts';

export interface Restoration {
  readonly work: Work;
  readonly spec: RestoreSpec;
  readonly reader: ArchiveReader;
  /** Snapshots of the volumes of its claims, by namespace and name of the claim as they were called in the backup. */
  readonly volumes: ReadonlyMap<string, string>;
  /** Claims whose volumes the backup was to take, and could not; named as those. */
  readonly lostVolumes: ReadonlySet<string>;
  readonly choice: ItemChoice;
  readonly owners: Owners;
  readonly served: ServedResources;
  /** As the creator of the restore. */
  readonly cluster: Cluster;
  /** How many items are taken. */
  readonly total: number;
  /** Items that the spec names and the backup does not hold. */
  readonly missing: readonly ItemKey[];
  /** Of the items that are taken, as they were called in the backup. */
  readonly namespaces: ReadonlySet<string>;
  /** Where what lay in a namespace goes. */
  readonly mapNamespace: (namespace: string) => string;
  /** What an item is called where it goes. */
  readonly targetOf: (key: ItemKey) => ItemKey;
  readonly transform: Transform['apply'];
  /** `plural.group` of what is done so far. */
  readonly done: Set<string>;
  /** What came back before its owners. */
  readonly early: EarlyItems;
  /** What stands behind what may turn away other objects. */
  readonly backends: Backends;
  /** Of a dry run: target namespaces that are not there, though they would be. */
  readonly absentNamespaces: Set<string>;
  /** Of this run: CustomResourceDefinitions that were made, or would be in a dry run; their names are `plural.group`. */
  readonly newDefinitions: Set<string>;
}

export async function beginRestoration(work: Work): Promise<Restoration> {
  const { spec } = work.object as Restore;
  const { backupName = '', backupNamespace = work.object.metadata.namespace ?? '' } = spec;
  const backup = await findBackup(work, backupNamespace, backupName);
  const served = new ServedResources(work.parts.cluster);
  const failures = await served.refresh(work.signal);
  for (const { groupVersion, message } of failures) work.run.log.warn(`${groupVersion} was not discovered: ${message}`);
  const { reader, choice, transform, missing, total, namespaces } = await surveyOf(work, backup, served);
  for (const pattern of new Set([...choice.unknown, ...transform.unknown]))
    work.run.log.warn(`${JSON.stringify(pattern)} names no resource of the backup`);
  for (const text of missing.namespaces) work.run.log.warn(text);
  await requireContentRights(work, namespaces);
  const cluster = work.parts.cluster.as(work.creator);
  const mapNamespace = (namespace: string) => mapped(spec.namespaceMapping, namespace);
  const targetOf = (key: ItemKey) => targetIn(mapNamespace, key);
  const done = new Set<string>();
  const items: ArchiveReader['items'] = (query, signal) => reader.items(query, signal);
  const mayRecreate = spec.existingResourcePolicy === 'Recreate';
  return {
    work,
    spec,
    reader,
    volumes: volumesOf(backup),
    lostVolumes: lostVolumesOf(backup),
    choice,
    served,
    cluster,
    owners: new Owners({ cluster, served, items, takes: choice.takes, targetOf, done, mayRecreate }),
    total,
    missing: missing.items,
    namespaces,
    mapNamespace,
    targetOf,
    transform: transform.apply,
    done,
    early: new EarlyItems(reader.resources()),
    backends: new Backends(work.parts, (text) => work.run.log.info(text), work.signal),
    absentNamespaces: new Set(),
    newDefinitions: new Set(),
  };
}

/**
 * A backup may hold more than the namespace in which it lies. Who brings back what lay elsewhere gets to see it, under another
 * name if need be: so they need the right to save it.
 */
function requireContentRights({ parts, creator, object, signal }: Work, namespaces: ReadonlySet<string>): Promise<void> {
  const elsewhere = [...namespaces].filter((namespace) => namespace !== object.metadata.namespace);
  return requireBackupRights(parts.authorizer, parts.backups, creator, elsewhere, signal);
}

async function findBackup(work: Work, namespace: string, backupName: string): Promise<Backup> {
  const { parts, object, signal } = work;
  const { group, plural: resource } = parts.backups;
  if (namespace !== object.metadata.namespace)
    await requireRestoreRight(parts.authorizer, parts.backups, work.creator, { namespace, name: backupName }, signal);
  const backup = await parts.objects.get(parts.backups, namespace, backupName, signal);
  if (!backup) throw new RunFailed('BackupNotFound', notFound({ group, resource }, backupName).message);
  const { phase = 'New', run } = statusOf(backup);
  const usable = !isDeleted(backup) && (phase === 'Completed' || phase === 'PartiallyFailed');
  if (!usable || !run)
    throw new RunFailed('BackupNotUsable', `the backup ${namespace}/${backupName} is ${isDeleted(backup) ? 'Deleting' : phase}`);
  work.run.log.info(`from the backup ${namespace}/${backupName} of ${String(statusOf(backup).startTimestamp)}`);
  return backup as Backup;
}

function volumesOf({ status: { volumes = [] } }: Backup): ReadonlyMap<string, string> {
  const taken = new Map<string, string>();
  for (const { namespace, claim, snapshotName, phase } of volumes)
    if (phase === 'Completed' && snapshotName !== undefined) taken.set(`${namespace}/${claim}`, snapshotName);
  return taken;
}

function lostVolumesOf({ status: { volumes = [] } }: Backup): ReadonlySet<string> {
  return new Set(volumes.flatMap(({ namespace, claim, phase }) => (phase === 'Failed' ? [`${namespace}/${claim}`] : [])));
}

/** For messages. */
export function nameOf(item: Pick<Item, 'group' | 'resource' | 'namespace' | 'name'>): string {
  return `${qualified(item)} ${item.namespace && `${item.namespace}/`}${item.name}`;
}
