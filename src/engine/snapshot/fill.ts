/** Brings what lies in the repository of a namespace into an empty volume: that of the intermediate claim of whom it is made for. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Restore } from '../../resources/restore.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { bringCopy } from '../copy/bring-copy.ts';
import { bringOn } from '../copy/bring-on.ts';
import { discardMover, findMover, lookAtMover, notStarted, runMover, sendMover, startTime } from '../mover/mover.ts';
import type { Seen, Sender } from '../mover/mover.ts';
import { selectedNode } from '../restore/cleaning-rules.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { findIntermediate } from './intermediate.ts';
import { filledFor, volumes } from './known.ts';
import { isElsewhere } from './lent.ts';
import { repositoryOf } from '../stores/stores.ts';

/** Whether its content lies in the object store, and not with a driver. */
export const isMoved = (snapshot: Snapshot) => isInRepository(snapshot) || isCopied(snapshot);

/** Whether a mover has copied it into the repository of its namespace. */
export const isInRepository = ({ status }: Snapshot) => status.method === 'File';

/** Whether it lies in the object store as a tar file. */
const isCopied = ({ status }: Snapshot) => status.method === 'Copy';

/**
 * Movers read repositories alone. And a mover of another namespace would have, with the password of the repository and a ticket, all that was moved out of it, and so would whoever can read its
 * Secret. There Kylon reads it, and tar gets no more than this one.
 */
export const isBroughtByTar = (snapshot: Snapshot, owner: KubeObject) => !isInRepository(snapshot) || isElsewhere(snapshot, owner);

/** For a Restore: resolves when all of it is there, and read back where that was asked for. What is there already may be written again. Rejects with RunFailed. */
export async function fill(sender: Sender, restore: Restore, intermediate: ClusterObject, snapshot: Snapshot): Promise<void> {
  const filling = fillingOf(restore, restore.spec.claim?.name ?? snapshot.status.claim?.name, intermediate, snapshot);
  const { verify = false } = restore.spec.claim ?? {};
  const { throttle = filling.throttle } = restore.spec;
  const errand = { ...filling, throttle };
  if (isBroughtByTar(snapshot, restore)) await bringCopy(sender, errand, snapshot, verify);
  else await runMover(sender, verify ? { ...errand, args: [...errand.args, '--verify'] } : errand);
  await discardMover(sender.parts, restore, sender.signal);
}

/** For a claim, step by step: resolves to whether all of it is there. What has failed is begun anew with the next step. Of several processes that do it, none begins again what another has ended. */
export async function fillOn(sender: Sender, owner: ClusterObject, intermediate: ClusterObject, snapshot: Snapshot): Promise<boolean> {
  const { parts, signal } = sender;
  const errand = { ...fillingOf(owner, owner.metadata.name, intermediate, snapshot), goesWith: owner };
  if (await isFilled(sender, intermediate)) return true;
  const isThere = await step(sender, errand, snapshot).catch(async (error: unknown) => {
    await discardMover(parts, owner, signal);
    throw error;
  });
  if (!isThere) return false;
  const annotations = { [filledFor]: intermediate.metadata.uid };
  await parts.cluster.patch(volumes, '', volumeNameOf(intermediate) ?? '', { metadata: { annotations } }, {}, signal);
  await discardMover(parts, owner, signal);
  return true;
}

/** Looks at what was sent before it looks whether another has ended it. */
async function step(sender: Sender, errand: Errand, snapshot: Snapshot): Promise<boolean> {
  const { parts, signal } = sender;
  const { owner } = errand;
  if (isBroughtByTar(snapshot, owner)) {
    const pod = await findMover(parts, owner, signal);
    return !pod && (await isFilledByNow(sender, owner)) ? false : bringOn(sender, errand, snapshot, pod);
  }
  const seen = await lookInTime(sender, errand);
  if (seen.is === 'locked' || seen.is === 'killed') await discardMover(parts, owner, signal);
  if (seen.is === 'gone' && !(await isFilledByNow(sender, owner))) await sendMover(sender, errand);
  return seen.is === 'done';
}

/** Rejects with RunFailed also where the Pod has not come to run. */
async function lookInTime(sender: Sender, errand: Errand): Promise<Seen> {
  const seen = await lookAtMover(sender, errand);
  if (seen.is === 'starting' && sender.parts.clock.now() - seen.since >= startTime) throw notStarted(errand, seen.why);
  return seen;
}

/** Whoever has let the Pod go has written down before that it was done. */
async function isFilledByNow(sender: Sender, owner: KubeObject): Promise<boolean> {
  const intermediate = await findIntermediate(sender.parts, owner, sender.signal);
  return intermediate === undefined || isFilled(sender, intermediate);
}

async function isFilled({ parts, signal }: Sender, intermediate: ClusterObject): Promise<boolean> {
  const name = volumeNameOf(intermediate);
  const volume = name === undefined ? undefined : await parts.cluster.get(volumes, '', name, signal);
  return fieldsOf(volume?.metadata['annotations'])[filledFor] === intermediate.metadata.uid;
}

const volumeNameOf = ({ spec }: ClusterObject) => textOf(fieldsOf(spec)['volumeName']);

function fillingOf(owner: KubeObject, forClaim: string | undefined, { metadata }: ClusterObject, snapshot: Snapshot): Errand {
  const { spec, status } = snapshot;
  const node = textOf(fieldsOf(metadata['annotations'])[selectedNode]);
  return {
    owner,
    repository: repositoryOf(snapshot),
    claimName: metadata.name,
    ...(forClaim !== undefined && { forClaim }),
    isBlock: status.claim?.volumeMode === 'Block',
    way: 'restore',
    args: [status.handle ?? ''],
    throttle: spec.throttle,
    node,
  };
}
