/** The only place that knows what time it is: everything else is given a Clock, so that a test can own time. */

export interface Clock {
  /** Milliseconds since the epoch, by the machine's wall clock. For timestamps shown to people, never for order. */
  now(): number;
  /** Milliseconds of a clock that never goes back. For durations and deadlines. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(reasonOf(signal));
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', abort);
        resolve();
      }, ms);
      const abort = () => {
        clearTimeout(timer);
        reject(reasonOf(signal));
      };
      signal.addEventListener('abort', abort, { once: true });
    }),
};

/** RFC 3339 with whole seconds and Z, as metav1.Time prints itself. */
export function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
