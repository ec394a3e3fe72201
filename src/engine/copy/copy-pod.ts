/**
 * The Pod through which a volume is read or written that no running Pod has as a whole. It only sleeps: tar is run in it. It has the name and the
 * label of a mover, and goes as one does.
 */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import { longestOf, mountsOf, moverName, podBeside } from '../mover/mover-pod.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { CopyCut } from './attempts.ts';
import { awaitGone, findMover, makePod, notStarted, rehearsePod, startTime, whyNot } from '../mover/mover.ts';
import type { Sender } from '../mover/mover.ts';
import { isOver } from '../mover/pod-state.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { mountedIn } from './mounted-volume.ts';
import type { MountedVolume } from './mounted-volume.ts';

/** Milliseconds between looks at the Pod. */
const pollEvery = 500;

/**
 * Goes on with the one that is there. Rejects with RunFailed where there is no image, or it does not come to run, and with CopyCut where it has
 * ended: then it is gone, and another one can be made.
 */
export async function throughOwnPod(sender: Sender, errand: Errand, image: string | undefined): Promise<MountedVolume> {
  const { parts, signal } = sender;
  const { clock } = parts;
  await sendCopyPod(sender, errand, image);
  for (const deadline = clock.monotonic() + startTime; ; await clock.sleep(pollEvery, signal)) {
    const seen = await lookAtCopyPod(sender, errand);
    if ('mounted' in seen) return seen.mounted;
    if ('ended' in seen) {
      await awaitGone(sender, errand.owner);
      throw new CopyCut(seen.ended);
    }
    if (clock.monotonic() >= deadline) throw notStarted(errand, seen.why);
  }
}

export async function sendCopyPod(sender: Sender, errand: Errand, image: string | undefined): Promise<void> {
  const asked = requireImage(errand, image);
  await makePod(sender, errand, (isRestricted) => copyPod(errand, asked, isRestricted));
}

/** Whether it could be sent, with the rights of whoever is to send it. */
export async function rehearseCopyPod(sender: Sender, errand: Errand, image: string | undefined): Promise<void> {
  const asked = requireImage(errand, image);
  await rehearsePod(sender, errand, (isRestricted) => copyPod(errand, asked, isRestricted));
}

export interface MountedPod {
  readonly mounted: MountedVolume;
  readonly pod: ClusterObject;
}

/** What it has mounted; why it does not run yet; or that it will not run any more, in words. */
type Look = MountedPod | { readonly why: string; readonly pod: ClusterObject } | { readonly ended: string };

export async function lookAtCopyPod({ parts, signal }: Sender, errand: Errand): Promise<Look> {
  const pod = await retried(parts.clock, signal, () => findMover(parts, errand.owner, signal));
  const mounted = pod && mountedIn(pod, errand.claimName ?? '');
  if (mounted) return { mounted, pod };
  if (pod && !isOver(pod)) return { why: whyNot(pod), pod };
  const name = quote(moverName(errand.owner));
  return { ended: `the Pod ${name}, through which the volume is copied, has ended or was deleted${pod ? whyNot(pod) : ''}` };
}

function requireImage({ claimName = '' }: Errand, image: string | undefined): string {
  if (image !== undefined) return image;
  const why = `no running Pod has all of the volume of the claim ${quote(claimName)} mounted, and nothing says by which image to make one`;
  throw new RunFailed('CopyImageNotSet', `${why}: spec.copy.image, or --copy-image`);
}

function copyPod(errand: Errand, image: string, isRestricted: boolean): ClusterObject {
  const container = { name: 'copy', image, command: ['sleep', String(longestOf(errand))], ...mountsOf(errand, []) };
  // sleep, as the first process of a container, does not end when it is asked to.
  return podBeside(errand, { component: 'copy', container, volumes: [], isRestricted, gracePeriod: 1 });
}
