/** The work of a Backup, stage by stage: namespaces, rights, resources, collection, archive. */
import type { ApiResource, Cluster } from '../../cluster/cluster.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import type { Backup, BackupStatus, BackupVolume } from '../../resources/backup.ts';
import { parseDuration } from '../../resources/durations.ts';
import type { ArchiveSummary, ArchiveWriter } from '../archive/archive.ts';
import { createArchiveWriter } from '../archive/writer.ts';
import type { BackupPlan } from './backup-plan.ts';
import { planBackup } from './backup-plan.ts';
import type { Collection } from './collect.ts';
import { collect } from './collect.ts';
import { listedAtOnce } from './listed-at-once.ts';
import { RunFailed } from '../runs/failure.ts';
import { parseListed } from './new-item.ts';
import { requireBackupRights } from '../selection/rights.ts';
import type { Task, Work } from '../runs/run.ts';
import type { NamespaceChoice } from '../selection/selection.ts';
import { chooseNamespaces } from '../selection/selection.ts';
import { withExpiration } from '../upkeep/ttl.ts';
import { takesVolumes } from './volume-choice.ts';
import type { Claim } from './volume-choice.ts';
import { discardVolumes, takeVolumes } from './volumes.ts';

export function backupTask(definition: ResourceDefinition): Task {
  return {
    word: 'backup',
    definition,
    atOnce: 2,
    expires: true,
    hasLog: true,
    timeout: (object) => parseDuration((object as Backup).spec.timeout ?? ''),
    execute: executeBackup,
    finish: withExpiration,
    discard: discardVolumes,
  };
}

/** All namespaces of the cluster, and those of them that the backup takes. */
interface Namespaces extends NamespaceChoice {
  readonly existing: readonly string[];
}

async function executeBackup(work: Work): Promise<Partial<BackupStatus>> {
  const namespaces = await selectNamespaces(work);
  await requireBackupRights(work.parts.authorizer, work.parts.backups, work.creator, placesOf(work, namespaces), work.signal);
  refuseIfNoneExists(work, namespaces);
  const plan = await planBackup(work.parts.cluster, specOf(work), work.run.log, work.signal);
  const { archive, volumes } = await archiveOf(work, namespaces, plan);
  const { uid, version } = await work.parts.cluster.identity(work.signal);
  const { key, sha256, bytes, items, formatVersion, storedBytes } = archive;
  return {
    archive: { key, sha256, bytes, formatVersion },
    items,
    ...(takesVolumes(specOf(work)) && { volumes }),
    sizeBytes: storedBytes,
    progress: { totalItems: items, itemsBackedUp: items },
    cluster: { uid, version },
  };
}

const specOf = ({ object }: Work) => (object as Backup).spec;

async function selectNamespaces(work: Work): Promise<Namespaces> {
  const { includedNamespaces, excludedNamespaces } = specOf(work);
  const existing = await namesOfNamespaces(work.parts.cluster, work.signal);
  const choice = chooseNamespaces(includedNamespaces, excludedNamespaces, work.object.metadata.namespace ?? '', existing);
  return { ...choice, existing };
}

const namespaces: ApiResource = {
  group: '',
  version: 'v1',
  resource: 'namespaces',
  kind: 'Namespace',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['list'],
};

async function namesOfNamespaces(cluster: Cluster, signal: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  for await (const { items } of cluster.list(namespaces, {}, signal)) names.push(...items.map((item) => parseListed(item).metadata.name));
  return names;
}

/** Where the creator needs the right to make backups; the names of what is not there are told only to who has it. */
function placesOf(work: Work, { names, missing, everything }: Namespaces): readonly (string | undefined)[] {
  return everything || specOf(work).includeClusterResources === true ? [undefined] : [...names, ...missing];
}

function refuseIfNoneExists({ run }: Work, { names, missing }: Namespaces): void {
  const texts = missing.map((name) => `namespace "${name}" not found`);
  if (names.length === 0) throw new RunFailed('NamespaceNotFound', texts.join(', ') || 'no namespace is included');
  for (const text of texts) run.log.warn(text);
}

/** The volumes are taken as soon as their claims are in the archive. */
async function archiveOf(
  work: Work,
  namespaces: Namespaces,
  plan: BackupPlan,
): Promise<{ readonly archive: ArchiveSummary; readonly volumes: BackupVolume[] }> {
  const { run, store, folder, signal } = work;
  const archive = await createArchiveWriter(store, folder, work.parts.ids, signal);
  try {
    run.log.info(`namespaces: ${namespaces.names.length}, resources in each: ${plan.namespaced.length}`);
    let items = 0;
    const passed = (isTaken: boolean, coming: number) => {
      if (isTaken) items += 1;
      work.report({ progress: { totalItems: items + coming, itemsBackedUp: items } });
    };
    const claims: Claim[] = [];
    await collect({ ...(await collectionOf(work, namespaces, plan)), archive, passed, addedVolume: (claim) => claims.push(claim) });
    const volumes = takesVolumes(specOf(work)) ? await takeAside(work, claims, archive) : [];
    run.log.info(`${items} items, ${archive.contentBytes} bytes, ${run.log.warnings} warnings, ${run.log.errors} errors`);
    return { archive: await archive.finish(run.log.text()), volumes };
  } catch (error) {
    await archive.abort();
    throw error;
  }
}

/** Nothing is held in memory meanwhile: it may take hours. */
async function takeAside(work: Work, claims: readonly Claim[], archive: ArchiveWriter): Promise<BackupVolume[]> {
  await archive.seal();
  return work.aside(() => takeVolumes(work, claims));
}

async function collectionOf(
  work: Work,
  namespaces: Namespaces,
  plan: BackupPlan,
): Promise<Omit<Collection, 'archive' | 'passed' | 'addedVolume'>> {
  const { labelSelector, orLabelSelectors } = specOf(work);
  const { cluster } = work.parts;
  return {
    cluster,
    plan,
    namespaces: namespaces.names,
    listedAtOnce: await listedAtOnce(cluster, plan.namespaced, namespaces, work.signal),
    ...(labelSelector && { labelSelector }),
    ...(orLabelSelectors && { orLabelSelectors }),
    log: work.run.log,
    signal: work.signal,
  };
}
