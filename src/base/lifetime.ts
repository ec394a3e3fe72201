/** How long something may run: deadlines on top of a caller's signal, and text for what was thrown. */
import type { Clock } from './clock.ts';

/**
 * Runs `work` with a signal that aborts when the caller's does, or after `ms` milliseconds with `late()` as its reason.
 * The promise rejects with that reason even if `work` ignores the signal.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const timer = new AbortController();
  const whole = AbortSignal.any([signal, stop.signal]);
  const expired = clock.sleep(ms, timer.signal).then(
    () => {
      const error = late();
      stop.abort(error);
      throw error;
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([work(whole), expired, rejectOn(signal, timer.signal)]);
  } finally {
    timer.abort();
  }
}

/** Resolves or rejects as `promise` does, but rejects with the signal's reason as soon as that aborts. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', fail));
  });
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Rejects with the signal's reason once it aborts; is forgotten when `until` aborts. */
function rejectOn(signal: AbortSignal, until: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) return fail();
    signal.addEventListener('abort', fail, { once: true, signal: until });
  });
}

/** Runs all until each is done; when one fails, the others' signal aborts, and once they have ended too this rejects with the first failure. */
export async function together(signal: AbortSignal, works: readonly ((signal: AbortSignal) => Promise<void>)[]): Promise<void> {
  const stop = new AbortController();
  const whole = AbortSignal.any([signal, stop.signal]);
  const running = works.map((work) => work(whole));
  try {
    await Promise.all(running);
  } finally {
    stop.abort(new Error('another part has failed'));
    await Promise.allSettled(running);
  }
}
