/** The work of a Restore of a Snapshot, stage by stage: the snapshot, the claim of it as the Restore's creator (or the one that is there, or files in it), its volume, results. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { quote } from '../../machinery/errors.ts';
import type { Restore, RestoreStatus } from '../../resources/restore.ts';
import type { ItemResult } from '../../resources/services.ts';
import { createResultsWriter } from '../archive/results.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { claimExists, makeFilledClaim } from '../replacement/filled-claim.ts';
import { planOf } from '../replacement/place.ts';
import { replaceInClaim } from '../replacement/replace.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { fieldsOf } from '../selection/fields.ts';
import { requireRestoreRight } from '../selection/rights.ts';
import { isMoved } from './fill.ts';
import { claims, restoreUid } from './known.ts';
import { isElsewhere } from './lent.ts';
import { claimFromElsewhere, isMadeAtOnce, nameOfClaim, newClaim, requireSameDriver } from './new-claim.ts';
import { restoreFiles } from './restore-files.ts';
import { requireVolumeSnapshot } from './revive.ts';
import type { SnapshotFiles } from './snapshot-files.ts';
import { usableSnapshot } from './usable.ts';

/** Milliseconds that a driver may take to make the volume. */
const patience = 600_000;
const pollEvery = 500;

type Outcome = Pick<ItemResult, 'outcome' | 'message'>;

export async function restoreSnapshot(work: Work, files: SnapshotFiles): Promise<Partial<RestoreStatus>> {
  const restore = work.object as Restore;
  const { spec } = restore;
  const { snapshotName = '' } = spec;
  const snapshot = await findSnapshot(work, snapshotName);
  const { creationTime, completionTimestamp } = snapshot.status;
  work.run.log.info(`of the snapshot ${snapshotName} of ${creationTime ?? completionTimestamp}`);
  const { group, resource } = claims;
  const { namespace = '' } = restore.metadata;
  const name = nameOfClaim(restore, snapshot);
  const target = { group, resource, namespace, name };
  if (spec.files) {
    const { outcome, message, ...figures } = await restoreFiles(work, files, snapshot, name);
    return { ...(await record(work, { ...target, outcome, message })), ...figures };
  }
  requireReadable(restore, snapshot);
  const isThere = spec.existingResourcePolicy === 'Update' && (await isToBeReplaced(work, snapshot, name));
  const result = await (isThere ? replaceInClaim(work, snapshot, name) : makeClaim(work, snapshot));
  return record(work, { ...target, ...result });
}

/** In another namespace than that of the Restore it takes a right. Rejects with RunFailed. */
async function findSnapshot(work: Work, name: string): Promise<Snapshot> {
  const { parts, creator, object, signal } = work;
  const { namespace: own = '' } = object.metadata;
  const { snapshotNamespace: namespace = own } = (object as Restore).spec;
  if (namespace !== own) await requireRestoreRight(parts.authorizer, parts.snapshots, creator, { namespace, name }, signal);
  return usableSnapshot(work, namespace, name);
}

/** What a driver brings back is read by nobody. Throws RunFailed. */
function requireReadable({ spec }: Restore, snapshot: Snapshot): void {
  if (!spec.claim?.verify || isMoved(snapshot)) return;
  const fault = `the snapshot ${quote(snapshot.metadata.name)} lies with its driver, and only what lies in the object store can be compared`;
  throw new RunFailed('VerifyNotStored', `spec.claim.verify: ${fault}`);
}

/** A claim that this Restore has made is none that was there. */
async function isToBeReplaced(work: Work, snapshot: Snapshot, name: string): Promise<boolean> {
  if (planOf(work.object)) return true;
  const live = await liveClaim(work, name);
  return live !== undefined && !(await isOwn(work, snapshot, live));
}

const liveClaim = ({ parts, object, signal }: Work, name: string) =>
  retried(parts.clock, signal, () => parts.cluster.get(claims, object.metadata.namespace ?? '', name, signal));

/** The proof of a claim for the populator is that of its Snapshot; which Restore has made it stands beside that. */
async function isOwn({ parts, object, signal }: Work, snapshot: Snapshot, live: ClusterObject): Promise<boolean> {
  const { uid = '' } = object.metadata;
  if (await parts.proofs.proved(live, uid, signal)) return true;
  const isNoted = fieldsOf(live.metadata['annotations'])[restoreUid] === uid;
  return isNoted && (await parts.proofs.proved(live, snapshot.metadata.uid ?? '', signal)) !== undefined;
}

async function makeClaim(work: Work, snapshot: Snapshot): Promise<Outcome> {
  const restore = work.object as Restore;
  const { dryRun = false } = restore.spec;
  const wanted = newClaim(restore, snapshot);
  await requireSameDriver(work.parts.cluster, wanted, snapshot, work.signal);
  if (isMoved(snapshot) && !dryRun) {
    await makeFilledClaim(work, snapshot, wanted);
    return created('');
  }
  if (!dryRun && !isElsewhere(snapshot, restore)) await requireVolumeSnapshot(work, snapshot);
  const claim = await createClaim(work, snapshot, wanted, dryRun);
  return dryRun ? created('') : outcomeOf(work, claim);
}

/** One that an earlier run of this Restore has made will do. */
async function createClaim(work: Work, snapshot: Snapshot, wanted: ClusterObject, dryRun: boolean): Promise<ClusterObject> {
  const { parts, creator, object, signal } = work;
  const { name, namespace = '' } = wanted.metadata;
  const cluster = parts.cluster.as(creator);
  const claim = isElsewhere(snapshot, object)
    ? await claimFromElsewhere(parts, wanted, snapshot, signal)
    : await parts.proofs.give(wanted, object.metadata.uid ?? '', signal);
  try {
    return await retried(parts.clock, signal, () => cluster.create(claims, namespace, claim, { dryRun }, signal));
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
    const live = await liveClaim(work, name);
    if (live && (await isOwn(work, snapshot, live))) return live;
    throw claimExists(name);
  }
}

const created = (message: string) => ({ outcome: 'created', message }) as const;

/** Waits for the volume where it is made at once. */
async function outcomeOf({ parts, signal }: Work, claim: ClusterObject): Promise<Outcome> {
  const { cluster, clock } = parts;
  const { namespace = '', name } = claim.metadata;
  if (!(await isMadeAtOnce(cluster, claim, signal))) return created('its volume is made for the first Pod that uses it');
  for (const deadline = clock.monotonic() + patience; clock.monotonic() < deadline; await clock.sleep(pollEvery, signal)) {
    const live = await retried(clock, signal, () => cluster.get(claims, namespace, name, signal));
    if (!live) return { outcome: 'failed', message: 'it was deleted before it had a volume' };
    if (fieldsOf(live['status'])['phase'] === 'Bound') return created('');
  }
  return { outcome: 'failed', message: `it is there, but has no volume after ${patience / 1_000} s: its Events say why` };
}

async function record({ store, folder, run, signal }: Work, result: ItemResult): Promise<Partial<RestoreStatus>> {
  const { resource, namespace, name, outcome, message } = result;
  const text = `${resource} ${namespace}/${name} ${outcome}${message && `: ${message}`}`;
  if (outcome === 'failed') run.log.error(text);
  else run.log.info(text);
  run.results.add(result);
  const results = await createResultsWriter(store, folder, signal);
  try {
    await results.add(result);
    await results.finish(run.log.text());
  } catch (error) {
    await results.abort();
    throw error;
  }
  return { counts: { created: 0, failed: 0, [outcome]: 1 }, progress: { totalItems: 1, itemsRestored: 1 } };
}
