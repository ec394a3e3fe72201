/** A watch that goes on from the last number that it has seen, whenever it is cut, and notes whatever is not in order. */
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from '../e2e/replica.ts';
import { changeIn, path } from './collection.ts';
import type { Change } from './collection.ts';

/** Milliseconds before a server that is down is tried again. */
const pause = 100;

export class Watcher {
  /** In the order in which they came; only where all are to be kept. */
  readonly changes: Change[] = [];
  readonly faults: string[] = [];
  readonly #keeps: boolean;
  #last: number;
  #count = 0;
  #digest = 0;
  #resumes = -1;

  constructor(since: number, keeps: boolean) {
    this.#last = since;
    this.#keeps = keeps;
  }

  get last(): number {
    return this.#last;
  }
  get resumes(): number {
    return this.#resumes;
  }
  /** The same for two watchers that have seen the same. */
  get summary(): string {
    return `${this.#count} changes up to ${this.#last}, ${this.#digest}`;
  }

  async run(replica: Replica, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#follow(replica, signal).catch(() => {});
      if (!signal.aborted) await sleep(pause);
    }
  }

  /** Ends with the connection. */
  #follow(replica: Replica, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const url = `${replica.server}${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${this.#last}`;
      const sent = request(url, { ...replica.credentials, agent: false, signal }, (response) => {
        response.setEncoding('utf8').on('close', resolve);
        this.#begin(response.statusCode ?? 0);
        let rest = '';
        response.on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          // What was cut off with the connection is no line, and comes again.
          rest = lines.pop() ?? '';
          if (response.statusCode === 200) lines.forEach((line) => this.#take(line));
        });
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  /** While a server starts or has lost its store it may say so; that a number is too old, it may not. */
  #begin(status: number): void {
    if (status === 200) this.#resumes += 1;
    else if (status !== 503 && status !== 504) this.faults.push(`a watch from ${this.#last} was refused with ${status}`);
  }

  #take(line: string): void {
    const change = changeIn(line);
    if (change.type === 'BOOKMARK') {
      if (change.rv < this.#last) this.faults.push(`a bookmark at ${change.rv} behind ${this.#last}`);
      this.#last = Math.max(this.#last, change.rv);
      return;
    }
    if (!['ADDED', 'MODIFIED', 'DELETED'].includes(change.type)) return void this.faults.push(line.slice(0, 300));
    if (change.rv <= this.#last) this.faults.push(`${change.type} ${change.name} at ${change.rv} behind ${this.#last}`);
    this.#last = change.rv;
    this.#count += 1;
    this.#digest = Math.imul(this.#digest ^ change.rv, 0x01000193) ^ change.type.length;
    if (this.#keeps) this.changes.push(change);
  }
}
