/** The object store as it is in truth, and a record of all that was ever sent to it. */
import type { Scheduler } from './scheduler.ts';

/** A put of an object as its writer sees it. */
export interface SentPut {
  readonly key: string;
  readonly body: Uint8Array;
  readonly writer: string;
  /** What the key held when it was sent. */
  readonly there: Uint8Array | undefined;
  /** What the store told the writer, once it has. */
  answer: string;
}

export interface Deleted {
  readonly key: string;
  /** How many keys of its folder were behind it. */
  readonly newer: number;
  /** Whether it was the last that its deleter had put there. */
  readonly isOwnLast: boolean;
}

export class Bucket {
  readonly objects = new Map<string, Uint8Array>();
  /** When, in moments of the history, a key was made. */
  readonly made = new Map<string, number>();
  readonly deleted: Deleted[] = [];
  readonly sent: SentPut[] = [];
  /** Requests that have not arrived yet. */
  travelling = 0;
  readonly #scheduler: Scheduler;
  readonly #moment: () => number;

  constructor(scheduler: Scheduler, moment: () => number) {
    this.#scheduler = scheduler;
    this.#moment = moment;
  }

  put(key: string, body: Uint8Array): 'created' | 'exists' {
    if (this.objects.has(key)) return 'exists';
    this.objects.set(key, body);
    this.made.set(key, this.#moment());
    this.#scheduler.mark(key);
    return 'created';
  }

  delete(key: string, by: string): void {
    if (!this.objects.delete(key)) return;
    const folder = key.slice(0, key.lastIndexOf('/') + 1);
    const lastSent = this.sent.findLast((put) => put.writer === by && put.key.startsWith(folder));
    this.deleted.push({ key, newer: this.keys(folder, key).length, isOwnLast: lastSent?.key === key });
  }

  /** In order; all keys are ASCII. */
  keys(prefix: string, after: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  }
}
