/** The claim itself: deleted, and made anew for another volume, as the creator of the Restore. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import { groupVersion } from '../../machinery/resource.ts';
import { isTransient, retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import { fieldsOf } from '../selection/fields.ts';
import { claims, restoreUid } from '../snapshot/known.ts';
import { isBoundTo } from '../snapshot/rebind.ts';
import { unlessGone } from '../snapshot/removal.ts';
import { until } from '../until.ts';
import { liveClaim, ownClaim } from './place.ts';
import type { Place } from './place.ts';
import type { FormerClaim } from './previous-volume.ts';

/** Milliseconds between two tries while a quota is full. */
const pollEvery = 500;
/** Milliseconds that the binder may take. */
const bindingTime = 60_000;
/** Milliseconds until a quota has seen that the claim before is gone. */
const quotaTime = 30_000;

/** Begins to delete this one, and no other of its name. */
export async function deleteClaim({ parts, creator, namespace, signal }: Place, name: string, uid: string): Promise<void> {
  await retried(parts.clock, signal, () => creator.delete(claims, namespace, name, { uid }, signal)).catch(unlessGone);
}

/** Resolves when there is no claim with this uid any more. Rejects with RunFailed when that takes longer than `ms`. */
export async function awaitDeletion(place: Place, name: string, uid: string, ms: number): Promise<void> {
  const what = () => `the claim ${quote(name)} is being deleted, and not gone after ${ms / 1_000} s`;
  await until(place, ms, what, async () => (await liveClaim(place, name))?.metadata.uid !== uid);
}

/** As it was, but with this volume. One that this Restore has made before will do. Rejects with RunFailed where another is there. */
export async function remakeClaim(place: Place, name: string, { metadata, spec }: FormerClaim, volumeName: string): Promise<ClusterObject> {
  const { namespace, restore } = place;
  const annotations = { ...metadata.annotations, [restoreUid]: restore.metadata.uid };
  const wanted = {
    apiVersion: groupVersion(claims),
    kind: claims.kind,
    metadata: { ...metadata, name, namespace, annotations },
    spec: { ...spec, volumeName },
  };
  const claim = await place.parts.proofs.give(wanted, restore.metadata.uid ?? '', place.signal);
  try {
    return await createPatiently(place, claim);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
    const own = await ownClaim(place, await liveClaim(place, name));
    if (own && fieldsOf(own['spec'])['volumeName'] === volumeName) return own;
    throw new RunFailed('ClaimReplaced', `another claim ${quote(name)} was made meanwhile`);
  }
}

async function createPatiently({ parts, creator, namespace, signal }: Place, claim: ClusterObject): Promise<ClusterObject> {
  const { clock } = parts;
  for (const deadline = clock.monotonic() + quotaTime; ; await clock.sleep(pollEvery, signal))
    try {
      return await creator.create(claims, namespace, claim, {}, signal);
    } catch (error) {
      if (clock.monotonic() >= deadline || !(isTransient(error) || isOfQuota(error))) throw error;
    }
}

const isOfQuota = (error: unknown) => error instanceof ClusterError && error.code === 403 && error.message.includes('exceeded quota');

export async function awaitBound(place: Place, name: string, volumeName: string): Promise<void> {
  const what = () => `the claim ${quote(name)} was not bound to the volume ${quote(volumeName)} within ${bindingTime / 1_000} s`;
  await until(place, bindingTime, what, async () => {
    const live = await liveClaim(place, name);
    return live !== undefined && isBoundTo(live, volumeName);
  });
}
