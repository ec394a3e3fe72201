/** Bounded concurrency: no more than `limit` at once, and nothing read ahead of a free place. */

/**
 * Calls `work` for every item. After the first rejection no further item is begun; the promise rejects with it as soon as
 * those in flight have ended.
 */
export async function inParallel<T>(items: AsyncIterable<T> | Iterable<T>, limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const flying = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for await (const item of items) {
    const flight: Promise<void> = work(item)
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => flying.delete(flight));
    flying.add(flight);
    if (flying.size >= limit) await Promise.race(flying);
    if (failure) break;
  }
  await Promise.all(flying);
  if (failure) throw failure.error;
}
