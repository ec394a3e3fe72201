/**
 * The volume of a claim, cloned by its driver: as it was at one moment, also where no snapshots are taken.
 * https://kubernetes.io/docs/concepts/storage/volume-pvc-datasource/
 */
import { ClusterError } from '../../cluster/cluster.ts';
import type { ClusterObject } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import { findMover } from '../mover/mover.ts';
import { isTransient } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf, textOf } from '../selection/fields.ts';
import { until } from '../until.ts';
import { findClaim, findSource } from './claim.ts';
import type { Source } from './claim.ts';
import { firstNodeFor } from './first-node.ts';
import { createIntermediate, discardIntermediate, findIntermediate, intermediateClaim } from './intermediate.ts';
import { claims, events, storageClasses } from './known.ts';
import { listed } from './listed.ts';
import { userOf } from './live-claim.ts';

export interface Cloned {
  readonly claim: Source['claim'];
  /** The claim that has the clone. */
  readonly clone: ClusterObject;
}

/** There is no clone, nor will there be one: what can be copied is the volume itself. */
export class NotCloned extends Error {
  override readonly name = 'NotCloned';
}

/** As the creator of the Snapshot. Rejects with NotCloned where it is refused, for whatever reason, or not made within `ms`. */
export async function cloneToMove(work: Work, claimName: string, ms: number): Promise<Cloned> {
  const { parts, object, signal } = work;
  try {
    const { claim, driver } = await findSource(work, claimName);
    await requireNotBegun(work);
    await requireClass(work, claim, driver);
    await work.save({ claim, driver });
    await beginClone(work, claim);
    return { claim, clone: await awaitClone(work, driver, ms) };
  } catch (error) {
    const isRefused = error instanceof RunFailed || (error instanceof ClusterError && !isTransient(error));
    if (!isRefused) throw error;
    await discardIntermediate(parts, object, signal);
    throw new NotCloned(error.message, { cause: error });
  }
}

/** A mover that a run before has sent to the volume itself would be taken for one that reads the clone. */
async function requireNotBegun({ parts, object, signal }: Work): Promise<void> {
  const clone = await findIntermediate(parts, object, signal);
  if (clone && !isGoing(clone)) return;
  if (await findMover(parts, object, signal)) throw new RunFailed('MoverExists', 'a mover has begun with the volume itself');
}

const isGoing = ({ metadata }: ClusterObject) => metadata['deletionTimestamp'] !== undefined;

async function requireClass({ parts, signal }: Work, { name, storageClassName = '' }: Source['claim'], driver: string): Promise<void> {
  const found = storageClassName ? await parts.cluster.get(storageClasses, '', storageClassName, signal) : undefined;
  if (found && found['provisioner'] === driver) return;
  throw new RunFailed('StorageClassNotFound', `no StorageClass of the driver ${quote(driver)} is that of the claim ${quote(name)}`);
}

async function beginClone(work: Work, claim: Source['claim']): Promise<void> {
  const { parts, creator, object, signal } = work;
  const source = await findClaim(work, claim.name);
  const user = await userOf(work, claim.name);
  const node = source && (await firstNodeFor(parts.cluster, source, source, user ? [user] : [], signal));
  await createIntermediate(parts, parts.cluster.as(creator), object, intermediateClaim(object, specOf(claim), node), signal);
}

/** For one reader. */
const specOf = ({ name, storageClassName, volumeMode, capacity }: Source['claim']) => ({
  accessModes: ['ReadWriteOnce'],
  storageClassName,
  ...(volumeMode && { volumeMode }),
  resources: { requests: { storage: capacity } },
  dataSource: { kind: claims.kind, name },
});

async function awaitClone(work: Work, driver: string, ms: number): Promise<ClusterObject> {
  const { parts, object, signal } = work;
  let said: string | undefined;
  const what = () => `the driver ${quote(driver)} has made no clone after ${ms / 1_000} s${said ? `: ${said}` : ''}`;
  return until({ parts, signal }, ms, what, async () => {
    const found = await findIntermediate(parts, object, signal).catch(unlessTransient);
    if (found === 'later') return undefined;
    if (!found || isGoing(found)) throw new RunFailed('ClaimNotFound', 'the claim of the clone was deleted');
    if (textOf(fieldsOf(found['status'])['phase']) === 'Bound') return found;
    const reason = await failureOf(work, found).catch(unlessTransient);
    if (reason !== 'later') said = reason;
    if (said !== undefined && clonesNone.test(said)) throw new RunFailed('DriverClonesNone', said);
    return undefined;
  });
}

/** A clone may take hours: what the cluster does not answer now it is asked again then. */
function unlessTransient(error: unknown): 'later' {
  if (isTransient(error)) return 'later';
  throw error;
}

/** Said of a driver that has no capability CLONE_VOLUME by the program that asks it: https://github.com/kubernetes-csi/external-provisioner */
const clonesNone = /does not support clone/;

/** What was said last of why there is no volume. */
async function failureOf({ parts, signal }: Work, { metadata }: ClusterObject): Promise<string | undefined> {
  const { namespace = '', uid = '' } = metadata;
  const fieldSelector = `involvedObject.uid=${uid},reason=ProvisioningFailed`;
  const found = await listed<ClusterObject>(parts.cluster, events, { namespace, fieldSelector }, signal);
  return textOf(found.at(-1)?.['message']);
}
