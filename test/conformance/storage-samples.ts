/** What the tests of storages run on, and objects, lists and clocks for them. */
import type { Clock } from '../../src/base/clock.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { ObjectKey, Storage, Stored } from '../../src/machinery/storage.ts';
import { emptyNumber } from '../../src/machinery/storage.ts';

export interface StorageUnderTest {
  /** Two processes on one fresh, empty storage, that keep a history of `historyKept` changes and no time. */
  readonly processes: readonly [Storage, Storage];
  readonly historyKept: number;
  /** Closes the first process. */
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export const signal = AbortSignal.any([]);
/** The number of the n-th change since the storage was empty. */
export const nth = (n: number) => emptyNumber + n;
export const resource = 'widgets.example.com';
export const keyOf = (name: string, namespace = 'default', of = resource): ObjectKey => ({ resource: of, namespace, name });
export const textOf = (name: string, value = 0) =>
  JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, value });

export async function collect(page: { readonly items: AsyncIterable<readonly Stored[]> }): Promise<Stored[]> {
  const all: Stored[] = [];
  for await (const piece of page.items) all.push(...piece);
  return all;
}

/** Notes how long it was asked to sleep. Once it is hasty, three seconds pass in a moment: nobody who waits for something may meet that. */
export class NotingClock implements Clock {
  readonly slept: number[] = [];
  isHasty = false;

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  sleep(ms: number, until: AbortSignal): Promise<void> {
    this.slept.push(ms);
    return systemClock.sleep(this.isHasty && ms === 3000 ? 30 : ms, until);
  }
}
