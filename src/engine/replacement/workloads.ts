/** The workloads whose Pods use a claim: found, scaled down, and scaled up again to what they had, as the creator of the Restore. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { Workload } from '../../resources/replacement.ts';
import { hasEnded } from '../mover/pod-state.ts';
import { inParallel } from '../parallel.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Fields } from '../selection/fields.ts';
import { fieldsOf, listOf } from '../selection/fields.ts';
import { pods, replicasBefore, restoreUid, workloads } from '../snapshot/known.ts';
import { isMarked } from './place.ts';
import type { Place } from './place.ts';

const atOnce = 8;

/** Those that have not ended. */
export async function podsUsing(
  { creator, namespace, signal }: Pick<Place, 'creator' | 'namespace' | 'signal'>,
  claimName: string,
): Promise<ClusterObject[]> {
  const found: ClusterObject[] = [];
  for await (const { items } of creator.list(pods, { namespace }, signal))
    found.push(...items.map((item) => JSON.parse(Buffer.from(item).toString()) as ClusterObject).filter((pod) => uses(pod, claimName)));
  return found;
}

function uses(pod: ClusterObject, claimName: string): boolean {
  const claimNames = listOf(fieldsOf(pod['spec'])['volumes']).map((volume) => fieldsOf(volume['persistentVolumeClaim'])['claimName']);
  return !hasEnded(pod) && claimNames.includes(claimName);
}

/** Rejects with RunFailed where one of the Pods would not go, or something else would go with it. */
export async function workloadsOf(place: Place, using: readonly ClusterObject[]): Promise<Workload[]> {
  const found = new Map<string, Workload>();
  await inParallel(using, atOnce, async (pod) => {
    const workload = await scalableOwner(place, pod, `the Pod ${quote(pod.metadata.name)}`);
    found.set(`${workload.kind}/${workload.name}`, workload);
  });
  return [...found.values()];
}

/** The topmost owner. One that is owned itself by what Kylon does not know would be scaled up again by it. */
async function scalableOwner(place: Place, owned: ClusterObject, what: string): Promise<Workload> {
  const owner = controllerOf(owned);
  if (!owner) throw inUse(`${what} uses it, which no workload owns: delete it first`);
  const { kind, name, uid } = owner as { kind: Workload['kind']; name: string; uid: string };
  const resource = String(owner['apiVersion']).startsWith('apps/') ? workloads[kind] : undefined;
  if (!resource)
    throw inUse(`${what} uses it, which is of the ${kind} ${quote(name)}: only Deployments, ReplicaSets and StatefulSets are scaled`);
  const found = await place.creator.get(resource, place.namespace, name, place.signal);
  if (!found || found.metadata.uid !== uid) throw inUse(`${what} uses it, whose ${kind} is gone: wait for its end`);
  const own = `the ${kind} ${quote(name)}`;
  if (controllerOf(found)) return scalableOwner(place, found, own);
  return scalable(found, { kind, name, replicas: Number(fieldsOf(found['spec'])['replicas'] ?? 1) }, own);
}

function scalable({ metadata, spec }: ClusterObject, workload: Workload, what: string): Workload {
  const by = fieldsOf(metadata['annotations'])[restoreUid];
  if (by !== undefined) throw inUse(`${what} is scaled down for another Restore: its annotation ${restoreUid} says which one`);
  const { whenScaled } = fieldsOf(fieldsOf(spec)['persistentVolumeClaimRetentionPolicy']);
  if (whenScaled !== 'Delete') return workload;
  throw inUse(`${what} deletes its claims when it is scaled down: spec.persistentVolumeClaimRetentionPolicy.whenScaled must be Retain`);
}

const inUse = (why: string) => new RunFailed('ClaimInUse', why);

export const controllerOf = ({ metadata }: ClusterObject): Fields | undefined =>
  listOf(metadata['ownerReferences']).find(({ controller }) => controller === true);

/** The number goes with the order, so that it is never lost. */
export async function scaleDown(place: Place, scaled: readonly Workload[], { dryRun = false } = {}): Promise<void> {
  const { uid } = place.restore.metadata;
  await inParallel(scaled, atOnce, ({ kind, name, replicas }) => {
    const annotations = { [restoreUid]: uid, [replicasBefore]: String(replicas) };
    return change(place, { kind, name }, { metadata: { annotations }, spec: { replicas: 0 } }, dryRun);
  });
}

/** Only those that this Restore has scaled down; whom somebody has scaled since keeps what he said. */
export async function scaleUp(place: Place, scaled: readonly Workload[]): Promise<void> {
  const { parts, namespace, signal } = place;
  const annotations = { [restoreUid]: null, [replicasBefore]: null };
  await inParallel(scaled, atOnce, async ({ kind, name, replicas }) => {
    const live = await retried(parts.clock, signal, () => parts.cluster.get(workloads[kind], namespace, name, signal));
    if (!live || !isMarked(place, live)) return;
    const isDown = fieldsOf(live['spec'])['replicas'] === 0;
    await change(place, { kind, name }, { metadata: { annotations }, ...(isDown && { spec: { replicas } }) }, false);
  });
}

async function change(
  { parts, creator, namespace, signal }: Place,
  { kind, name }: Pick<Workload, 'kind' | 'name'>,
  patch: object,
  dryRun: boolean,
): Promise<void> {
  await retried(parts.clock, signal, () => creator.patch(workloads[kind], namespace, name, patch, { dryRun }, signal));
}

export const namesOf = (scaled: readonly Workload[]) =>
  scaled.map(({ kind, name, replicas }) => `${kind} ${quote(name)} (${replicas})`).join(', ');
