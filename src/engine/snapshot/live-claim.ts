/** A claim whose volume is read, or written to, while Pods may use it: where a mover can mount it, and as whom it has to run. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { SnapshotStatus } from '../../resources/snapshot.ts';
import type { Errand } from '../mover/mover-pod.ts';
import { runAsOf } from '../mover/mover-pod.ts';
import { podsUsing } from '../replacement/workloads.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { findBoundClaim } from './claim.ts';
import { madeFor } from './known.ts';

type Claim = NonNullable<SnapshotStatus['claim']>;

export interface LiveClaim {
  readonly claim: Claim;
  /** Of the mover beside its Pods. */
  readonly place: Pick<Errand, 'claimName' | 'node' | 'runAs'>;
}

/** Read as the creator. Rejects with RunFailed where it has no volume, or one that nobody else can have meanwhile. */
export async function findLiveClaim(work: Work, claimName: string): Promise<LiveClaim> {
  const claim = await findBoundClaim(work, claimName);
  const user = await userOf(work, claimName);
  requireShareable(claim, user);
  const node = user && !isShared(claim) ? textOf(fieldsOf(user['spec'])['nodeName']) : undefined;
  return { claim, place: { claimName, node, runAs: user && runAsOf(user) } };
}

/** One of the Pods that have the claim now, but for the mover that an earlier run has sent. */
export async function userOf(
  { parts, creator, object, signal }: Pick<Work, 'parts' | 'creator' | 'object' | 'signal'>,
  claimName: string,
): Promise<ClusterObject | undefined> {
  const { namespace = '', uid } = object.metadata;
  const using = await podsUsing({ creator: parts.cluster.as(creator), namespace, signal }, claimName);
  return using.find(({ metadata }) => fieldsOf(metadata['labels'])[madeFor] !== uid);
}

const isShared = ({ accessModes = [] }: Claim) => accessModes.includes('ReadWriteMany') || accessModes.includes('ReadOnlyMany');

function requireShareable({ name, accessModes = [] }: Claim, user: ClusterObject | undefined): void {
  if (!user || !accessModes.includes('ReadWriteOncePod')) return;
  const only = `the claim ${quote(name)} is ReadWriteOncePod and used by the Pod ${quote(user.metadata.name)}`;
  throw new RunFailed('ClaimInUse', `${only}: no other Pod can have it until that has ended`);
}
