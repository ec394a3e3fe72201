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
  const over = new AbortController();
  const pass = () => stop.abort(signal.reason);
  if (signal.aborted) pass();
  signal.addEventListener('abort', pass);
  clock.sleep(ms, over.signal).then(
    () => stop.abort(late()),
    () => {},
  );
  try {
    return await unlessAborted(work(stop.signal), stop.signal);
  } finally {
    signal.removeEventListener('abort', pass);
    over.abort(inTime);
  }
}

/** Seen by nobody; made once, since it is needed for every request. */
const inTime = new Error('it was done in time');

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
