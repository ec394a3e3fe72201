/** Changes that wait for the next commit, in the order in which they came. */
import type { Change } from '../../machinery/storage.ts';
import { StorageUnavailable } from '../../machinery/storage.ts';

/** What one segment holds at most; a larger object goes alone. */
const batchChanges = 500;
const batchBytes = 1024 * 1024;
/** What may wait; whoever comes then is told to come again. */
const mostWaiting = 5000;
const mostWaitingBytes = 64 * 1024 * 1024;

/** A change whose caller waits for the answer. */
export interface PendingWrite {
  readonly change: Change;
  readonly bytes: number;
  /** The caller has its answer, or has gone. */
  settled: boolean;
  settle(reply: number | Error): void;
}

export class WriteQueue {
  #waiting: PendingWrite[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Resolves with the reply to the change; rejects with the signal's reason when it aborts before that. */
  add(change: Change, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    if (this.#waiting.length >= mostWaiting || this.#bytes >= mostWaitingBytes)
      throw new StorageUnavailable(`${this.#waiting.length} writes are waiting already`);
    return new Promise((resolve, reject) => {
      const abort = () => write.settle(signal.reason as Error);
      const write: PendingWrite = {
        change,
        bytes: change.op === 'delete' ? 0 : change.json.length,
        settled: false,
        settle: (reply) => {
          if (write.settled) return;
          write.settled = true;
          signal.removeEventListener('abort', abort);
          if (typeof reply === 'number') resolve(reply);
          else reject(reply);
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(write);
      this.#bytes += write.bytes;
    });
  }

  /** The next commit: as many as fit, without those whose callers have gone. */
  take(): readonly PendingWrite[] {
    let bytes = 0;
    let count = 0;
    for (const write of this.#waiting) {
      bytes += write.bytes;
      if (count === batchChanges || (count > 0 && bytes > batchBytes)) break;
      count++;
    }
    const batch = this.#waiting.splice(0, count);
    for (const write of batch) this.#bytes -= write.bytes;
    return batch.filter(({ settled }) => !settled);
  }

  /** Answers all that wait. */
  fail(cause: Error): void {
    for (const write of this.#waiting) write.settle(cause);
    this.#waiting = [];
    this.#bytes = 0;
  }
}
