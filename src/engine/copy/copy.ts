/** The work of a Snapshot with the method Copy: tar reads the volume in a Pod that has it, and what it writes is kept in the object store. */
import { quote } from '../../machinery/errors.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { senderOf } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import type { RunStatus } from '../runs/run-status.ts';
import type { Work } from '../runs/run.ts';
import { findLiveClaim } from '../snapshot/live-claim.ts';
import { inMebibytes } from '../snapshot/restore-size.ts';
import { repositoryOf, storeOf } from '../stores/stores.ts';
import { CopyCut, inAttempts } from './attempts.ts';
import { CopyWriter } from './copy-writer.ts';
import type { CopySummary } from './copy-writer.ts';
import { findMounted } from './find-mounted.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { paceOf } from './pace.ts';
import { readOut } from './read-out.ts';
import { shareOf } from './share.ts';
import type { TarComplaints } from './tar-complaints.ts';

/** What it adds to the status is written with its end, and not before: what lies in the store is of this run alone. Rejects with RunFailed. */
export async function copyVolume(work: Work, claimName: string): Promise<Partial<RunStatus>> {
  const snapshot = work.object as Snapshot;
  const { claim, place } = await findLiveClaim(work, claimName);
  if (claim.volumeMode === 'Block')
    throw new RunFailed('VolumeModeMismatch', `the claim ${quote(claimName)} is of volumeMode Block: it has no files that tar could read`);
  await work.save({ claim });
  const sender = senderOf(work);
  const errand: Errand = { owner: snapshot, repository: repositoryOf(snapshot), isBlock: false, way: 'backup', args: [], ...place };
  const { image = work.parts.copyImage } = snapshot.spec.copy ?? {};
  return inAttempts(sender, async () => {
    using _ = await shareOf(sender, errand);
    const mounted = await findMounted(sender, errand, image);
    work.run.log.info(`read by tar in the container ${mounted.container} of the Pod ${mounted.pod}`);
    return await copyThrough(work, sender, mounted);
  });
}

async function copyThrough(work: Work, sender: Sender, mounted: MountedVolume): Promise<Partial<RunStatus>> {
  const { parts, folder, object, run, signal } = work;
  const writer = new CopyWriter(storeOf(parts, object), folder, signal);
  const { throttle } = (object as Snapshot).spec;
  const pace = paceOf(parts.clock, parseQuantity(throttle?.upload ?? ''));
  const push = async (piece: Uint8Array) => {
    await pace(piece.length, signal);
    await writer.push(piece);
    sender.onProgress({ bytesDone: writer.tarBytes, totalBytes: writer.tarBytes });
  };
  const tar = ['tar', '-C', mounted.path, '-cf', '-', '.'];
  try {
    const { code, complaints } = await readOut(sender, { owner: object }, mounted, tar, { push, isWhole: () => writer.isWhole });
    requireAll(code, writer, complaints, mounted);
    const { warnings } = complaints;
    const status = statusOf(await writer.finish(), mounted);
    for (const warning of warnings) run.log.warn(warning);
    return { ...status, ...(warnings.length > 0 && { fileWarnings: warnings }) };
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

/** What of the files was in use is a warning; what was not read is a fault. */
function requireAll(code: number, writer: CopyWriter, { fault, lastWords }: TarComplaints, { pod }: MountedVolume): void {
  if (!writer.isWhole) throw new CopyCut(`tar in the Pod ${quote(pod)} ended with ${code} before all was read: ${lastWords}`);
  if (code !== 0 && fault !== undefined) throw new RunFailed('FileNotRead', `tar in the Pod ${quote(pod)} could not read all: ${fault}`);
}

function statusOf({ handle, files, contentBytes, storedBytes }: CopySummary, { image }: MountedVolume): Partial<RunStatus> {
  return {
    method: 'Copy',
    readyToUse: true,
    handle,
    image,
    restoreSize: inMebibytes(contentBytes),
    files,
    bytesRead: contentBytes,
    bytesAdded: contentBytes,
    bytesStored: storedBytes,
    progress: { bytesDone: contentBytes, totalBytes: contentBytes },
  };
}
