/** Where the volume of a claim is replaced: what all that is done there, and undone, has in common. */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ReplacementStatus } from '../../resources/replacement.ts';
import type { EngineParts } from '../parts.ts';
import { retried } from '../retry.ts';
import { creatorOf, statusOf } from '../runs/run-status.ts';
import { fieldsOf } from '../selection/fields.ts';
import { claims, restoreUid } from '../snapshot/known.ts';
import { isBoundTo } from '../snapshot/rebind.ts';

export interface Place {
  readonly parts: EngineParts;
  readonly restore: KubeObject;
  readonly namespace: string;
  /** The cluster, asked as the creator of the Restore. */
  readonly creator: Cluster;
  readonly signal: AbortSignal;
}

export function placeOf(parts: EngineParts, restore: KubeObject, signal: AbortSignal): Place {
  return { parts, restore, namespace: restore.metadata.namespace ?? '', creator: parts.cluster.as(creatorOf(restore)), signal };
}

/** As a run before has written it down; undefined where nothing has been changed yet. */
export const planOf = (restore: KubeObject) => statusOf(restore)['replacement'] as ReplacementStatus | undefined;

/** Whether a volume or a workload carries the mark of this Restore. */
export const isMarked = ({ restore }: Place, object: ClusterObject | undefined) =>
  fieldsOf(object?.metadata['annotations'])[restoreUid] === restore.metadata.uid;

/** The claim, if this Restore has made it. */
export const ownClaim = ({ parts, restore, signal }: Place, live: ClusterObject | undefined) =>
  parts.proofs.proved(live, restore.metadata.uid ?? '', signal);

export const liveClaim = ({ parts, namespace, signal }: Place, name: string) =>
  retried(parts.clock, signal, () => parts.cluster.get(claims, namespace, name, signal));

/** The plan, once the new volume is there. */
export type Made = ReplacementStatus & { readonly volumeName: string };

/** Whether the claim has its new volume. */
export async function isReplaced(place: Place, { claim, volumeName }: ReplacementStatus): Promise<boolean> {
  const own = await ownClaim(place, await liveClaim(place, claim));
  return own !== undefined && volumeName !== undefined && isBoundTo(own, volumeName);
}
