/** Holds a stream back to so many bytes a second; the first second is free. */
import type { Clock } from '../../base/clock.ts';

export type Pace = (bytes: number, signal: AbortSignal) => Promise<void>;

/** Undefined is no limit. */
export function paceOf(clock: Clock, rate: number | undefined): Pace {
  if (rate === undefined) return async () => {};
  const begin = clock.monotonic();
  let total = 0;
  return async (bytes, signal) => {
    total += bytes;
    const due = (total / rate - 1) * 1_000 - (clock.monotonic() - begin);
    if (due > 0) await clock.sleep(due, signal);
  };
}
