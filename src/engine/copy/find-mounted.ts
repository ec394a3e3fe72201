/** Through which container a volume is to be copied: one that runs already, or else a Pod that is made for it. */
import type { Errand } from '../mover/mover-pod.ts';
import type { Sender } from '../mover/mover.ts';
import { podsUsing } from '../replacement/workloads.ts';
import { mountedIn } from './mounted-volume.ts';
import type { MountedVolume } from './mounted-volume.ts';
import { rehearseCopyPod, throughOwnPod } from './copy-pod.ts';

/** Rejects with RunFailed where there is none, and none can be made. */
export async function findMounted(sender: Sender, errand: Errand, image: string | undefined): Promise<MountedVolume> {
  return (await findRunning(sender, errand)) ?? throughOwnPod(sender, errand, image);
}

/** The same, of which nothing is made. */
export async function rehearseMounted(sender: Sender, errand: Errand, image: string | undefined): Promise<void> {
  if (!(await findRunning(sender, errand))) await rehearseCopyPod(sender, errand, image);
}

async function findRunning({ cluster, signal }: Sender, { owner, claimName = '', way }: Errand): Promise<MountedVolume | undefined> {
  const using = await podsUsing({ creator: cluster, namespace: owner.metadata.namespace ?? '', signal }, claimName);
  const mounted = using.flatMap((pod) => mountedIn(pod, claimName) ?? []);
  return mounted.find(({ isReadOnly }) => way === 'backup' || !isReadOnly);
}
