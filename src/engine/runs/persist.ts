/** Writes into our own API that must not be given up for a hiccup of the store: tried again for a few minutes. */
import type { Clock } from '../../base/clock.ts';
import { ApiError } from '../../machinery/errors.ts';

const firstDelay = 500;
const longestDelay = 30_000;
const attempts = 10;

export async function persistent<T>(clock: Clock, signal: AbortSignal, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (attempt === attempts || !mayPass(error)) throw error;
      await clock.sleep(Math.min(firstDelay * 2 ** attempt, longestDelay), signal);
    }
  }
}

/** Busy, unavailable, unknown, or others were faster each time. */
const mayPass = (error: unknown) => error instanceof ApiError && (error.code === 409 || error.code === 429 || error.code >= 500);
