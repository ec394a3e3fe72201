/** Brings a file or a folder of a copy into a volume beside those who use it, through a container that has it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gnuEntry } from '../../base/tar.ts';
import type { TarEntry } from '../../base/tar.ts';
import { StoreDamaged } from '../../objectstore/objectstore.ts';
import { partsOf } from '../../repository/reading/paths.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { RestoreSummary } from '../mover/mover-log.ts';
import { moverName } from '../mover/mover-pod.ts';
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import { inAttempts } from './attempts.ts';
import { faultOf, feed, imageFor, paced } from './bring-copy.ts';
import { CopiedFiles } from './copied-files.ts';
import { copiedTar, extentOf } from './copied-tar.ts';
import { findMounted, rehearseMounted } from './find-mounted.ts';
import { openSnapshotCopy } from './snapshot-copies.ts';

/** Run by sh in the container. */
const placeFiles = readFileSync(join(import.meta.dirname, 'place-files.sh'), 'utf8');

/** By which the script tells that it has left the volume as it was, and why. */
const refusals: Readonly<Record<number, string>> = { 20: 'FileExists', 21: 'PathRefused' };

export interface FilesPlace {
  /** In the Snapshot. */
  readonly path: string;
  /** The folder of the volume; empty for its root. */
  readonly target: string;
  readonly policy: string;
}

/** Rejects with RunFailed. What it has left in the volume goes with forgetFiles. */
export async function bringFiles(sender: Sender, errand: Errand, snapshot: Snapshot, place: FilesPlace): Promise<RestoreSummary> {
  const { parts, signal } = sender;
  const copy = await openSnapshotCopy(parts, snapshot, signal);
  const found = await new CopiedFiles(copy, '').find(partsOf(place.path), signal);
  if (!found) throw new StoreDamaged(`the copy has no file ${place.path} any more`);
  const { names, record } = found;
  const extent = await extentOf(copy, record, names, signal);
  await inAttempts(sender, async () => {
    const mounted = await findMounted(sender, errand, imageFor(snapshot, parts));
    const form = { write: gnuEntry, hasRoot: false, last: lastEntry(hiddenName(errand)) };
    const input = paced(sender, errand, copiedTar(copy, names, extent, form, signal), extent.contentBytes);
    const name = Buffer.from(names.at(-1) ?? '', 'latin1').toString();
    const command = commandOf(mounted.path, place.policy, errand, place.target, name);
    const { code, complaints } = await feed(sender, errand, mounted, command, input);
    const refusal = refusals[code];
    if (refusal !== undefined) throw new RunFailed(refusal, complaints.lastWords);
    if (code !== 0) throw faultOf(code, complaints, mounted);
  });
  return { files: extent.count, filesUnchanged: 0, bytesRestored: extent.contentBytes };
}

/** Takes away what tells that it was done. */
export async function forgetFiles(sender: Sender, errand: Errand, snapshot: Snapshot, { path, target }: FilesPlace): Promise<void> {
  const mounted = await findMounted(sender, errand, imageFor(snapshot, sender.parts));
  const name = path.slice(path.lastIndexOf('/') + 1);
  const { code, complaints } = await feed(sender, errand, mounted, commandOf(mounted.path, 'Forget', errand, target, name), nothing());
  if (code !== 0) sender.warn(`the empty folder ${hiddenName(errand)} was not removed from the volume: ${complaints.lastWords}`);
}

export const rehearseFiles = ({ parts, ...sender }: Sender, errand: Errand, snapshot: Snapshot): Promise<void> =>
  rehearseMounted({ parts, ...sender }, errand, imageFor(snapshot, parts));

const hiddenName = ({ owner }: Errand) => `.${moverName(owner)}`;

const commandOf = (root: string, policy: string, errand: Errand, target: string, name: string) =>
  ['sh', '-c', placeFiles, 'sh', root, policy, hiddenName(errand), target, name] as const;

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
