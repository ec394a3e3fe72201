/**
 * The claim through which a driver makes a volume that is to be of another claim, which has a volume already or waits for one. Its name
 * follows from the uid of what it is made for: whoever goes on with the work finds it, and makes no other.
 */
import type { Cluster, ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { KubeObject } from '../../machinery/object.ts';
import { groupVersion } from '../../machinery/resource.ts';
import type { EngineParts } from '../parts.ts';
import { findProved } from '../proved.ts';
import { selectedNode } from '../restore/cleaning-rules.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { until } from '../until.ts';
import { claims, helperLabelsOf, volumes } from './known.ts';
import { remove, unlessGone } from './removal.ts';

export const intermediateName = ({ metadata }: KubeObject) => `kylon-${metadata.uid ?? ''}`;

/** `node`: where its volume is to be reachable, for classes that make volumes for the first Pod. No Pod is needed then. */
export function intermediateClaim(owner: KubeObject, spec: object, node: string | undefined): ClusterObject {
  const { namespace = '' } = owner.metadata;
  const labels = helperLabelsOf(owner);
  return {
    apiVersion: groupVersion(claims),
    kind: claims.kind,
    metadata: { name: intermediateName(owner), namespace, labels, ...(node !== undefined && { annotations: { [selectedNode]: node } }) },
    spec,
  };
}

/** As whoever `cluster` is; one that is there will do. Resolves to whether it was not. Rejects with RunFailed where it is somebody else's. */
export async function createIntermediate(
  { cluster: itself, clock, proofs }: EngineParts,
  cluster: Cluster,
  owner: KubeObject,
  claim: ClusterObject,
  signal: AbortSignal,
): Promise<boolean> {
  const { uid = '' } = owner.metadata;
  const proved = await proofs.give(claim, uid, signal);
  // Once sent it is waited for, whatever aborts meanwhile: who cleans up after this run has to see what it made.
  const lasting = AbortSignal.any([]);
  const { name, namespace = '' } = claim.metadata;
  const create = () => cluster.create(claims, namespace, proved, {}, lasting);
  try {
    await retried(clock, signal, create);
    return true;
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
    const found = await retried(clock, signal, () => itself.get(claims, namespace, name, signal));
    if (!found || (await proofs.proved(found, uid, signal))) return false;
    throw new RunFailed(
      'ClaimExists',
      `the claim ${quote(name)}, through which a volume is to be made, exists already, made by somebody else`,
    );
  }
}

/** Read as Kylon itself; undefined for one of that name which was not made for `owner`. */
export const findIntermediate = (parts: EngineParts, owner: KubeObject, signal: AbortSignal): Promise<ClusterObject | undefined> =>
  findProved(parts, claims, { ...owner.metadata, name: intermediateName(owner) }, owner, signal);

/** Resolves to it when it has its volume; rejects with RunFailed when that does not come within `ms`. */
export async function awaitIntermediate(parts: EngineParts, owner: KubeObject, ms: number, signal: AbortSignal): Promise<ClusterObject> {
  const what = () => `the claim ${quote(intermediateName(owner))} has no volume after ${ms / 1_000} s: its Events say why`;
  return until({ parts, signal }, ms, what, async () => {
    const found = await findIntermediate(parts, owner, signal);
    if (!found) throw new RunFailed('ClaimNotFound', notFound(claims, intermediateName(owner)).message);
    return textOf(fieldsOf(found['status'])['phase']) === 'Bound' && found;
  });
}

/** With it goes the volume, unless that is of another claim by now. As Kylon itself: whoever had it made may be gone. */
export async function discardIntermediate(parts: EngineParts, owner: KubeObject, signal: AbortSignal): Promise<void> {
  await retried(parts.clock, signal, async () => {
    const found = await findIntermediate(parts, owner, signal);
    if (found) await letGo(parts, found, signal);
  });
}

/** The same, of one that was found. */
export async function letGo({ cluster }: Pick<EngineParts, 'cluster'>, claim: ClusterObject, signal: AbortSignal): Promise<void> {
  await letVolumeGo(cluster, claim, signal);
  await remove(cluster, claims, claim, signal);
}

/** Of a class with the reclaim policy Retain, too: nobody but Kylon knows of it. */
async function letVolumeGo(cluster: Cluster, { metadata, spec }: ClusterObject, signal: AbortSignal): Promise<void> {
  const volumeName = textOf(fieldsOf(spec)['volumeName']);
  const volume = volumeName === undefined ? undefined : await cluster.get(volumes, '', volumeName, signal);
  const { claimRef, persistentVolumeReclaimPolicy: policy } = fieldsOf(volume?.['spec']);
  if (!volume || policy === 'Delete' || fieldsOf(claimRef)['uid'] !== metadata.uid) return;
  const { name, resourceVersion } = volume.metadata;
  const patch = { metadata: { resourceVersion }, spec: { persistentVolumeReclaimPolicy: 'Delete' } };
  await cluster.patch(volumes, '', name, patch, {}, signal).catch(unlessGone);
}
