/**
 * Brings a file or a folder of a Snapshot into the volume of a claim, beside the Pods that use it. What it is, and where the volume
 * can be mounted, is found before anything is sent; what lies in the volume is seen there alone, where what is not to be done is refused.
 */
import { ApiError, quote } from '../../machinery/errors.ts';
import type { Restore, RestoreSpec } from '../../resources/restore.ts';
import type { FileType, ItemResult } from '../../resources/services.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { VolumeFiles } from '../../resources/volume-files.ts';
import { inAttempts } from '../copy/attempts.ts';
import { bringFiles, forgetFiles, rehearseFiles, verifyFiles } from '../copy/bring-files.ts';
import { restoredIn } from '../mover/mover-log.ts';
import type { RestoreSummary } from '../mover/mover-log.ts';
import { moverName } from '../mover/mover-pod.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { discardMover, rehearseMover, runMover, senderOf } from '../mover/mover.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { Steps } from '../runs/steps.ts';
import { isBroughtByTar, isMoved } from './fill.ts';
import { isElsewhere } from './lent.ts';
import { findLiveClaim } from './live-claim.ts';
import { requireVolumeSnapshot } from './revive.ts';
import type { SnapshotFiles } from './snapshot-files.ts';
import { repositoryOf } from '../stores/stores.ts';

type Outcome = Pick<ItemResult, 'outcome' | 'message'>;

/** Rejects with RunFailed. A run that begins anew goes on with the mover that is there. */
export async function restoreFiles(
  work: Work,
  files: SnapshotFiles,
  snapshot: Snapshot,
  claimName: string,
): Promise<Outcome & Partial<RestoreSummary>> {
  const { spec } = work.object as Restore;
  const place = placeOf(spec);
  const find = () => errandOf(work, files, snapshot, claimName);
  const told = `${quote(place.path)} into the folder ${quote(place.target || '.')} of the claim ${quote(claimName)}`;
  if (spec.dryRun) {
    const errand = await find();
    await (isBroughtByTar(snapshot, work.object) ? rehearseFiles(senderOf(work), errand, snapshot) : rehearseMover(senderOf(work), errand));
    return { outcome: 'updated', message: `it would get ${told}` };
  }
  const steps = new Steps(work);
  const errand = await steps.within('FindFiles', find, () => told);
  const figures = await steps.within('RestoreFiles', () => bring(work, files, errand, snapshot), wordsOf);
  return { outcome: 'updated', message: `it has ${told}: ${wordsOf(figures)}`, ...figures };
}

const wordsOf = ({ files, filesUnchanged, bytesRestored }: RestoreSummary) =>
  `${files} files, folders and links written, ${bytesRestored} bytes; ${filesUnchanged} files were there as they are in the snapshot`;

interface Place {
  /** In the Snapshot. */
  readonly path: string;
  /** The folder of the volume; empty for its root. */
  readonly target: string;
}

function placeOf({ files }: RestoreSpec): Place {
  const { path: given, targetDirectory } = files as VolumeFiles;
  const path = withoutSlash(given);
  const target = targetDirectory === '.' ? '' : withoutSlash(targetDirectory ?? path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  return { path, target };
}

const withoutSlash = (path: string) => path.replace(/\/$/, '');

async function errandOf(work: Work, files: SnapshotFiles, snapshot: Snapshot, claimName: string): Promise<Errand> {
  const { object } = work;
  const { spec } = object as Restore;
  const { path, target } = placeOf(spec);
  const type = await typeOf(work, files, snapshot, path);
  const { claim, place } = await findLiveClaim(work, claimName);
  if (claim.volumeMode === 'Block')
    throw new RunFailed('VolumeModeMismatch', `the claim ${quote(claimName)} is of volumeMode Block: it has no files`);
  const { existingResourcePolicy: policy = 'Skip', throttle = snapshot.spec.throttle } = spec;
  const verify = spec.claim?.verify ? ['--verify'] : [];
  const args = [snapshot.status.handle ?? '', policy, `.${moverName(object)}`, type, path, patternOf(path), target, ...verify];
  return { owner: object, repository: repositoryOf(snapshot), isBlock: false, way: 'restore-files', args, throttle, ...place };
}

/** As restic takes what it is to include: https://restic.readthedocs.io/en/stable/040_backup.html#excluding-files */
const patternOf = (path: string) => path.replace(/[\\*?[\]]/g, String.raw`\$&`);

/** What a driver keeps is seen only in a volume that is made of it, which a dry run does not make. */
async function typeOf(work: Work, files: SnapshotFiles, snapshot: Snapshot, path: string): Promise<FileType> {
  const { creator, object, signal } = work;
  if (snapshot.status.claim?.volumeMode === 'Block')
    throw new RunFailed('VolumeModeMismatch', `the snapshot ${quote(snapshot.metadata.name)} is of volumeMode Block: it has no files`);
  if (isMoved(snapshot)) return requireFile(work, files, snapshot, path);
  if ((object as Restore).spec.dryRun) {
    await files.rehearse(snapshot, creator, signal);
    return 'File';
  }
  if (!isElsewhere(snapshot, object)) await requireVolumeSnapshot(work, snapshot);
  return inAttempts(senderOf(work), () => requireFile(work, files, snapshot, path));
}

/** Resolves to its type. */
async function requireFile({ creator, signal }: Work, files: SnapshotFiles, snapshot: Snapshot, path: string): Promise<FileType> {
  const entry = await files.entry(snapshot, path, creator, signal).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
    throw new RunFailed('FileNotFound', `spec.files.path: ${error.message}`);
  });
  if (entry.type === 'Socket') throw new RunFailed('FileNotFound', `spec.files.path: ${quote(path)} is a socket, which holds nothing`);
  return entry.type;
}

async function bring(work: Work, files: SnapshotFiles, errand: Errand, snapshot: Snapshot): Promise<RestoreSummary> {
  const { parts, creator, object, signal } = work;
  const restore = object as Restore;
  const { existingResourcePolicy: policy = 'Skip', claim: { verify = false } = {} } = restore.spec;
  const where = placeOf(restore.spec);
  const open = (opening: AbortSignal) => files.content(snapshot, where.path, creator, opening);
  const place = { ...where, policy, open };
  const byTar = isBroughtByTar(snapshot, restore);
  const send = () => (byTar ? bringFiles(senderOf(work), errand, snapshot, place) : sendMoverFor(senderOf(work), errand));
  const figures = doneBefore(restore) ?? (await send().catch((error: unknown) => explain(restore, error)));
  // Written down before the Pod goes that could tell it once more: another one would find the files there.
  await work.save({ ...figures });
  if (byTar) await forgetFiles(senderOf(work), errand, snapshot, place);
  if (byTar && verify) await verifyFiles(senderOf(work), errand, snapshot, place);
  await discardMover(parts, object, signal);
  return figures;
}

/** By an earlier run. */
function doneBefore({ status }: Restore): RestoreSummary | undefined {
  const { files, filesUnchanged = 0, bytesRestored = 0 } = status;
  return files === undefined ? undefined : { files, filesUnchanged, bytesRestored };
}

async function sendMoverFor(sender: Sender, errand: Errand): Promise<RestoreSummary> {
  const restored = restoredIn(await runMover(sender, errand));
  if (restored) return restored;
  throw new RunFailed('MoverFailed', `the mover of the claim ${quote(errand.claimName ?? '')} did not say what it has written`);
}

/** With the field, and what to do. */
function explain({ spec }: Restore, error: unknown): never {
  if (!(error instanceof RunFailed)) throw error;
  const { reason, message } = error;
  const field = `spec.files.${spec.files?.targetDirectory === undefined ? 'path' : 'targetDirectory'}`;
  if (reason === 'FileExists')
    throw new RunFailed(
      reason,
      `${field}: ${message}: name another spec.files.targetDirectory, or set spec.existingResourcePolicy to Update`,
    );
  throw reason === 'PathRefused' ? new RunFailed(reason, `${field}: ${message}`) : error;
}
