/** A copy is begun anew where the connection to the container was cut in the middle of it, or the container has ended. */
import { messageOf } from '../../base/lifetime.ts';
import { ClusterError } from '../../cluster/cluster.ts';
import { ApiError } from '../../machinery/errors.ts';
import type { Sender } from '../mover/mover.ts';
import { RunFailed, throwIfAborted } from '../runs/failure.ts';

/** How often it is begun anew before it is given up. */
const mostCut = 3;
/** Milliseconds before that. */
const pause = 2_000;

/** What tar had to do did not come to its end. */
export class CopyCut extends Error {
  override readonly name = 'CopyCut';
}

export async function inAttempts<T>({ parts, warn, signal }: Sender, work: () => Promise<T>): Promise<T> {
  for (let cut = 0; ; cut++) {
    try {
      return await work();
    } catch (error) {
      throwIfAborted(signal);
      if (!isCut(error)) throw error;
      if (cut === mostCut) throw new RunFailed('CopyCut', `it was cut ${mostCut + 1} times: ${messageOf(error)}`, error);
      warn(`the copy was cut, and is begun again: ${messageOf(error)}`);
      await parts.clock.sleep(pause, signal);
    }
  }
}

/** No answer, a container that is gone, a volume that cannot be read for a moment, or a fault of who stands between. */
const isCut = (error: unknown) =>
  error instanceof CopyCut ||
  (error instanceof ApiError && error.code === 503) ||
  (error instanceof ClusterError && (error.code === 0 || error.code === 404 || error.code >= 500));
