/** The runs of this replica: what goes on now, for followers and for whoever has to stop one, and the last logs that failed. */
import type { Clock } from '../../base/clock.ts';
import { RecentResults } from './recent-results.ts';
import { RunLog } from './run-log.ts';

export interface Run {
  readonly uid: string;
  readonly log: RunLog;
  /** Of a restore. */
  readonly results: RecentResults;
  /** Aborts when the run has to stop, with the reason. */
  readonly signal: AbortSignal;
  /** Ends the run; resolves when its last step has ended. */
  stop(reason: Error): Promise<void>;
}

/** A run that failed leaves nothing in the store; its log is kept here for a while. */
const keptLogs = 100;

export class Runs {
  readonly #clock: Clock;
  readonly #running = new Map<string, Run>();
  readonly #failed = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(uid: string): Run | undefined {
    return this.#running.get(uid);
  }

  /** Calls `work` with a new run that also stops when `signal` aborts. */
  async within<T>(uid: string, signal: AbortSignal, work: (run: Run) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const ended = Promise.withResolvers<void>();
    const stop = (reason: Error) => {
      controller.abort(reason);
      return ended.promise;
    };
    const log = new RunLog(this.#clock);
    const run: Run = { uid, log, results: new RecentResults(), signal: AbortSignal.any([signal, controller.signal]), stop };
    this.#running.set(uid, run);
    try {
      return await work(run);
    } finally {
      log.close();
      this.#running.delete(uid);
      ended.resolve();
    }
  }

  keepLog(uid: string, text: string): void {
    this.#failed.set(uid, text);
    const oldest = this.#failed.keys().next().value;
    if (this.#failed.size > keptLogs && oldest !== undefined) this.#failed.delete(oldest);
  }

  keptLog(uid: string): string | undefined {
    return this.#failed.get(uid);
  }
}
