/** The work of a Restore of a Snapshot, stage by stage: the snapshot, the claim of it as the Restore's creator, its volume, results. */
import type { ClusterObject } from '../../cluster/cluster.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { notFound, quote } from '../../machinery/errors.ts';
import type { Restore, RestoreStatus } from '../../resources/restore.ts';
import type { ItemResult } from '../../resources/services.ts';
import type { Snapshot } from '../../resources/snapshot.ts';
import { createResultsWriter } from '../archive/results.ts';
import { retried } from '../retry.ts';
import { RunFailed } from '../runs/failure.ts';
import type { Work } from '../runs/run.ts';
import { isDeleted } from '../runs/run-status.ts';
import { fieldsOf } from '../selection/fields.ts';
import { claims, restoreUid } from './known.ts';
import { isMadeAtOnce, newClaim } from './new-claim.ts';
import { requireVolumeSnapshot } from './revive.ts';

/** Milliseconds that a driver may take to make the volume. */
const patience = 600_000;
const pollEvery = 500;

export async function restoreSnapshot(work: Work): Promise<Partial<RestoreStatus>> {
  const restore = work.object as Restore;
  const dryRun = restore.spec.dryRun ?? false;
  const snapshot = await findSnapshot(work);
  const wanted = newClaim(restore, snapshot);
  const atOnce = await isMadeAtOnce(work.parts.cluster, wanted, snapshot, work.signal);
  if (!dryRun) await requireVolumeSnapshot(work, snapshot);
  await createClaim(work, wanted, dryRun);
  const done = dryRun ? created('') : await outcomeOf(work, wanted.metadata.name, atOnce);
  return record(work, {
    group: claims.group,
    resource: claims.resource,
    namespace: wanted.metadata.namespace ?? '',
    name: wanted.metadata.name,
    ...done,
  });
}

async function findSnapshot({ parts, object, run, signal }: Work): Promise<Snapshot> {
  const { snapshotName = '' } = (object as Restore).spec;
  const { group, plural: resource } = parts.snapshots;
  const found = await parts.objects.get(parts.snapshots, object.metadata.namespace ?? '', snapshotName, signal);
  if (!found) throw new RunFailed('SnapshotNotFound', notFound({ group, resource }, snapshotName).message);
  const snapshot = found as Snapshot;
  const phase = isDeleted(found) ? 'Deleting' : snapshot.status.phase;
  if (phase !== 'Completed') throw new RunFailed('SnapshotNotUsable', `the snapshot ${quote(snapshotName)} is ${phase}`);
  run.log.info(`of the snapshot ${snapshotName} of ${snapshot.status.creationTime ?? snapshot.status.completionTimestamp}`);
  return snapshot;
}

/** One that an earlier run of this Restore has made will do. */
async function createClaim({ parts, creator, object, signal }: Work, wanted: ClusterObject, dryRun: boolean): Promise<void> {
  const { name, namespace = '' } = wanted.metadata;
  const cluster = parts.cluster.as(creator);
  try {
    await retried(parts.clock, signal, () => cluster.create(claims, namespace, wanted, { dryRun }, signal));
  } catch (error) {
    if (!(error instanceof ClusterError) || error.reason !== 'AlreadyExists') throw error;
    const live = await parts.cluster.get(claims, namespace, name, signal);
    if (fieldsOf(live?.metadata['annotations'])[restoreUid] === object.metadata.uid) return;
    throw new RunFailed('ClaimExists', `${error.message}: name another one in spec.claim.name`);
  }
}

const created = (message: string) => ({ outcome: 'created', message }) as const;

/** Waits for the volume where it is made at once. */
async function outcomeOf({ parts, object, signal }: Work, name: string, atOnce: boolean): Promise<Pick<ItemResult, 'outcome' | 'message'>> {
  if (!atOnce) return created('its volume is made for the first Pod that uses it');
  const { cluster, clock } = parts;
  for (const deadline = clock.monotonic() + patience; clock.monotonic() < deadline; await clock.sleep(pollEvery, signal)) {
    const live = await retried(clock, signal, () => cluster.get(claims, object.metadata.namespace ?? '', name, signal));
    if (!live) return { outcome: 'failed', message: 'it was deleted before it had a volume' };
    if (fieldsOf(live['status'])['phase'] === 'Bound') return created('');
  }
  return { outcome: 'failed', message: `it is there, but has no volume after ${patience / 1_000} s: its Events say why` };
}

async function record({ parts, folder, run, signal }: Work, result: ItemResult): Promise<Partial<RestoreStatus>> {
  const { resource, namespace, name, outcome, message } = result;
  const text = `${resource} ${namespace}/${name} ${outcome}${message && `: ${message}`}`;
  if (outcome === 'failed') run.log.error(text);
  else run.log.info(text);
  run.results.add(result);
  const results = await createResultsWriter(parts.store, folder, signal);
  try {
    await results.add(result);
    await results.finish(run.log.text());
  } catch (error) {
    await results.abort();
    throw error;
  }
  return { counts: { created: 0, failed: 0, [outcome]: 1 }, progress: { totalItems: 1, itemsRestored: 1 } };
}
