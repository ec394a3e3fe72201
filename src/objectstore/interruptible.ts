/** A stream that gives up when a signal aborts, even while its source is silent. */
import { unlessAborted } from '../base/lifetime.ts';

/** The items of `source`; rejects with the signal's reason as soon as it aborts. */
export async function* interruptible<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await unlessAborted(iterator.next(), signal);
      if (next.done) break;
      yield next.value;
    }
    finished = true;
  } catch (error) {
    // A source that threw is over; one that was interrupted may be waiting, so nobody waits for it.
    finished = !signal.aborted;
    throw error;
  } finally {
    if (!finished) iterator.return?.().catch(() => {});
  }
}
