/** Streams that are read one after the other, but begun before their turn, so that nobody waits for the first piece of each. */

/** A stream of what belongs to `of`. */
export interface Begun<K, T> {
  readonly of: K;
  readonly pieces: AsyncIterable<T>;
}

/** In the order of `keys`; the first pieces of up to `ahead` further streams are in memory. Those not read any more are closed, once their first piece is there. */
export async function* begunAhead<K, T>(keys: Iterable<K>, ahead: number, open: (key: K) => AsyncIterable<T>): AsyncGenerator<Begun<K, T>> {
  const begun: { readonly of: K; readonly rest: AsyncIterator<T>; readonly first: Promise<IteratorResult<T>> }[] = [];
  const waiting = keys[Symbol.iterator]();
  const beginNext = () => {
    const { value: of, done } = waiting.next();
    if (done) return;
    const rest = open(of)[Symbol.asyncIterator]();
    const first = rest.next();
    first.catch(() => {});
    begun.push({ of, rest, first });
  };
  try {
    for (let count = 0; count <= ahead; count++) beginNext();
    for (let stream = begun.shift(); stream; stream = begun.shift()) {
      yield { of: stream.of, pieces: continued(stream.first, stream.rest) };
      beginNext();
    }
  } finally {
    await Promise.allSettled(begun.map(async ({ rest }) => rest.return?.()));
  }
}

async function* continued<T>(first: Promise<IteratorResult<T>>, rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    for (let next = await first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
