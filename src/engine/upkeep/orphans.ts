/**
 * Folders in the store that no Backup, Restore or Snapshot has: left by a finalizer that was removed by hand, or by a run that died. An
 * object is there before its folder, and names a run before that has a file; so what lies in a folder that was listed *before* the
 * catalog was read, and that the catalog does not know, is nobody's, and never will be anybody's: uids and runs are not used twice.
 */
import type { KubeObject } from '../../machinery/object.ts';
import type { ObjectStore } from '../../objectstore/objectstore.ts';
import { manifestFile } from '../archive/files.ts';
import type { RunWord } from '../runs/files.ts';
import { removeFiles, runWords, wordFolder } from '../runs/files.ts';
import { statusOf } from '../runs/run-status.ts';

export interface OrphanSource {
  readonly store: ObjectStore;
  readonly domain: string;
  /** Every object of the kind, as of one moment not before the call. Rejects where that cannot be had. */
  readonly objects: (word: RunWord, signal: AbortSignal) => AsyncIterable<KubeObject>;
}

export interface Orphan {
  /** A folder, which ends with a slash, or a file that lies where only folders should. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  /** When its newest file was stored, in milliseconds since the epoch; undefined where the store does not tell. */
  readonly modified: number | undefined;
  /** It has the manifest of a backup that the catalog does not know: all of that backup may still be there. */
  readonly holdsBackup: boolean;
}

export interface OrphanSurvey {
  /** The first ones, in order of paths. */
  readonly orphans: readonly Orphan[];
  /** Of all. */
  readonly folders: number;
  readonly bytes: number;
}

/** Orphans that are named. */
const mostNamed = 10_000;
/** Objects whose folders are held in memory at once; for each such number the catalog is read once. */
const objectsAtOnce = 100_000;

/** Rejects, with nothing found, where the store or the catalog cannot be read to its end. */
export async function findOrphans(source: OrphanSource, signal: AbortSignal): Promise<OrphanSurvey> {
  const orphans: Orphan[] = [];
  let [folders, bytes] = [0, 0];
  for await (const orphan of orphansIn(source, signal)) {
    folders += 1;
    bytes += orphan.bytes;
    if (folders <= mostNamed) orphans.push(orphan);
  }
  return { orphans, folders, bytes };
}

async function* orphansIn(source: OrphanSource, signal: AbortSignal): AsyncGenerator<Orphan> {
  for (const word of runWords)
    for await (const owners of ownersIn(source, word, signal)) yield* await withoutOwner(source, word, owners, signal);
}

export async function removeOrphan(store: ObjectStore, { path }: Orphan, signal: AbortSignal): Promise<void> {
  if (path.endsWith('/')) await removeFiles(store, path, signal);
  else await store.delete(path, signal);
}

/** What lies under one uid. */
interface Owned {
  readonly path: string;
  /** By path. */
  readonly parts: Map<string, Part>;
}

interface Part {
  /** Whose folder it is; empty for a file outside of any. */
  readonly run: string;
  files: number;
  bytes: number;
  /** Of the newest file; 0 where the store does not tell. */
  modified: number;
  hasManifest: boolean;
}

/** By uid, many at a time. */
async function* ownersIn({ store, domain }: OrphanSource, word: RunWord, signal: AbortSignal): AsyncGenerator<Map<string, Owned>> {
  const prefix = wordFolder(domain, word);
  let owners = new Map<string, Owned>();
  for await (const { key, size, modified } of store.list(prefix, signal)) {
    const [uid = ''] = key.slice(prefix.length).split('/');
    if (!owners.has(uid) && owners.size === objectsAtOnce) {
      yield owners;
      owners = new Map();
    }
    const owner = owners.get(uid) ?? { path: key.startsWith(`${prefix}${uid}/`) ? `${prefix}${uid}/` : key, parts: new Map() };
    owners.set(uid, owner);
    count(owner, key, size, modified);
  }
  if (owners.size > 0) yield owners;
}

function count({ path: top, parts }: Owned, key: string, size: number, modified = 0): void {
  const [run = '', ...rest] = key.slice(top.length).split('/');
  const isInRun = rest.length > 0;
  const path = isInRun ? `${top}${run}/` : key;
  const part = parts.get(path) ?? { run: isInRun ? run : '', files: 0, bytes: 0, modified: 0, hasManifest: false };
  parts.set(path, part);
  part.files += 1;
  part.bytes += size;
  part.hasManifest ||= rest[0] === manifestFile;
  part.modified = Math.max(part.modified, modified);
}

/** Takes what has an owner out of `owners`. */
async function withoutOwner(
  { objects }: OrphanSource,
  word: RunWord,
  owners: Map<string, Owned>,
  signal: AbortSignal,
): Promise<readonly Orphan[]> {
  const left: Orphan[] = [];
  for await (const object of objects(word, signal)) {
    const { uid, name } = object.metadata;
    if (!uid) throw new Error(`the catalog has a ${word} without a uid, ${name}`);
    const owned = owners.get(uid);
    owners.delete(uid);
    const current = statusOf(object).run?.id;
    for (const [path, part] of owned?.parts ?? []) if (part.run === '' || part.run !== current) left.push(orphanOf(path, [part], false));
  }
  return [...left, ...[...owners.values()].map(wholly)].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function wholly({ path, parts }: Owned): Orphan {
  const all = [...parts.values()];
  return orphanOf(
    path,
    all,
    all.some(({ hasManifest }) => hasManifest),
  );
}

function orphanOf(path: string, parts: readonly Part[], holdsBackup: boolean): Orphan {
  const sum = (of: 'files' | 'bytes') => parts.reduce((total, part) => total + part[of], 0);
  const modified = Math.max(...parts.map((part) => part.modified));
  return { path, files: sum('files'), bytes: sum('bytes'), modified: modified || undefined, holdsBackup };
}
