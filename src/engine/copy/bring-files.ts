/** Brings a file or a folder into a volume beside those who use it, by a script that is run in a container that has it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TarEntry } from '../../base/tar.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { RestoreSummary } from '../mover/mover-log.ts';
import { moverName } from '../mover/mover-pod.ts';
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import { inAttempts } from './attempts.ts';
import { faultOf, feed, imageFor, wayInto } from './bring-copy.ts';
import { rehearseCopyPod, throughOwnPod } from './copy-pod.ts';
import { findMounted, rehearseMounted } from './find-mounted.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { shareOf } from './share.ts';
import { verifyFilesAt } from './verify-copy.ts';
import type { FilesContent } from './volume-content.ts';

/** Run by sh in the container. */
const placeFiles = readFileSync(join(import.meta.dirname, 'place-files.sh'), 'utf8');

/** By which the script tells that it has left the volume as it was, and why. */
const refusals: Readonly<Record<number, string>> = { 20: 'FileExists', 21: 'PathRefused' };

export interface FilesPlace {
  /** Opens what is brought. */
  readonly open: (signal: AbortSignal) => Promise<FilesContent>;
  /** In the Snapshot. */
  readonly path: string;
  /** The folder of the volume; empty for its root. */
  readonly target: string;
  readonly policy: string;
}

/** Rejects with RunFailed. What it has left in the volume goes with forgetFiles. */
export async function bringFiles(sender: Sender, errand: Errand, snapshot: Snapshot, place: FilesPlace): Promise<RestoreSummary> {
  return inAttempts(sender, async () => {
    using _ = await shareOf(sender, errand);
    const mounted = await findContainer(sender, errand, snapshot);
    const content = await place.open(sender.signal);
    const { options, input } = await wayInto(sender, errand, content, mounted, lastEntry(hiddenName(errand)));
    const command = [...commandOf(mounted.path, place.policy, errand, place), ...options];
    const { code, complaints } = await feed(sender, errand, mounted, command, input, content);
    const refusal = refusals[code];
    if (refusal !== undefined) throw new RunFailed(refusal, complaints.lastWords);
    if (code !== 0) throw faultOf(code, complaints, mounted);
    return { files: content.count, filesUnchanged: 0, bytesRestored: content.contentBytes };
  });
}

/** Takes away what tells that it was done. */
export async function forgetFiles(sender: Sender, errand: Errand, snapshot: Snapshot, place: FilesPlace): Promise<void> {
  const mounted = await findContainer(sender, errand, snapshot);
  const { code, complaints } = await feed(sender, errand, mounted, commandOf(mounted.path, 'Forget', errand, place), nothing());
  if (code !== 0) sender.warn(`the empty folder ${hiddenName(errand)} was not removed from the volume: ${complaints.lastWords}`);
}

/** Reads back what was brought, and compares it. Rejects with RunFailed at the first difference. */
export async function verifyFiles(sender: Sender, errand: Errand, snapshot: Snapshot, place: FilesPlace): Promise<void> {
  const brought = { folder: place.target, name: `./${nameOf(place)}` };
  await inAttempts(sender, async () => {
    using _ = await shareOf(sender, errand);
    const mounted = await findContainer(sender, errand, snapshot);
    const content = await place.open(sender.signal);
    await verifyFilesAt(sender, errand, content, mounted, brought);
  });
}

/** Whether it could be brought, with the rights of whoever is to bring it. */
export const rehearseFiles = (sender: Sender, errand: Errand, snapshot: Snapshot): Promise<void> =>
  (isOfContainer(snapshot) ? rehearseMounted : rehearseCopyPod)(sender, errand, imageFor(snapshot, errand, sender.parts));

const findContainer = (sender: Sender, errand: Errand, snapshot: Snapshot): Promise<MountedVolume> =>
  (isOfContainer(snapshot) ? findMounted : throughOwnPod)(sender, errand, imageFor(snapshot, errand, sender.parts));

/** What tar in a container has read, tar in one can write. One whose volume a mover has copied may have no tar, nor the right to give files their owners. */
const isOfContainer = ({ status }: Snapshot) => status.method === 'Copy';

const hiddenName = ({ owner }: Errand) => `.${moverName(owner)}`;

const commandOf = (root: string, policy: string, errand: Errand, place: FilesPlace) =>
  ['sh', '-c', placeFiles, 'sh', root, policy, hiddenName(errand), place.target, nameOf(place)] as const;

const nameOf = ({ path }: FilesPlace) => path.slice(path.lastIndexOf('/') + 1);

const lastEntry = (name: string): TarEntry => ({
  path: Buffer.from(name),
  type: 'file',
  size: 0,
  mode: 0o600,
  uid: 0,
  gid: 0,
  user: '',
  group: '',
  modified: 0,
});

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A program without input would be one whose input never ends.
}
