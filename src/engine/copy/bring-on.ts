/**
 * Brings a copy into the volume of a claim, step by step, by whichever replica comes to it: one Pod is written to by one process alone, which
 * says so on it. That of a process that has died is deleted, and another one begun.
 */
import { rfc3339 } from '../../base/clock.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { discardMover, notStarted, startTime } from '../mover/mover.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed } from '../runs/failure.ts';
import { createdAt, fieldsOf, textOf } from '../selection/fields.ts';
import { filledBy, pods } from '../snapshot/known.ts';
import { CopyCut } from './attempts.ts';
import { imageFor, unpack } from './bring-copy.ts';
import type { MountedPod } from './copy-pod.ts';
import { lookAtCopyPod, sendCopyPod } from './copy-pod.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { shareOf } from './share.ts';
import { openContent } from './volume-content.ts';

/** Milliseconds between the words of one who writes; after such a silence he is dead. */
const renewEvery = 15_000;
const longestSilence = 60_000;

/** `pod`: what was sent for it, if there is one. Resolves to whether all of it is there. Rejects with RunFailed. */
export async function bringOn(sender: Sender, errand: Errand, snapshot: Snapshot, pod: ClusterObject | undefined): Promise<boolean> {
  const { parts, signal } = sender;
  if (!pod) {
    await sendCopyPod(sender, errand, imageFor(snapshot, errand, parts));
    return false;
  }
  const seen = await lookAtCopyPod(sender, errand);
  if ('ended' in seen) throw new RunFailed('CopyPodFailed', seen.ended);
  if ('why' in seen) {
    if (parts.clock.now() - createdAt(seen.pod) >= startTime) throw notStarted(errand, seen.why);
    return false;
  }
  const held = textOf(fieldsOf(seen.pod.metadata['annotations'])[filledBy]);
  if (held === undefined) return writeIfHeld(sender, errand, snapshot, seen);
  if (isDead(sender, held)) await discardMover(parts, errand.owner, signal);
  return false;
}

/** With one replica alone, nobody else can be at it. */
const isDead = ({ parts }: Sender, held: string) => parts.singleReplica || parts.clock.now() - Date.parse(held) > longestSilence;

/** By no other process meanwhile, and not before there is a share. */
async function writeIfHeld(sender: Sender, errand: Errand, snapshot: Snapshot, { pod, mounted }: MountedPod): Promise<boolean> {
  using _ = await shareOf(sender, errand);
  return (await hold(sender, pod)) ? await write(sender, errand, snapshot, mounted, pod) : false;
}

/** Resolves to whether nobody was faster. */
async function hold({ parts, signal }: Sender, { metadata }: ClusterObject): Promise<boolean> {
  const { name, namespace = '', resourceVersion } = metadata;
  const annotations = { [filledBy]: rfc3339(parts.clock.now()) };
  try {
    await parts.cluster.patch(pods, namespace, name, { metadata: { resourceVersion, annotations } }, {}, signal);
    return true;
  } catch (error) {
    if (error instanceof ClusterError && error.reason === 'Conflict') return false;
    throw error;
  }
}

async function write(sender: Sender, errand: Errand, snapshot: Snapshot, mounted: MountedVolume, pod: ClusterObject): Promise<boolean> {
  const { parts, signal } = sender;
  const over = new AbortController();
  const renewing = renew(sender, pod, AbortSignal.any([signal, over.signal]));
  try {
    await unpack(sender, errand, await openContent(parts, snapshot, signal), mounted);
    return true;
  } catch (error) {
    if (signal.aborted || !(error instanceof CopyCut || (error instanceof ClusterError && error.code === 0))) throw error;
    await discardMover(parts, errand.owner, signal);
    return false;
  } finally {
    over.abort(new Error('it is written'));
    await renewing;
  }
}

/** Until the signal aborts. */
async function renew({ parts }: Sender, { metadata }: ClusterObject, signal: AbortSignal): Promise<void> {
  const { name, namespace = '' } = metadata;
  try {
    for (;;) {
      await parts.clock.sleep(renewEvery, signal);
      const annotations = { [filledBy]: rfc3339(parts.clock.now()) };
      await parts.cluster.patch(pods, namespace, name, { metadata: { annotations } }, {}, signal);
    }
  } catch {
    // Whoever takes it for dead deletes the Pod, and the writing ends with that.
  }
}
