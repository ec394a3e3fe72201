/** Waits for what others have to do in the cluster. */
import type { Clock } from '../base/clock.ts';
import { retried } from './retry.ts';
import { RunFailed } from './runs/failure.ts';

/** Milliseconds between two looks. */
const pollEvery = 500;

interface Waiter {
  readonly parts: { readonly clock: Clock };
  readonly signal: AbortSignal;
}

/** Resolves to what a look finds first. Rejects with RunFailed, reason Timeout and `what`, when that is nothing within `ms`. */
export async function until<T>(
  { parts: { clock }, signal }: Waiter,
  ms: number,
  what: () => string,
  look: () => Promise<T | false | undefined>,
): Promise<T> {
  for (const deadline = clock.monotonic() + ms; ; await clock.sleep(pollEvery, signal)) {
    const found = await retried(clock, signal, look);
    if (found !== false && found !== undefined) return found;
    if (clock.monotonic() >= deadline) throw new RunFailed('Timeout', what());
  }
}
