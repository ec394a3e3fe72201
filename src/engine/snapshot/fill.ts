/** Brings what lies in the repository of a namespace into an empty volume: that of the intermediate claim of whom it is made for. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { discardMover, lookAtMover, runMover, sendMover } from '../mover/mover.ts';
import type { Sender } from '../mover/mover.ts';
import { selectedNode } from '../restore/cleaning-rules.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { findIntermediate } from './intermediate.ts';
import { claims } from './known.ts';

/** Whether its content lies in the object store, and not with a driver. */
export const isMoved = ({ status }: Snapshot) => status.method === 'File';

/** Resolves when all of it is there; what is there already may be written again. Rejects with RunFailed. */
export async function fill(sender: Sender, owner: KubeObject, intermediate: ClusterObject, snapshot: Snapshot): Promise<void> {
  await runMover(sender, fillingOf(owner, intermediate, snapshot));
  await discardMover(sender.parts, owner, sender.signal);
}

/** The same, step by step: resolves to whether all of it is there. Of several processes that do it, none begins again what another has ended. */
export async function fillOn(sender: Sender, owner: KubeObject, intermediate: ClusterObject, snapshot: Snapshot): Promise<boolean> {
  const { parts, signal } = sender;
  const errand = fillingOf(owner, intermediate, snapshot);
  if (isFilled(intermediate)) return true;
  const seen = await lookAtMover(sender, errand);
  if (seen.is === 'done') {
    const { name, namespace = '' } = intermediate.metadata;
    await parts.cluster.patch(claims, namespace, name, { metadata: { annotations: { [filled]: 'true' } } }, {}, signal);
    await discardMover(parts, owner, signal);
    return true;
  }
  // Whoever has let the Pod go has written down before that it was done.
  if (seen.is === 'gone' && !isFilled(await findIntermediate(parts, owner, signal))) await sendMover(sender, errand);
  return false;
}

/** Annotation of an intermediate claim whose volume holds all that it is to hold. */
const filled = 'backup.kylon.io/filled';
const isFilled = (intermediate: ClusterObject | undefined) => fieldsOf(intermediate?.metadata['annotations'])[filled] === 'true';

function fillingOf(owner: KubeObject, { metadata }: ClusterObject, { status }: Snapshot): Errand {
  const node = textOf(fieldsOf(metadata['annotations'])[selectedNode]);
  const isBlock = status.claim?.volumeMode === 'Block';
  return { owner, claimName: metadata.name, isBlock, way: 'restore', args: [status.handle ?? ''], node };
}
