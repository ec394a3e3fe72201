/** The work of a Restore of a Backup, stage by stage: open and check, namespaces, items in order, results. */
import { messageOf } from '../../base/lifetime.ts';
import type { KubeObject } from '../../machinery/object.ts';
import type { ResourceDefinition } from '../../machinery/resource.ts';
import type { Restore, RestoreStatus } from '../../resources/restore.ts';
import type { ItemResult, Outcome } from '../../resources/services.ts';
import type { ResultsWriter } from '../archive/archive.ts';
import { createResultsWriter } from '../archive/results.ts';
import { applyItem } from './apply.ts';
import { awaitDefinitions } from './definitions.ts';
import { throwIfAborted } from '../runs/failure.ts';
import { definitions } from '../selection/known.ts';
import { completeOwners } from './late-owners.ts';
import { withLive } from './live-objects.ts';
import { comesLast, inRestoreOrder } from './order.ts';
import { discardMover } from '../mover/mover.ts';
import { inParallel } from '../parallel.ts';
import type { EngineParts } from '../parts.ts';
import { goBack } from '../replacement/go-back.ts';
import { placeOf } from '../replacement/place.ts';
import type { Restoration } from './restoration.ts';
import { beginRestoration, nameOf } from './restoration.ts';
import type { Task, Work } from '../runs/run.ts';
import { takeBack } from '../snapshot/lent.ts';
import { restoreSnapshot } from '../snapshot/restore-claim.ts';
import type { SnapshotFiles } from '../snapshot/snapshot-files.ts';
import { savedItems } from './saved-items.ts';
import { discardSurvey } from './survey.ts';
import { prepareNamespaces } from './target-namespaces.ts';

/** `files`: for what is restored of a Snapshot file by file. */
export function restoreTask(definition: ResourceDefinition, files: SnapshotFiles): Task {
  return {
    word: 'restore',
    definition,
    atOnce: 2,
    expires: false,
    hasLog: true,
    timeout: () => undefined,
    execute: (work) =>
      (work.object as Restore).spec.snapshotName === undefined ? restoreBackup(work) : work.aside(() => restoreSnapshot(work, files)),
    finish: (object) => object,
    discard: async (parts, object, signal) =>
      (object as Restore).spec.snapshotName === undefined ? undefined : undo(parts, object, signal),
  };
}

/** What a Restore of a Snapshot has in the cluster that was not asked for; others have nothing. */
async function undo(parts: EngineParts, object: KubeObject, signal: AbortSignal): Promise<string | undefined> {
  const isMoverGone = await discardMover(parts, object, signal);
  const left = await goBack(placeOf(parts, object, signal));
  if (left !== undefined) return left;
  if (!(await takeBack(parts, object, signal))) return 'what was lent to its namespace of the Snapshot is being deleted';
  return isMoverGone ? undefined : 'the Pod that copies it is being deleted';
}

/** Requests in flight; the best figure for one kube-apiserver on a small machine, and no burden for a large one. */
const itemsAtOnce = 48;

async function restoreBackup(work: Work): Promise<Partial<RestoreStatus>> {
  try {
    return await restoreWhole(await beginRestoration(work));
  } finally {
    await discardSurvey(work);
  }
}

async function restoreWhole(restoration: Restoration): Promise<Partial<RestoreStatus>> {
  const { work } = restoration;
  const results = await createResultsWriter(work.store, work.folder, work.signal);
  const tally = new Tally(restoration, results);
  try {
    await restoreAll(restoration, tally);
    work.run.log.info(`${tally.text}, ${work.run.log.warnings} warnings`);
    await results.finish(work.run.log.text());
    return { counts: tally.counts, progress: tally.progress };
  } catch (error) {
    await results.abort();
    throw error;
  }
}

async function restoreAll(r: Restoration, tally: Tally): Promise<void> {
  r.work.run.log.info(`${r.total} items as ${r.work.creator.name}${r.spec.dryRun ? ', as a dry run: nothing is changed' : ''}`);
  if (r.total === 0) r.work.run.log.warn('nothing that the backup holds is chosen');
  for (const key of r.missing) await tally.add({ ...r.targetOf(key), outcome: 'failed', message: 'the backup holds no such object' });
  for (const result of await prepareNamespaces(r)) await tally.add(result);
  const order = inRestoreOrder(r.choice.resources);
  await restoreInOrder(
    r,
    order.filter((resource) => !comesLast(resource)),
    tally,
  );
  await restoreInOrder(r, order.filter(comesLast), tally);
}

/** Owners are completed before anything comes back that may turn this away. */
async function restoreInOrder(r: Restoration, resources: readonly string[], tally: Tally): Promise<void> {
  for (const resource of resources) {
    await restoreResource(r, resource, tally);
    if (resource === definitions) await awaitDefinitions(r);
    if (!r.spec.dryRun) r.done.add(resource);
  }
  await completeOwners(r);
}

/** What of the archive cannot be read costs only itself. */
async function restoreResource(r: Restoration, resource: string, tally: Tally): Promise<void> {
  const { signal, run } = r.work;
  const damaged: ItemResult[] = [];
  const entries = savedItems(r, resource, (item, { message }) => damaged.push({ ...r.targetOf(item), outcome: 'failed', message }));
  try {
    await inParallel(withLive(r, resource, entries), itemsAtOnce, async (entry) => tally.add(await applyItem(r, entry)));
  } catch (error) {
    throwIfAborted(signal);
    run.log.error(`${resource} is not restored to its end: ${messageOf(error)}`);
  }
  for (const result of damaged) await tally.add(result);
}

/** Counts outcomes while they are written down. */
class Tally {
  readonly #r: Restoration;
  readonly #results: ResultsWriter;
  readonly #counts: Record<Outcome, number> = { created: 0, updated: 0, recreated: 0, unchanged: 0, skipped: 0, failed: 0 };

  constructor(r: Restoration, results: ResultsWriter) {
    this.#r = r;
    this.#results = results;
  }

  get counts(): Readonly<Record<Outcome, number>> {
    return { ...this.#counts };
  }

  get progress() {
    const itemsRestored = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    return { totalItems: Math.max(this.#r.total, itemsRestored), itemsRestored };
  }

  get text(): string {
    const some = Object.entries(this.#counts).filter(([, count]) => count > 0);
    return some.map(([outcome, count]) => `${count} ${outcome}`).join(', ') || 'nothing to restore';
  }

  async add(result: ItemResult): Promise<void> {
    const { run, report } = this.#r.work;
    this.#counts[result.outcome] += 1;
    if (result.outcome === 'failed') run.log.error(`${nameOf(result)}: ${result.message}`);
    else run.log.info(`${nameOf(result)} ${result.outcome}${result.message && `: ${result.message}`}`);
    run.results.add(result);
    report({ progress: this.progress });
    await this.#results.add(result);
  }
}
