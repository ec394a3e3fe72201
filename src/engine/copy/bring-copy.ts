/** Brings a copy back into an empty volume: tar unpacks it in a Pod that is made for it. */
import { withDeadline } from '../../base/lifetime.ts';
import type { TarEntry } from '../../base/tar.ts';
import { quote } from '../../machinery/errors.ts';
import { parseQuantity } from '../../resources/quantities.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { isOfSignal } from '../mover/pod-state.ts';
import type { EngineParts } from '../parts.ts';
import { RunFailed } from '../runs/failure.ts';
import { CopyCut, inAttempts } from './attempts.ts';
import type { Placed } from './container-program.ts';
import { placeOf, runInContainer } from './container-program.ts';
import { throughOwnPod } from './copy-pod.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { paceOf } from './pace.ts';
import { shareOf } from './share.ts';
import { TarComplaints } from './tar-complaints.ts';
import { verifyCopy } from './verify-copy.ts';
import { openContent } from './volume-content.ts';
import type { DeviceContent, FilesContent, VolumeContent } from './volume-content.ts';

/**
 * The image of the Pods that bring it back. That of movers has tar, too. Who makes a Restore beside the Snapshot may choose it, as he could make a Pod of
 * it himself. A claim is filled by Pods that Kylon makes itself: by no image that nobody was seen to run. What comes from elsewhere is not to
 * bring the image of somebody else along.
 */
export function imageFor(snapshot: Snapshot, { owner, goesWith }: Errand, { copyImage, mover }: EngineParts): string | undefined {
  const { metadata, spec, status } = snapshot;
  const own = status.method === 'Copy' ? (copyImage ?? mover?.image) : (mover?.image ?? copyImage);
  if (metadata.namespace !== owner.metadata.namespace) return own;
  return goesWith ? (own ?? status.image) : (spec.copy?.image ?? status.image ?? own);
}

/** Of all that a Snapshot holds; `verify`: read back and compared. Rejects with RunFailed. */
export async function bringCopy(sender: Sender, errand: Errand, snapshot: Snapshot, verify: boolean): Promise<void> {
  const { parts, signal } = sender;
  await inAttempts(sender, async () => {
    using _ = await shareOf(sender, errand);
    const mounted = await throughOwnPod(sender, errand, imageFor(snapshot, errand, parts));
    const content = await openContent(parts, snapshot, signal);
    await unpack(sender, errand, content, mounted);
    if (verify) await verifyCopy(sender, errand, content, mounted);
  });
}

/** Into the volume, all of it. Rejects with RunFailed. */
export async function unpack(sender: Sender, errand: Errand, content: VolumeContent, mounted: MountedVolume): Promise<void> {
  const { command, input } =
    content.is === 'device' ? ontoDevice(sender, errand, content, mounted) : await intoFolder(sender, errand, content, mounted);
  const { code, complaints } = await feed(sender, errand, mounted, command, input, content);
  if (code !== 0) throw faultOf(code, complaints, mounted);
}

/** Has all of the device read as zeros without taking room, as manifests/mover does, where dd can leave zeros out then. */
const emptyDevice =
  '{ dd if=/dev/null of=/dev/null iflag=fullblock conv=sparse status=none && fallocate --punch-hole --offset 0 --length "$(blockdev --getsize64 "$0")" "$0"; } 2>/dev/null';
/** dd comes to its end though tar fails. What tar says counts where dd was content. */
const writeSparsely =
  'code=$({ { tar -xOf -; echo $? >&3; } | dd of="$0" bs=64K iflag=fullblock conv=sparse,notrunc,fsync status=none; } 3>&1) && exit "${code:-1}"';
/** dd adds nothing: others hold the device open, and without fsync nothing would say when the bytes are there. */
const writeAll = 'tar -xOf - 1<>"$0" && dd if=/dev/null of="$0" conv=notrunc,fsync';
/**
 * Into the device `$0`; tar, unlike dd and cat, fails where its input ends too soon. The shell keeps its output open meanwhile: containerd takes the end of
 * that for the end of the program, and closes its input (https://github.com/containerd/containerd/blob/v2.3.7/internal/cri/io/exec_io.go).
 */
const writeDevice = `if ${emptyDevice}; then ${writeSparsely}; else ${writeAll}; fi`;

function ontoDevice(sender: Sender, errand: Errand, content: DeviceContent, { path }: MountedVolume) {
  const input = paced(sender, errand, content.tar(sender.signal), content.contentBytes);
  return { command: ['sh', '-c', writeDevice, path], input };
}

async function intoFolder(sender: Sender, errand: Errand, content: FilesContent, mounted: MountedVolume) {
  const { options, input } = await wayInto(sender, errand, content, mounted);
  return { command: ['sh', '-c', 'tar "$@"', 'sh', '-C', mounted.path, ...options], input };
}

/** How tar has to be told there to unpack it, and what that reads. `last`: comes behind all else. */
export async function wayInto(sender: Sender, errand: Errand, content: FilesContent, mounted: MountedVolume, last?: TarEntry) {
  const { isOfGnu, isOfRoot } = await tarThere(sender, errand, mounted);
  const isGnu = isOfGnu && content.hasAttributes;
  const attributes = isGnu ? ['--xattrs', '--xattrs-include=*'] : [];
  // Nobody else can change what the root of a volume is.
  const bytes = content.tar({ isGnu, hasRoot: isOfRoot, ...(last && { last }) }, sender.signal);
  return { options: [...attributes, '-xpf', '-'], input: paced(sender, errand, bytes, content.contentBytes) };
}

/** Its second line begins with the number of the user. No program but tar is needed for it. */
const askTar =
  'tar --version | { read -r version; echo "$version"; }; while read -r name ids; do [ "$name" != Uid: ] || echo "$ids"; done </proc/self/status';

/** Bytes of what it says to that, at most, and milliseconds in which it has said it. */
const longestAnswer = 4 << 10;
const answerWithin = 120_000;

/** What kind of tar a shell runs there, and for whom: one of busybox may have its own, whatever lies in the image. */
async function tarThere(sender: Sender, errand: Errand, mounted: MountedVolume) {
  let said = Buffer.alloc(0);
  const output = async (piece: Uint8Array) => {
    said = Buffer.concat([said, piece]);
    if (said.length > longestAnswer) throw new RunFailed('TarNotFound', `what runs in ${placeOf(mounted)} as sh and tar is neither`);
  };
  const late = () =>
    new RunFailed('ProgramSilent', `the program in ${placeOf(mounted)} did not tell within ${answerWithin / 1_000} s what tar it has`);
  await withDeadline(sender.parts.clock, answerWithin, sender.signal, late, (signal) =>
    runInContainer({ ...sender, signal }, errand, mounted, ['sh', '-c', askTar], { output, errors: () => {} }),
  );
  const [version = '', ids = ''] = said.toString().split('\n');
  return { isOfGnu: version.startsWith('tar (GNU tar)'), isOfRoot: /^0\b/.test(ids) };
}

/** Gives a program what it reads. What it says on standard output is of no use. */
export async function feed(
  sender: Sender,
  errand: Errand,
  mounted: MountedVolume,
  command: readonly string[],
  input: AsyncIterable<Uint8Array>,
  placed?: Placed,
): Promise<{ readonly code: number; readonly complaints: TarComplaints }> {
  const complaints = new TarComplaints();
  const streams = { input, output: async () => {}, errors: (piece: Uint8Array) => complaints.add(piece) };
  const code = await runInContainer(sender, errand, mounted, command, streams, placed);
  complaints.end();
  return { code, complaints };
}

/** No faster than the errand may be, and with its progress told. */
async function* paced(
  { parts, onProgress, signal }: Sender,
  { throttle }: Errand,
  tar: AsyncIterable<Uint8Array>,
  contentBytes: number,
): AsyncGenerator<Uint8Array> {
  const pace = paceOf(parts.clock, parseQuantity(throttle?.download ?? ''));
  let bytes = 0;
  for await (const piece of tar) {
    await pace(piece.length, signal);
    yield piece;
    bytes += piece.length;
    onProgress({ bytesDone: Math.min(bytes, contentBytes), totalBytes: contentBytes });
  }
}

/** Killed by a signal, it is begun anew. */
export function faultOf(code: number, { fault, lastWords }: TarComplaints, { pod }: MountedVolume): Error {
  const words = `the program that writes in the Pod ${quote(pod)} ended with ${code}: ${fault ?? lastWords}`;
  return isOfSignal(code) ? new CopyCut(words) : new RunFailed('FileNotWritten', words);
}
