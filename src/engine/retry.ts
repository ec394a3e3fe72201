/** Requests to the cluster that may succeed when asked again: refused for lack of room, in each other's way, or not answered. */
import type { Clock } from '../base/clock.ts';
import { ClusterError } from '../cluster/cluster.ts';

/** Milliseconds before the second attempt; doubled for each further one. */
const firstDelay = 200;
const attempts = 5;
/** However long the server asks to wait. */
const longestDelay = 30_000;

/** Calls `work` until it succeeds or fails for good; the attempts are numbered from 0. */
export async function retried<T>(clock: Clock, signal: AbortSignal, work: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt + 1 === attempts || !isTransient(error)) throw error;
      const asked = error instanceof ClusterError ? (error.retryAfter ?? 0) * 1_000 : 0;
      await clock.sleep(Math.min(Math.max(firstDelay * 2 ** attempt, asked), longestDelay), signal);
    }
  }
}

/** No answer (0), too many requests, a fault of the server, of a webhook, or of what lies between; writers of one quota that met. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof ClusterError)) return false;
  return error.code === 0 || error.code === 429 || error.code >= 500 || error.reason === 'Conflict';
}
