/** What is looked at in a backup before anything is done: what it holds, once and all of it, and what of that a restore takes. */
import { messageOf } from '../../base/lifetime.ts';
import { StoreDamaged, StoreNotFound } from '../../objectstore/objectstore.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import type { Backup } from '../../resources/backup.ts';
import type { Restore, RestoreSpec } from '../../resources/restore.ts';
import type { Item } from '../../resources/services.ts';
import { ArchiveDamaged, FormatUnknown } from '../archive/archive.ts';
import type { ArchiveReader } from '../archive/archive.ts';
import { heldResources } from '../archive/held-resources.ts';
import { openArchive } from '../archive/reader.ts';
import { salvage } from '../archive/salvage.ts';
import { runFolder } from '../runs/files.ts';
import { statusOf } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { storeOf } from '../stores/stores.ts';
import { chooseItems } from './item-choice.ts';
import type { ItemChoice } from './item-choice.ts';
import { Missing } from './missing.ts';
import type { ServedResources } from './served-resources.ts';
import { transformOf } from './transforms.ts';
import type { Transform } from './transforms.ts';

interface Survey {
  readonly reader: ArchiveReader;
  readonly choice: ItemChoice;
  readonly transform: Transform;
  readonly missing: Missing;
  /** How many items are taken, and the namespaces in which they lay. */
  readonly total: number;
  readonly namespaces: ReadonlySet<string>;
}

/** Where the lists of a backup are lost, or not what was written, its archive alone says what is in it: nothing that can be read is given up. */
export async function surveyOf(work: Work, backup: Backup, served: ServedResources): Promise<Survey> {
  const { parts, signal } = work;
  const { spec } = work.object as Restore;
  const folder = runFolder(parts.domain, 'backup', backup.metadata.uid ?? '', statusOf(backup).run?.id ?? '');
  const store = storeOf(parts, backup);
  try {
    return await survey(spec, await openArchive(store, folder, signal), served, signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    work.run.log.warn(`${messageOf(error)}; the archive itself is read, from its first byte to its last`);
    return survey(spec, await salvaged(work, backup, store, folder), served, signal);
  }
}

/** What a survey has left on the local disk: best effort, since the next start takes it away, too. */
export async function discardSurvey({ parts, folder }: Work): Promise<void> {
  const { signal } = new AbortController();
  const told = (error: unknown) => parts.log.warn('what a restore had on the local disk was not removed', { error: messageOf(error) });
  await parts.scratch.delete(scratchKey(folder), signal).catch(told);
}

const scratchKey = (folder: string) => `${folder}/items`;

const isDamage = (error: unknown) =>
  (error instanceof ArchiveDamaged && !(error instanceof FormatUnknown)) || error instanceof StoreDamaged || error instanceof StoreNotFound;

async function salvaged(work: Work, backup: Backup, store: ObjectStore, folder: string): Promise<ArchiveReader> {
  const { parts, run, signal } = work;
  const { reader, lost } = await salvage(store, folder, { store: parts.scratch, key: scratchKey(work.folder) }, signal);
  for (const text of lost) run.log.error(text);
  const { items: found } = reader.summary;
  const { items = found } = backup.status;
  if (found < items) run.log.error(`${found} of the ${items} items of the backup were found in its archive: the others are lost`);
  return reader;
}

async function survey(spec: RestoreSpec, reader: ArchiveReader, served: ServedResources, signal: AbortSignal): Promise<Survey> {
  const held = await heldResources(reader, served.all, signal);
  const choice = chooseItems(spec, held);
  const transform = transformOf(spec.transforms, held);
  const missing = new Missing(spec);
  return { reader, choice, transform, missing, ...(await count(reader, choice, missing, signal)) };
}

const itemsPerPage = 1_000;

async function count(reader: ArchiveReader, choice: ItemChoice, missing: Missing, signal: AbortSignal) {
  const namespaces = new Set<string>();
  let total = 0;
  for await (const item of itemsOf(reader, signal)) {
    missing.found(item);
    if (!choice.takes(item)) continue;
    total += 1;
    if (item.namespace) namespaces.add(item.namespace);
  }
  return { total, namespaces };
}

async function* itemsOf(reader: ArchiveReader, signal: AbortSignal): AsyncIterable<Item> {
  for (let token = ''; ;) {
    const page = await reader.items({ limit: itemsPerPage, continue: token, labelSelector: '' }, signal);
    yield* page.items;
    if (!page.continue) return;
    token = page.continue;
  }
}
