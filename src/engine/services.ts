/** What the subresources of our kinds ask for: archives, items, logs and results, from the store or from a run that goes on. */
import { ClusterError } from '../cluster/cluster.ts';
import type { Discovery } from '../cluster/cluster.ts';
import { messageOf, unlessAborted, withDeadline } from '../base/lifetime.ts';
import { ApiError, badRequest, internal, rangeNotSatisfiable, unavailable } from '../machinery/errors.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { ResourceDefinition } from '../machinery/resource.ts';
import type { ObjectStore } from '../objectstore/objectstore.ts';
import { StoreDamaged, StoreError, StoreNotFound, StoreRange, StoreUnavailable } from '../objectstore/objectstore.ts';
import { FolderTooLarge } from '../repository/reading/folder.ts';
import type { ItemQuery, Services } from '../resources/services.ts';
import type { ArchiveReader, ResultsReader } from './archive/archive.ts';
import { ArchiveDamaged } from './archive/archive.ts';
import { parseKey } from './archive/item-key.ts';
import { openArchive } from './archive/reader.ts';
import { openResults } from './archive/results-reader.ts';
import { byPlural, heldResources } from './archive/held-resources.ts';
import { Cache } from './cache.ts';
import { Discovered } from './discovered.ts';
import { runFolder } from './runs/files.ts';
import { differencesOf } from './diff/differences.ts';
import type { EngineParts } from './parts.ts';
import type { ReadPiece } from './runs/elsewhere.ts';
import { readPiece } from './runs/live-log.ts';
import { readLog } from './runs/read-log.ts';
import { requireEnded, requireNotElsewhere } from './runs/require-ended.ts';
import { RunFailed } from './runs/failure.ts';
import { statusOf } from './runs/run-status.ts';
import type { Runs } from './runs/runs.ts';
import type { SnapshotFiles } from './snapshot/snapshot-files.ts';
import { holdBackup, releaseBackup } from './upkeep/hold.ts';
import { verifyBackup } from './verify/ask.ts';
import { storeOf } from './stores/stores.ts';
import { checkStore } from './stores/check-store.ts';

/** Archives that are open at once; each holds its index. */
const openReaders = 32;
const openWithin = 60_000;

export function createServices(parts: EngineParts, runs: Runs, files: SnapshotFiles): Services {
  const archives = new Cache<ArchiveReader>(openReaders);
  const results = new Cache<ResultsReader>(openReaders);
  const discovered = new Discovered(parts);
  const archiveOf = (backup: KubeObject, signal: AbortSignal) => opened(parts, archives, backup, openArchive, signal);
  const resultsOf = (restore: KubeObject, signal: AbortSignal) => opened(parts, results, restore, openResults, signal);
  const storedLog = async (object: KubeObject, signal: AbortSignal) =>
    (object.kind === parts.backups.kind ? await archiveOf(object, signal) : await resultsOf(object, signal)).log(signal);
  return {
    archive: (backup, range, signal) =>
      translated(async () => {
        const reader = await archiveOf(backup, signal);
        const { bytes, sha256 } = reader.summary;
        if (range && range.start >= bytes) throw rangeNotSatisfiable(`bytes=${range.start}-`, bytes);
        return { size: bytes, sha256, body: await reader.stream(range, signal) };
      }),
    items: (backup, query, signal) =>
      translated(async () => {
        const reader = await archiveOf(backup, signal);
        return reader.items(await resolved(reader, query, discovered, signal), signal);
      }),
    item: (backup, key, signal) =>
      translated(async () => {
        return (await archiveOf(backup, signal)).item(key, signal);
      }),
    files: (snapshot, query, user, signal) => translated(() => files.page(snapshot, query, user, signal)),
    download: async (snapshot, path, user, signal) => {
      const found = await translated(() => files.download(snapshot, path, user, signal));
      return { ...found, read: (range, reading) => translated(() => found.read(range, reading)) };
    },
    log: (object, options, signal) => {
      const stored = (found: KubeObject) => translated(() => storedLog(found, signal));
      const piece: ReadPiece = (found, number) =>
        translated(() => readPiece(storeOf(parts, found), folderOf(parts, found), number, signal));
      return readLog({ parts, runs, stored, piece }, object, options, signal);
    },
    results: (restore, query, signal) =>
      translated(async () => {
        const run = runs.get(restore.metadata.uid ?? '');
        if (run) return run.results.page(query);
        requireNotElsewhere(parts.restores, restore);
        return (await resultsOf(restore, signal)).page(query, signal);
      }),
    diff: (backup, query, user, signal) => translated(() => differencesOf({ parts, discovered, archiveOf, backup, query, user }, signal)),
    verify: async (backup, signal) => {
      requireData(parts, backup);
      return verifyBackup(parts, backup, signal);
    },
    checkStore: (store, signal) => checkStore(parts, store, signal),
    hold: (backup, reason, change, signal) => holdBackup(parts, backup, reason, change, signal),
    release: (backup, change, signal) => releaseBackup(parts, backup, change, signal),
    createRestore: (restore, user, options, signal) => parts.objects.create(parts.restores, restore, user, options, signal),
  };
}

/** The cluster is asked for names only where the query names no plural; one that does not answer leaves the kinds of the items. */
async function resolved(reader: ArchiveReader, query: ItemQuery, discovered: Discovered, signal: AbortSignal): Promise<ItemQuery> {
  const plurals = [...reader.resources().keys()].map((key) => parseKey(`${key}/`));
  if (query.resource === undefined || plurals.some(({ resource }) => resource === query.resource)) return query;
  const { resources } = await discovered.forPage(query.continue === '', signal).catch(nothingServed);
  return byPlural(query, await heldResources(reader, resources, signal));
}

function nothingServed(error: unknown): Discovery {
  if (!(error instanceof ClusterError)) throw error;
  return { resources: [], failures: [] };
}

/** Opened once for all who ask; who goes away leaves the opening to the others. */
function opened<T>(
  parts: EngineParts,
  cache: Cache<T>,
  object: KubeObject,
  open: (store: ObjectStore, folder: string, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const folder = requireData(parts, object);
  const lasting = new AbortController().signal;
  const late = () => new StoreUnavailable(`${folder} was not opened within ${openWithin / 1_000} s`);
  const load = () => withDeadline(parts.clock, openWithin, lasting, late, (signal) => open(storeOf(parts, object), folder, signal));
  return unlessAborted(cache.get(folder, load), signal);
}

/** The folder with the data. Throws ApiError where the object has none, and says why. */
function requireData(parts: EngineParts, object: KubeObject): string {
  requireEnded(definitionOf(parts, object), object);
  return folderOf(parts, object);
}

/** Of the run that the object names. */
function folderOf(parts: EngineParts, object: KubeObject): string {
  const word = definitionOf(parts, object) === parts.backups ? 'backup' : 'restore';
  return runFolder(parts.domain, word, object.metadata.uid ?? '', statusOf(object).run?.id ?? '');
}

const definitionOf = ({ backups, restores }: EngineParts, { kind }: KubeObject): ResourceDefinition =>
  kind === backups.kind ? backups : restores;

/** What the cluster has said no to, in its own words. */
function refusedBy(error: ClusterError): ApiError {
  const { code, reason, message } = error;
  return code >= 400 && code < 500 ? new ApiError(code, reason, message, {}, { cause: error }) : unavailable(message, error);
}

/** Errors of the store, of the archive, and of the cluster that is asked for a user, as the API tells them. */
async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreRange) throw rangeNotSatisfiable('bytes', error.size);
    if (error instanceof FolderTooLarge) throw badRequest(`path: ${error.message}`, error);
    if (error instanceof ArchiveDamaged || error instanceof StoreDamaged || error instanceof StoreNotFound)
      throw internal(messageOf(error), error);
    if (error instanceof StoreError) throw unavailable(messageOf(error), error);
    if (error instanceof ClusterError) throw refusedBy(error);
    if (error instanceof RunFailed) throw new ApiError(409, 'Conflict', `${error.reason}: ${error.message}`, {}, { cause: error });
    throw error;
  }
}
