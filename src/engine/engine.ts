/** Does the work of Backup, Restore and Snapshot objects: watches them, carries them out, lets them expire, removes what they left; gives claims their volumes; keeps BackupStores. */
import { messageOf } from '../base/lifetime.ts';
import type { KubeObject } from '../machinery/object.ts';
import type { ObjectRef, Objects } from '../machinery/objects.ts';
import type { Services } from '../resources/services.ts';
import { backupTask } from './backup/backup.ts';
import { Claims } from './runs/claim.ts';
import { removeData } from './upkeep/deletion.ts';
import { Expiry } from './upkeep/expiry.ts';
import { RunAbandoned } from './runs/failure.ts';
import type { EngineParts } from './parts.ts';
import { Populator } from './populator/populator.ts';
import type { QueueOptions } from './runs/queue.ts';
import { WorkQueue } from './runs/queue.ts';
import { restoreTask } from './restore/restore.ts';
import { isDeleted, isUnfinished, observed, refOf } from './runs/run-status.ts';
import type { RunParts, Task } from './runs/run.ts';
import { perform } from './runs/run.ts';
import { Runs } from './runs/runs.ts';
import { createServices } from './services.ts';
import { KeptVolumes } from './look/kept-volumes.ts';
import { SnapshotFiles } from './snapshot/snapshot-files.ts';
import { snapshotTask } from './snapshot/snapshot.ts';
import { StoreKeeper } from './stores/store-keeper.ts';
import { dueAt } from './upkeep/ttl.ts';
import { Prune } from './upkeep/prune.ts';
import { Sweep } from './upkeep/sweep.ts';
import { Verifier } from './verify/verifier.ts';

export interface Engine {
  /** Works until the signal aborts, and resolves when everything has come to rest. What is interrupted goes on in the next process. */
  run(signal: AbortSignal): Promise<void>;
  readonly services: Services;
}

/** Objects of one kind that may wait for their turn; with more, the kind is listed again from time to time. */
const queueLimit = 10_000;
const choresAtOnce = 4;
const resyncEvery = 30_000;
const watchAgain = 1_000;

export function createEngine(parts: EngineParts): Engine {
  const runs = new Runs(parts.clock);
  const volumes = new KeptVolumes(parts);
  const files = new SnapshotFiles(parts, volumes);
  const claims = new Claims(parts);
  const verifier = new Verifier(parts);
  const sweep = new Sweep(parts);
  const prune = new Prune(parts);
  const populator = new Populator(parts);
  const keeper = new StoreKeeper(parts);
  const kinds = [
    new Kind({ parts, task: backupTask(parts.backups), claims, runs }, (object, gone) => verifier.see(object, gone)),
    new Kind({ parts, task: restoreTask(parts.restores, files), claims, runs }),
    new Kind({ parts, task: snapshotTask(parts.snapshots), claims, runs }),
  ];
  return {
    run: async (signal) => {
      const others = [verifier, sweep, prune, populator, keeper, volumes];
      await Promise.all([...others, ...kinds].map((one) => one.run(signal)));
    },
    services: createServices(parts, runs, files),
  };
}

/** Who else sees each object as it is now, or that it is gone; false where there was no room to remember it. */
type Seen = (object: KubeObject, gone: boolean) => boolean;

/** One kind with its queues: runs, which take long, and chores, which must not wait for them. */
class Kind {
  readonly #given: RunParts;
  readonly #alsoSeen: Seen;
  readonly #runs: WorkQueue<ObjectRef>;
  readonly #chores: WorkQueue<ObjectRef>;
  readonly #expiry: Expiry;
  /** A queue had no room: not every object that waits is in it. */
  #missed = false;

  constructor(given: RunParts, alsoSeen: Seen = () => true) {
    const { parts, task } = given;
    this.#given = given;
    this.#alsoSeen = alsoSeen;
    const { clock, log } = parts;
    const groupOf = ({ namespace }: ObjectRef) => namespace;
    const queue = (name: string, concurrency: number, work: QueueOptions<ObjectRef>['work']) =>
      new WorkQueue<ObjectRef>({ name: `the ${name} of a ${task.word}`, concurrency, limit: queueLimit, clock, log, groupOf, work });
    this.#runs = queue('run', task.atOnce, (target, signal, aside) => perform(given, target, signal, aside));
    this.#chores = queue('upkeep', choresAtOnce, (target, signal) => this.#keepUp(target, signal));
    this.#expiry = new Expiry({
      clock,
      log,
      word: task.word,
      remove: (target, signal) => parts.objects.delete(task.definition, target, signal),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#runs.run(signal),
      this.#chores.run(signal),
      this.#expiry.run(signal),
      this.#follow(signal),
      this.#resync(signal),
    ]);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { parts, task } = this.#given;
    while (!signal.aborted) {
      try {
        for await (const { type, object } of parts.objects.watch(task.definition, signal)) this.#see(object, type === 'DELETED');
      } catch (error) {
        if (signal.aborted) return;
        parts.log.warn(`${task.definition.plural} are watched again`, { error: messageOf(error) });
      }
      await parts.clock.sleep(watchAgain, signal).catch(() => {});
    }
  }

  async #resync(signal: AbortSignal): Promise<void> {
    const { parts, task } = this.#given;
    while (!signal.aborted) {
      await parts.clock.sleep(resyncEvery, signal).catch(() => {});
      if (!this.#missed || signal.aborted) continue;
      this.#missed = false;
      const objects = await listed(parts.objects, task, signal);
      for (const object of objects) this.#see(object, false);
    }
  }

  /** Sorts an object by what has to be done for it. Cheap: it sees every change. */
  #see(object: KubeObject, gone: boolean): void {
    const { claims, runs } = this.#given;
    const target = refOf(object);
    const { uid } = target;
    this.#missed ||= !this.#alsoSeen(object, gone);
    if (gone || isDeleted(object)) {
      this.#expiry.forget(uid);
      void runs.get(uid)?.stop(new RunAbandoned('it was deleted'));
    }
    if (gone) claims.forget(uid);
    else if (isUnfinished(object)) this.#missed ||= !this.#runs.add(uid, target);
    else if (isDeleted(object) || this.#lags(object, target)) this.#missed ||= !this.#chores.add(uid, target);
  }

  /** Remembers when a finished object expires; true where its status does not say what it should. */
  #lags(object: KubeObject, target: ObjectRef): boolean {
    const { claims, task } = this.#given;
    claims.forget(target.uid);
    if (task.expires) this.#expiry.set(target, dueAt(object));
    return upToDate(task, object) !== object;
  }

  async #keepUp(target: ObjectRef, signal: AbortSignal): Promise<number | undefined> {
    const { parts, task } = this.#given;
    const again = await removeData(this.#given, target, signal);
    await parts.objects.update(task.definition, target, 'status', (object) => upToDate(task, object), signal);
    return again;
  }
}

/** A finished object with the status that follows from it as it is now, and any other as it is. */
function upToDate(task: Task, object: KubeObject): KubeObject {
  return isDeleted(object) || isUnfinished(object) ? object : observed(task.finish(object));
}

async function listed(objects: Objects, task: Task, signal: AbortSignal): Promise<readonly KubeObject[]> {
  try {
    return await objects.list(task.definition, {}, signal);
  } catch {
    return [];
  }
}
